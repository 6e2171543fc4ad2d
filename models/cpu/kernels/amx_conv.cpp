// gst-wav2lip: cutting of the work of AmxConv. See amx_conv.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "amx_conv.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "amx_stage.h"
#include "products.h"

namespace w2l {
namespace {

// Pictures are cut into so many blocks for the sake of other threads: where all weights stay in a
// cache beside the pixels, by rows, else by channels, of which each stages the same pixels again.
constexpr int kWantedBlocks = 8;
constexpr std::size_t kFewWeights = 512 * 1024;  // bytes
constexpr int kLeastPositions = 4 * kAmxRows;    // of a block

}  // namespace

// How a convolution is cut: `image_blocks` groups of pictures, the rows of each in `row_blocks`,
// the groups of channels in `parts`.
template <typename In>
struct AmxConv<In>::Cut {
  int first_row, rows;  // of positions
  int image_blocks, row_blocks, parts;
  int images, groups;

  int count() const { return image_blocks * row_blocks * parts; }

  // Blocks [first, end), all of the same pixels.
  AmxBlock block(int first, int end) const {
    const auto share = [](int all, int blocks, int i) {
      return static_cast<int>(static_cast<std::ptrdiff_t>(all) * i / blocks);
    };
    const int pixels = first / parts, part = first % parts;
    const int image = pixels / row_blocks, row = pixels % row_blocks;
    AmxBlock block;
    block.first_image = share(images, image_blocks, image);
    block.images = share(images, image_blocks, image + 1) - block.first_image;
    block.first_row = share(rows, row_blocks, row);
    block.rows = share(rows, row_blocks, row + 1) - block.first_row;
    block.first_row += first_row;
    block.first_group = share(groups, parts, part);
    block.end_group = share(groups, parts, part + end - first);
    return block;
  }
};

template <typename In>
AmxConv<In>::AmxConv(const ConvGeometry &geometry, int in, int out, AmxSize size,
                     const float *weight, const float *bias, const AmxKernels &kernels)
    : kernels_(kernels),
      weights_(geometry, in, out, size, weight, std::is_same_v<In, Bf16> ? 1.0f : 1 / 255.0f,
               bias) {}

template <typename In>
typename AmxConv<In>::Cut AmxConv<In>::cut(const GeneralConv<In, Bf16> &conv) const {
  const AmxLayer &layer = weights_.layer();
  Cut cut;
  const auto positions = [&](int row) { return (row + layer.scale_y - 1) / layer.scale_y; };
  cut.first_row = conv.first_row / layer.scale_y;
  cut.rows = std::max(0, positions(conv.out_height) - cut.first_row);
  cut.images = cut.rows > 0 && conv.out_height > conv.first_row ? conv.images : 0;
  cut.groups = round_up(layer.tiles, kAmxGroup) / kAmxGroup;
  const auto blocks = [](int all, int most) { return (all + most - 1) / most; };
  const int image_rows = cut.rows + layer.more_rows();
  if (image_rows <= layer.plane_rows) {
    cut.image_blocks = blocks(cut.images, layer.plane_rows / image_rows);
    cut.row_blocks = 1;
  } else {
    cut.image_blocks = cut.images;
    cut.row_blocks = blocks(cut.rows, layer.plane_rows - layer.more_rows());
  }
  if (cut.images > 0 && weights_.bytes() <= kFewWeights) {
    cut.image_blocks = std::max(cut.image_blocks, std::min(cut.images, kWantedBlocks));
    const int fitting = cut.rows * layer.row_positions() / kLeastPositions;
    const int wanted = std::min({blocks(kWantedBlocks, cut.image_blocks), fitting, cut.rows});
    cut.row_blocks = std::max(cut.row_blocks, wanted);
  }
  const int cut_so_far = cut.image_blocks * cut.row_blocks;
  cut.parts = cut_so_far > 0 ? std::min(blocks(kWantedBlocks, cut_so_far), cut.groups) : 1;
  return cut;
}

template <typename In>
int AmxConv<In>::blocks(const GeneralConv<In, Bf16> &conv) const {
  return cut(conv).count();
}

template <typename In>
void AmxConv<In>::run(const GeneralConv<In, Bf16> &conv, int first, int end,
                      float *workspace) const {
  const AmxLayer &layer = weights_.layer();
  const Cut cut = this->cut(conv);
  const AmxOutput output = {conv.out_height, conv.out_width, conv.first_row,
                            conv.residual,   conv.output,    conv.activation == Activation::Relu};
  auto *stage = reinterpret_cast<Bf16 *>(workspace + AmxSpace(layer).sums);
  while (first < end) {  // pixels are staged once for all their parts
    const int next = std::min((first / cut.parts + 1) * cut.parts, end);
    const AmxBlock block = cut.block(first, next);
    stage_pixels(layer, conv.input, block, stage);
    kernels_.run(layer, output, block, workspace);
    first = next;
  }
}

template class AmxConv<Bf16>;
template class AmxConv<std::uint8_t>;

}  // namespace w2l
