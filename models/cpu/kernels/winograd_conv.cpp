// gst-wav2lip: cutting of the work of Winograd convolutions. See winograd_conv.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "winograd_conv.h"

#include <algorithm>

namespace w2l {
namespace {

// A block's intermediate results should stay in a core's second-level cache (1 MiB and more).
constexpr std::size_t kBlockBytes = 400 * 1024;
// Each block reads all weights, which with many channels do not stay in any cache near the core.
constexpr int kLeastTiles = 14;

template <typename T>
int tiles_of_block(const WinogradLayer<T> &layer, const WinogradKernels &kernels) {
  const std::size_t one = WinogradSpace(layer, kernels.lanes, 1).total() * sizeof(float);
  const int fitting = static_cast<int>(kBlockBytes / one);
  return round_up(std::max(fitting, kLeastTiles), kernels.rows);
}

template <typename T>
int tile_count(const Conv3x3<T> &conv, WinogradForm form) {
  return conv.images * tiles_down(conv, form) * tiles_across(conv, form);
}

}  // namespace

template <typename T>
WinogradSpace::WinogradSpace(const WinogradLayer<T> &layer, int lanes, int tiles) {
  const WinogradShape shape = shape_of(layer.form);
  const auto space = [&](int elements) {
    const int points = shape.points() * shape.points(), matrices = shape.matrices * shape.matrices;
    return static_cast<std::size_t>(points * tiles) *
               static_cast<std::size_t>(round_up(elements, lanes)) +
           static_cast<std::size_t>(matrices * lanes);
  };
  zeros = static_cast<std::size_t>(round_up(layer.in, lanes));
  peaks = static_cast<std::size_t>(round_up(tiles, lanes));
  inputs = space(layer.elements());
  products = space(layer.out);
}

template WinogradSpace::WinogradSpace(const WinogradLayer<float> &, int, int);
template WinogradSpace::WinogradSpace(const WinogradLayer<Bf16> &, int, int);

template <typename T>
WinogradConv<T>::WinogradConv(WinogradForm form, int in, int out, const float *weight,
                              const float *bias, const WinogradKernels &kernels)
    : kernels_(kernels),
      weights_(form, in, out, weight, bias, kernels.lanes),
      block_tiles_(tiles_of_block(weights_.layer(), kernels)) {}

template <typename T>
int WinogradConv<T>::blocks(const Conv3x3<T> &conv) const {
  return round_up(tile_count(conv, weights_.layer().form), block_tiles_) / block_tiles_;
}

template <typename T>
std::size_t WinogradConv<T>::workspace_size() const {
  return WinogradSpace(weights_.layer(), kernels_.lanes, block_tiles_).total();
}

template <typename T>
void WinogradConv<T>::run(const Conv3x3<T> &conv, int first, int end, float *workspace) const {
  const std::ptrdiff_t tiles = tile_count(conv, weights_.layer().form), count = blocks(conv);
  // Of equal size: a short last block would leave the other threads waiting for nothing.
  const auto start = [&](int block) { return static_cast<int>(tiles * block / count); };
  for (int block = first; block < end; ++block)
    kernels_.run(weights_.layer(), conv, {start(block), start(block + 1)}, workspace);
}

template class WinogradConv<float>;
template class WinogradConv<Bf16>;

}  // namespace w2l
