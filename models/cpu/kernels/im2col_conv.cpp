// gst-wav2lip: cutting of the work of Im2colConv. See im2col_conv.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "im2col_conv.h"

#include <algorithm>

namespace w2l {
namespace {

// A block's intermediate results should stay near the first-level cache: each number of a patch is
// multiplied by few weights where there are few output channels.
constexpr std::size_t kBlockBytes = 64 * 1024;
// Each block reads its weights, which with many channels do not stay in any cache near the core.
constexpr int kLeastPatches = 14;

// Pixels are staged in the first-level cache.
constexpr std::size_t kStageBytes = 24 * 1024;
constexpr int kMostStaged = 48;

// Small pictures are cut into so many blocks, if these are not smaller than that, for the sake of
// other threads. Blocks of other columns gather the same patches again.
constexpr int kWantedBlocks = 8, kFewPatches = 48, kFewColumns = 64;

template <typename Number>
int patches_of_block(const Im2colLayer<Number> &layer, const Im2colKernels &kernels) {
  const int numbers = round_up(layer.elements(), kernels.lanes) + layer.columns;
  const std::size_t one = static_cast<std::size_t>(numbers) * sizeof(float);
  const int fitting = static_cast<int>(kBlockBytes / one);
  return round_up(std::max(fitting, kLeastPatches), kernels.rows);
}

RunIm2col<float, float> *run_of(const Im2colKernels &kernels, const float *, const float *) {
  return kernels.run_float;
}
RunIm2col<Bf16, Bf16> *run_of(const Im2colKernels &kernels, const Bf16 *, const Bf16 *) {
  return kernels.run_bf16;
}
RunIm2col<Bf16, float> *run_of(const Im2colKernels &kernels, const Bf16 *, const float *) {
  return kernels.run_bf16_to_float;
}
RunIm2col<std::uint8_t, float> *run_of(const Im2colKernels &kernels, const std::uint8_t *,
                                       const float *) {
  return kernels.run_bytes_to_float;
}
RunIm2col<std::uint8_t, Bf16> *run_of(const Im2colKernels &kernels, const std::uint8_t *,
                                      const Bf16 *) {
  return kernels.run_bytes_to_bf16;
}

}  // namespace

template <typename Number>
Im2colSpace::Im2colSpace(const Im2colLayer<Number> &layer, int lanes, int patches) {
  const PatchGeometry &geometry = layer.geometry;
  const auto floats = [&](int numbers) {  // and what may be read or written beyond them
    return static_cast<std::size_t>(round_up(numbers, lanes) + 2 * lanes);
  };
  const int fitting = static_cast<int>(kStageBytes / sizeof(float)) / layer.run();
  staged = std::max((fitting - geometry.kernel) / geometry.stride_x + 1, 1);
  staged = std::min(staged, kMostStaged);
  const int width = (staged - 1) * geometry.stride_x + geometry.kernel;
  stage = floats(width * layer.run());
  patch = floats(layer.patch());
  units = static_cast<std::size_t>(round_up(patches, lanes));
  constexpr int kLine = 64 / sizeof(float);
  step = static_cast<std::size_t>(round_up(patches * lanes + kLine, 2 * kLine) - kLine);
  const auto matrix = [&](int elements) {
    return static_cast<std::size_t>(round_up(elements, lanes) / lanes) * step;
  };
  inputs = matrix(layer.elements());
  products = matrix(layer.columns);
}

template Im2colSpace::Im2colSpace(const Im2colLayer<float> &, int, int);
template Im2colSpace::Im2colSpace(const Im2colLayer<std::int16_t> &, int, int);

// How a convolution is cut: `parts` of the columns, each of `blocks` of the patches.
template <typename In, typename Out>
struct Im2colConv<In, Out>::Cut {
  int patches, blocks;
  int first_group, groups, parts;
};

template <typename In, typename Out>
Im2colConv<In, Out>::Im2colConv(const ConvGeometry &geometry, int in, int out, const float *weight,
                                const float *bias, const Im2colKernels &kernels)
    : kernels_(kernels),
      weights_(geometry, in, out, weight, bias, kernels.lanes),
      block_patches_(patches_of_block(weights_.layer(), kernels)) {}

template <typename In, typename Out>
typename Im2colConv<In, Out>::Cut Im2colConv<In, Out>::cut(const GeneralConv<In, Out> &conv) const {
  const auto &layer = weights_.layer();
  const PatchGeometry &geometry = layer.geometry;
  Cut cut;
  cut.patches = conv.images * patches_across(conv, geometry) * patches_down(conv, geometry);
  cut.blocks = std::max(round_up(cut.patches, block_patches_) / block_patches_,
                        std::min(cut.patches / kFewPatches, kWantedBlocks));
  // A patch that gives several rows does not give those above the first.
  const int group = 2 * kernels_.lanes;
  const int unused = geometry.outputs > 1 ? conv.first_row * geometry.outputs : 0;
  cut.first_group = unused * layer.channels() / group;
  cut.groups = round_up(layer.columns, group) / group - cut.first_group;
  cut.parts = 1;
  // The sigmoid is computed of whole pixels.
  if (cut.blocks > 0 && conv.activation != Activation::Sigmoid)
    cut.parts = std::max(1, std::min(kWantedBlocks / cut.blocks, cut.groups * group / kFewColumns));
  return cut;
}

template <typename In, typename Out>
int Im2colConv<In, Out>::blocks(const GeneralConv<In, Out> &conv) const {
  const Cut cut = this->cut(conv);
  return cut.blocks * cut.parts;
}

template <typename In, typename Out>
std::size_t Im2colConv<In, Out>::workspace_size() const {
  return Im2colSpace(weights_.layer(), kernels_.lanes, block_patches_).total();
}

template <typename In, typename Out>
void Im2colConv<In, Out>::run(const GeneralConv<In, Out> &conv, int first, int end,
                              float *workspace) const {
  const auto &layer = weights_.layer();
  const Cut cut = this->cut(conv);
  // Of nearly equal size: a short last block would leave the other threads waiting for nothing. Of
  // patches that are multiplied at once: few of them take as long.
  const std::ptrdiff_t units = round_up(cut.patches, kernels_.rows) / kernels_.rows;
  const auto patch = [&](int i) {
    return std::min(static_cast<int>(units * i / cut.blocks) * kernels_.rows, cut.patches);
  };
  const auto column = [&](int i) {
    return std::min((cut.first_group + cut.groups * i / cut.parts) * 2 * kernels_.lanes,
                    layer.columns);
  };
  const auto run =
      run_of(kernels_, static_cast<const In *>(nullptr), static_cast<const Out *>(nullptr));
  for (int i = first; i < end; ++i) {
    // One part after the other: its weights are read again, from a cache.
    const int block = i % cut.blocks, part = i / cut.blocks;
    run(layer, conv, {patch(block), patch(block + 1), column(part), column(part + 1)}, workspace);
  }
}

template class Im2colConv<float, float>;
template class Im2colConv<Bf16, Bf16>;
template class Im2colConv<Bf16, float>;
template class Im2colConv<std::uint8_t, float>;
template class Im2colConv<std::uint8_t, Bf16>;

}  // namespace w2l
