// gst-wav2lip: cutting of the work of Winograd convolutions. See winograd_conv.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "winograd_conv.h"

#include <algorithm>

namespace w2l {
namespace {

// A block's intermediate results should stay in a core's second-level cache (1 MiB and more).
constexpr std::size_t kBlockBytes = 640 * 1024;
// Each block reads all weights, which with many channels do not stay in any cache near the core.
constexpr int kLeastTiles = 28;

template <typename T>
int tiles_of_block(const WinogradLayer<T> &layer, const WinogradKernels &kernels) {
  const std::size_t one = WinogradSpace(layer, kernels.lanes, 1).total * sizeof(float);
  const int fitting = static_cast<int>(kBlockBytes / one);
  return round_up(std::max(fitting, kLeastTiles), kernels.rows);
}

template <typename T>
int tile_count(const Conv3x3<T> &conv, int tile) {
  const int rows = std::max(0, conv.height - conv.first_row);
  return conv.images * (round_up(rows, tile) / tile) * (round_up(conv.width, tile) / tile);
}

}  // namespace

template <typename T>
WinogradSpace::WinogradSpace(const WinogradLayer<T> &layer, int lanes, int tiles) {
  const auto step = [&](int elements) {
    // One vector more: powers of two would put all points on the same few lines of the cache.
    return static_cast<std::size_t>(round_up(elements, lanes)) * static_cast<std::size_t>(tiles) +
           static_cast<std::size_t>(lanes);
  };
  zeros = static_cast<std::size_t>(round_up(layer.in, lanes));
  peaks = static_cast<std::size_t>(round_up(tiles, lanes));
  input_step = step(layer.elements());
  product_step = step(layer.out);
  total = zeros + peaks + static_cast<std::size_t>(layer.points()) * (input_step + product_step);
}

template WinogradSpace::WinogradSpace(const WinogradLayer<float> &, int, int);
template WinogradSpace::WinogradSpace(const WinogradLayer<Bf16> &, int, int);

template <typename T>
WinogradConv<T>::WinogradConv(int tile, int in, int out, const float *weight, const float *bias,
                              const WinogradKernels &kernels)
    : kernels_(kernels),
      weights_(tile, in, out, weight, bias, kernels.lanes),
      block_tiles_(tiles_of_block(weights_.layer(), kernels)) {}

template <typename T>
int WinogradConv<T>::blocks(const Conv3x3<T> &conv) const {
  return round_up(tile_count(conv, weights_.layer().tile), block_tiles_) / block_tiles_;
}

template <typename T>
std::size_t WinogradConv<T>::workspace_size() const {
  return WinogradSpace(weights_.layer(), kernels_.lanes, block_tiles_).total;
}

template <typename T>
void WinogradConv<T>::run(const Conv3x3<T> &conv, int first, int end, float *workspace) const {
  const std::ptrdiff_t tiles = tile_count(conv, weights_.layer().tile), count = blocks(conv);
  // Of equal size: a short last block would leave the other threads waiting for nothing.
  const auto start = [&](int block) { return static_cast<int>(tiles * block / count); };
  for (int block = first; block < end; ++block)
    kernels_.run(weights_.layer(), conv, {start(block), start(block + 1)}, workspace);
}

template class WinogradConv<float>;
template class WinogradConv<Bf16>;

}  // namespace w2l
