// gst-wav2lip: one block of a Winograd convolution: tiles of the input to points, products of all
// points, products to tiles of the output. Compiled once per instruction set; the CPU decides at
// run time. See winograd_kernels.h.
// SPDX-License-Identifier: LGPL-2.1-or-later

// Arrays of vectors need vectors of a size known to the compiler, which SVE and RVV have not. The
// others lie between two that are compiled and make no difference here.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "winograd_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway wants to be included after it.
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "winograd_kernels.h"
#include "winograd_multiply-inl.h"
#include "winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

// The first `count` channels of a pixel, fewer than a vector's: nothing behind them is touched.
HWY_INLINE Vector load_some(const float *from, int count) {
  HWY_ALIGN float lanes[kLanes] = {};
  std::memcpy(lanes, from, static_cast<std::size_t>(count) * sizeof(float));
  return hn::Load(Floats(), lanes);
}

HWY_INLINE void store_some(Vector value, float *to, int count) {
  HWY_ALIGN float lanes[kLanes];
  hn::Store(value, Floats(), lanes);
  std::memcpy(to, lanes, static_cast<std::size_t>(count) * sizeof(float));
}

HWY_INLINE Vector load_channels(const float *from, int count) {
  return count < kLanes ? load_some(from, count) : hn::LoadU(Floats(), from);
}

struct TilePosition {
  int image, row, column;  // of the top left pixel

  TilePosition(const Conv3x3 &conv, int tile, int index) {
    const int across = round_up(conv.width, tile) / tile;
    const int down = round_up(conv.height - conv.first_row, tile) / tile;
    image = index / (across * down);
    row = conv.first_row + index / across % down * tile;
    column = index % across * tile;
  }
};

// `points` of this tile, `step` apart; groups of kLanes channels are `group_step` apart.
template <int kTile>
void transform_input(const Conv3x3 &conv, int in, const TilePosition &at, const float *zeros,
                     float *points, std::size_t step, std::size_t group_step) {
  constexpr int kEdge = kTile + 2;
  const float *pixels[kEdge * kEdge];
  for (int i = 0; i < kEdge * kEdge; ++i) {
    const int y = at.row + i / kEdge - 1, x = at.column + i % kEdge - 1;
    const bool inside = y >= 0 && y < conv.height && x >= 0 && x < conv.width;
    pixels[i] = inside ? conv.input.at(at.image, y, x) : zeros;
  }
  for (int c = 0; c < in; c += kLanes, points += group_step) {
    const int count = std::min(kLanes, in - c);
    Vector before[kEdge], after[kEdge], columns[kEdge * kEdge];
    for (int x = 0; x < kEdge; ++x) {
      for (int y = 0; y < kEdge; ++y) before[y] = load_channels(pixels[y * kEdge + x] + c, count);
      Transform<kTile>::input(before, after);
      for (int y = 0; y < kEdge; ++y) columns[y * kEdge + x] = after[y];
    }
    for (int y = 0; y < kEdge; ++y) {
      Transform<kTile>::input(columns + y * kEdge, after);
      for (int x = 0; x < kEdge; ++x)
        hn::Store(after[x], Floats(), points + static_cast<std::size_t>(y * kEdge + x) * step);
    }
  }
}

// Adds bias and residual and writes one pixel's channels [k, k + kLanes) or as many as there are.
HWY_INLINE void finish_pixel(const Conv3x3 &conv, Vector value, int image, int row, int column,
                             int k, int count) {
  if (conv.residual.data)
    value = hn::Add(value, load_channels(conv.residual.at(image, row, column) + k, count));
  if (conv.relu) value = hn::Max(value, hn::Zero(Floats()));
  float *to = conv.output.at(image, row, column) + k;
  if (count < kLanes)
    store_some(value, to, count);
  else
    hn::StoreU(value, Floats(), to);
}

template <int kTile>
void transform_output(const Conv3x3 &conv, const WinogradLayer &layer, const TilePosition &at,
                      const float *products, std::size_t step, std::size_t group_step) {
  constexpr int kEdge = kTile + 2;
  const int height = std::min(kTile, conv.height - at.row);
  const int width = std::min(kTile, conv.width - at.column);
  for (int k = 0; k < layer.out; k += kLanes, products += group_step) {
    const int count = std::min(kLanes, layer.out - k);
    const Vector bias = hn::Load(Floats(), layer.bias + k);
    Vector before[kEdge], after[kTile], columns[kTile * kEdge];
    for (int x = 0; x < kEdge; ++x) {
      for (int y = 0; y < kEdge; ++y)
        before[y] = hn::Load(Floats(), products + static_cast<std::size_t>(y * kEdge + x) * step);
      Transform<kTile>::output(before, after);
      for (int y = 0; y < kTile; ++y) columns[y * kEdge + x] = after[y];
    }
    for (int y = 0; y < height; ++y) {
      Transform<kTile>::output(columns + y * kEdge, after);
      for (int x = 0; x < width; ++x)
        finish_pixel(conv, hn::Add(after[x], bias), at.image, at.row + y, at.column + x, k, count);
    }
  }
}

template <int kTile>
void run_tiles(const WinogradLayer &layer, const Conv3x3 &conv, TileRange range, float *workspace) {
  const int tiles = range.end - range.first;
  const WinogradSpace space(layer, kLanes, tiles);
  const std::size_t group_step = static_cast<std::size_t>(tiles) * kLanes;
  const auto points = static_cast<std::size_t>(layer.points());
  float *const inputs = workspace + space.zeros;
  float *const products = inputs + points * space.input_step;
  std::fill_n(workspace, space.zeros, 0.0f);

  for (int i = 0; i < tiles; ++i)
    transform_input<kTile>(conv, layer.in, TilePosition(conv, kTile, range.first + i), workspace,
                           inputs + i * kLanes, space.input_step, group_step);
  const std::size_t weights_step =
      static_cast<std::size_t>(layer.in) * static_cast<std::size_t>(round_up(layer.out, kLanes));
  for (std::size_t point = 0; point < points; ++point)
    multiply_point(inputs + point * space.input_step, layer.weights + point * weights_step, tiles,
                   layer.in, layer.out, products + point * space.product_step);
  for (int i = 0; i < tiles; ++i)
    transform_output<kTile>(conv, layer, TilePosition(conv, kTile, range.first + i),
                            products + i * kLanes, space.product_step, group_step);
}

void run(const WinogradLayer &layer, const Conv3x3 &conv, TileRange tiles, float *workspace) {
  switch (layer.tile) {
    case 2:
      return run_tiles<2>(layer, conv, tiles, workspace);
    case 3:
      return run_tiles<3>(layer, conv, tiles, workspace);
    default:
      return run_tiles<4>(layer, conv, tiles, workspace);
  }
}

const WinogradKernels *winograd_kernels() {
  static const WinogradKernels kKernels = {hwy::TargetName(HWY_TARGET), kLanes, kRows, run};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace w2l {

HWY_EXPORT(winograd_kernels);

const WinogradKernels &best_winograd_kernels() {
  return *HWY_DYNAMIC_DISPATCH(winograd_kernels)();
}

}  // namespace w2l
#endif
