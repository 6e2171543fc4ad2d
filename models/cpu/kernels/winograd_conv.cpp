// gst-wav2lip: packing of weights and cutting of work for Winograd convolutions. See
// winograd_conv.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "winograd_conv.h"

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>

namespace w2l {
namespace {

using Filter = const double (*)[3];

// How the three taps of a filter become points (G of Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015). The rows belong to 0, 1, -1, (2, (-2,)) and infinity.
constexpr double kFilter2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
constexpr double kFilter3[5][3] = {{1. / 2, 0, 0},
                                   {-1. / 2, -1. / 2, -1. / 2},
                                   {-1. / 6, 1. / 6, -1. / 6},
                                   {1. / 6, 1. / 3, 2. / 3},
                                   {0, 0, 1}};
constexpr double kFilter4[6][3] = {{1. / 4, 0, 0},
                                   {-1. / 6, -1. / 6, -1. / 6},
                                   {-1. / 6, 1. / 6, -1. / 6},
                                   {1. / 24, 1. / 12, 1. / 6},
                                   {1. / 24, -1. / 12, 1. / 6},
                                   {0, 0, 1}};

Filter filter_transform(int tile) {
  if (tile == 2) return kFilter2;
  if (tile == 3) return kFilter3;
  if (tile == 4) return kFilter4;
  throw std::invalid_argument("a Winograd tile of this size does not exist");
}

double transformed(const float *taps, const double *row, const double *column) {
  double sum = 0;
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 3; ++x) sum += row[y] * column[x] * static_cast<double>(taps[y * 3 + x]);
  return sum;
}

// A block's intermediate results should stay in a core's second-level cache (1 MiB and more).
constexpr std::size_t kBlockBytes = 640 * 1024;
// Each block reads all weights, which with many channels do not stay in any cache near the core.
constexpr int kLeastTiles = 28;

int tiles_of_block(const WinogradLayer &layer, const WinogradKernels &kernels) {
  const std::size_t one = WinogradSpace(layer, kernels.lanes, 1).total * sizeof(float);
  const int fitting = static_cast<int>(kBlockBytes / one);
  return round_up(std::max(fitting, kLeastTiles), kernels.rows);
}

int tile_count(const Conv3x3 &conv, int tile) {
  const int rows = std::max(0, conv.height - conv.first_row);
  return conv.images * (round_up(rows, tile) / tile) * (round_up(conv.width, tile) / tile);
}

}  // namespace

WinogradSpace::WinogradSpace(const WinogradLayer &layer, int lanes, int tiles) {
  const auto step = [&](int channels) {
    // One vector more: powers of two would put all points on the same few lines of the cache.
    return static_cast<std::size_t>(round_up(channels, lanes)) * static_cast<std::size_t>(tiles) +
           static_cast<std::size_t>(lanes);
  };
  zeros = static_cast<std::size_t>(round_up(layer.in, lanes));
  input_step = step(layer.in);
  product_step = step(layer.out);
  total = zeros + static_cast<std::size_t>(layer.points()) * (input_step + product_step);
}

WinogradConv::WinogradConv(int tile, int in, int out, const float *weight, const float *bias,
                           const WinogradKernels &kernels)
    : kernels_(kernels), layer_{tile, in, out, nullptr, nullptr} {
  pack(weight, bias);
  block_tiles_ = tiles_of_block(layer_, kernels_);
}

void WinogradConv::pack(const float *weight, const float *bias) {
  const Filter filter = filter_transform(layer_.tile);
  const int edge = layer_.tile + 2, lanes = kernels_.lanes, group = 2 * lanes;
  const int padded = round_up(layer_.out, lanes);
  const auto in = static_cast<std::size_t>(layer_.in), out = static_cast<std::size_t>(padded);
  const auto points = static_cast<std::size_t>(layer_.points());
  packed_ = hwy::AllocateAligned<float>(points * in * out + out);
  if (!packed_) throw std::bad_alloc();
  std::fill_n(packed_.get(), points * in * out + out, 0.0f);

  for (int k = 0; k < layer_.out; ++k) {
    const int start = k / group * group, width = std::min(group, padded - start);
    float *to = packed_.get() + static_cast<std::size_t>(start) * in + (k - start);
    for (int c = 0; c < layer_.in; ++c, to += width, weight += 9)
      for (int y = 0; y < edge; ++y)
        for (int x = 0; x < edge; ++x)
          to[static_cast<std::size_t>(y * edge + x) * in * out] =
              static_cast<float>(transformed(weight, filter[y], filter[x]));
  }
  float *const packed_bias = packed_.get() + points * in * out;
  std::copy_n(bias, layer_.out, packed_bias);
  layer_.weights = packed_.get();
  layer_.bias = packed_bias;
}

int WinogradConv::blocks(const Conv3x3 &conv) const {
  return round_up(tile_count(conv, layer_.tile), block_tiles_) / block_tiles_;
}

std::size_t WinogradConv::workspace_size() const {
  return WinogradSpace(layer_, kernels_.lanes, block_tiles_).total;
}

void WinogradConv::run(const Conv3x3 &conv, int first, int end, float *workspace) const {
  const std::ptrdiff_t tiles = tile_count(conv, layer_.tile), count = blocks(conv);
  // Of equal size: a short last block would leave the other threads waiting for nothing.
  const auto start = [&](int block) { return static_cast<int>(tiles * block / count); };
  for (int block = first; block < end; ++block)
    kernels_.run(layer_, conv, {start(block), start(block + 1)}, workspace);
}

}  // namespace w2l
