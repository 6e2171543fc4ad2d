// gst-wav2lip: one block of a Winograd convolution: tiles of the input to points, products of all
// points, products to tiles of the output. Compiled once per instruction set; the CPU decides at
// run time. See winograd_kernels.h.
// SPDX-License-Identifier: LGPL-2.1-or-later

// Arrays of vectors need vectors of a size known to the compiler, which SVE and RVV have not. The
// others lie between two that are compiled and make no difference here.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "winograd_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway wants to be included after it.
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "winograd_kernels.h"
#include "winograd_multiply-inl.h"
#include "winograd_pixels-inl.h"
#include "winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

struct TilePosition {
  int image, row, column;  // of the top left pixel

  template <typename T>
  TilePosition(const Conv3x3<T> &conv, int tile, int index) {
    const int across = round_up(conv.width, tile) / tile;
    const int down = round_up(conv.height - conv.first_row, tile) / tile;
    image = index / (across * down);
    row = conv.first_row + index / across % down * tile;
    column = index % across * tile;
  }
};

// The input of one tile, (kTile + 2)^2 pixels, `zeros` outside of the picture.
template <int kTile, typename T>
struct TilePixels {
  static constexpr int kEdge = kTile + 2;
  const T *pixels[kEdge * kEdge];

  TilePixels(const Conv3x3<T> &conv, const TilePosition &at, const T *zeros) {
    for (int i = 0; i < kEdge * kEdge; ++i) {
      const int y = at.row + i / kEdge - 1, x = at.column + i % kEdge - 1;
      const bool inside = y >= 0 && y < conv.height && x >= 0 && x < conv.width;
      pixels[i] = inside ? conv.input.at(at.image, y, x) : zeros;
    }
  }

  // Calls store(point, value) for channels [c, c + kLanes) or as many as there are.
  template <typename Store>
  HWY_INLINE void transform(int c, int count, const Store &store) const {
    Vector before[kEdge], after[kEdge], columns[kEdge * kEdge];
    for (int x = 0; x < kEdge; ++x) {
      for (int y = 0; y < kEdge; ++y) before[y] = load_channels(pixels[y * kEdge + x] + c, count);
      Transform<kTile>::input(before, after);
      for (int y = 0; y < kEdge; ++y) columns[y * kEdge + x] = after[y];
    }
    for (int y = 0; y < kEdge; ++y) {
      Transform<kTile>::input(columns + y * kEdge, after);
      for (int x = 0; x < kEdge; ++x) store(y * kEdge + x, after[x]);
    }
  }
};

// Where one block's intermediate results are.
struct Block {
  int tiles;
  float *inputs, *products, *peaks;
  std::size_t input_step, product_step;

  // Between groups of kLanes elements or channels.
  std::size_t group_step() const { return static_cast<std::size_t>(tiles) * kLanes; }
};

template <int kTile>
void transform_input(const WinogradLayer<float> &layer, const TilePixels<kTile, float> &tile,
                     const Block &block, int index) {
  float *to = block.inputs + index * kLanes;
  for (int c = 0; c < layer.in; c += kLanes, to += block.group_step())
    tile.transform(c, std::min(kLanes, layer.in - c), [&](int point, Vector value) HWY_ATTR {
      hn::Store(value, Floats(), to + static_cast<std::size_t>(point) * block.input_step);
    });
}

template <int kTile>
void transform_input(const WinogradLayer<Bf16> &layer, const TilePixels<kTile, Bf16> &tile,
                     const Block &block, int index) {
  constexpr int kPoints = (kTile + 2) * (kTile + 2);
  // So that nothing is divided by zero, nor by what could make infinity.
  constexpr float kLeastPeak = 1e-30f;
  const float peak =
      std::max(kLeastPeak, tile_peak(tile.pixels, kPoints, layer.in, layer.signed_growth));
  block.peaks[index] = peak;
  float scales[kPoints];
  for (int i = 0; i < kPoints; ++i) scales[i] = layer.point_scales[i] / peak;

  // Two vectors of channels in one of elements.
  auto *to = reinterpret_cast<std::int16_t *>(block.inputs + index * kLanes);
  for (int c = 0; c < layer.in; c += kLanes) {
    const auto group = static_cast<std::size_t>(c / (2 * kLanes)) * block.group_step();
    std::int16_t *const lanes = to + 2 * group + c % (2 * kLanes);
    tile.transform(c, std::min(kLanes, layer.in - c), [&](int point, Vector value) HWY_ATTR {
      store_point(hn::Mul(value, hn::Set(Floats(), scales[point])),
                  lanes + 2 * static_cast<std::size_t>(point) * block.input_step);
    });
  }
}

// Adds residual and writes one pixel's channels [k, k + kLanes) or as many as there are.
template <typename T>
HWY_INLINE void finish_pixel(const Conv3x3<T> &conv, Vector value, int image, int row, int column,
                             int k, int count) {
  if (conv.residual.data)
    value = hn::Add(value, load_channels(conv.residual.at(image, row, column) + k, count));
  if (conv.relu) value = hn::Max(value, hn::Zero(Floats()));
  store_channels(value, conv.output.at(image, row, column) + k, count);
}

// One vector of channels of a point's products.
HWY_INLINE Vector load_products(const WinogradLayer<float> &, const float *from, int, int) {
  return hn::Load(Floats(), from);
}

HWY_INLINE Vector load_products(const WinogradLayer<Bf16> &layer, const float *from, int point,
                                int k) {
  const float *scales = layer.product_scales + point * round_up(layer.out, kLanes) + k;
  return hn::Mul(hn::Load(Floats(), from), hn::LoadU(Floats(), scales));
}

template <int kTile, typename T>
void transform_output(const Conv3x3<T> &conv, const WinogradLayer<T> &layer, const TilePosition &at,
                      const Block &block, int index) {
  constexpr int kEdge = kTile + 2;
  const int height = std::min(kTile, conv.height - at.row);
  const int width = std::min(kTile, conv.width - at.column);
  const Vector scale = hn::Set(Floats(), layer.kNumbers > 1 ? block.peaks[index] : 1);
  const float *products = block.products + index * kLanes;
  for (int k = 0; k < layer.out; k += kLanes, products += block.group_step()) {
    const int count = std::min(kLanes, layer.out - k);
    const Vector bias = hn::Load(Floats(), layer.bias + k);
    Vector before[kEdge], after[kTile], columns[kTile * kEdge];
    for (int x = 0; x < kEdge; ++x) {
      for (int y = 0; y < kEdge; ++y) {
        const int point = y * kEdge + x;
        before[y] = load_products(
            layer, products + static_cast<std::size_t>(point) * block.product_step, point, k);
      }
      Transform<kTile>::output(before, after);
      for (int y = 0; y < kTile; ++y) columns[y * kEdge + x] = after[y];
    }
    for (int y = 0; y < height; ++y) {
      Transform<kTile>::output(columns + y * kEdge, after);
      for (int x = 0; x < width; ++x) {
        const Vector value =
            layer.kNumbers > 1 ? hn::MulAdd(after[x], scale, bias) : hn::Add(after[x], bias);
        finish_pixel(conv, value, at.image, at.row + y, at.column + x, k, count);
      }
    }
  }
}

template <int kTile, typename T>
void run_tiles(const WinogradLayer<T> &layer, const Conv3x3<T> &conv, TileRange range,
               float *workspace) {
  using Element = typename Products<typename WinogradLayer<T>::Number>::Element;
  const int tiles = range.end - range.first, elements = layer.elements();
  const WinogradSpace space(layer, kLanes, tiles);
  const auto points = static_cast<std::size_t>(layer.points());
  Block block;
  block.tiles = tiles;
  block.peaks = workspace + space.zeros;
  block.inputs = block.peaks + space.peaks;
  block.products = block.inputs + points * space.input_step;
  block.input_step = space.input_step;
  block.product_step = space.product_step;
  std::fill_n(workspace, space.zeros, 0.0f);
  const T *const zeros = reinterpret_cast<const T *>(workspace);

  for (int i = 0; i < tiles; ++i)
    transform_input<kTile>(
        layer, TilePixels<kTile, T>(conv, TilePosition(conv, kTile, range.first + i), zeros), block,
        i);
  const auto *const inputs = reinterpret_cast<const Element *>(block.inputs);
  const auto *const weights = reinterpret_cast<const Element *>(layer.weights);
  const std::size_t weights_step =
      static_cast<std::size_t>(elements) * static_cast<std::size_t>(round_up(layer.out, kLanes));
  for (std::size_t point = 0; point < points; ++point)
    multiply_point<Products<typename WinogradLayer<T>::Number>>(
        inputs + point * space.input_step, weights + point * weights_step, tiles, elements,
        layer.out, block.products + point * space.product_step);
  for (int i = 0; i < tiles; ++i)
    transform_output<kTile>(conv, layer, TilePosition(conv, kTile, range.first + i), block, i);
}

template <typename T>
void run(const WinogradLayer<T> &layer, const Conv3x3<T> &conv, TileRange tiles, float *workspace) {
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
  static const WinogradKernels kKernels = {hwy::TargetName(HWY_TARGET), kLanes, kRows, run<float>,
                                           run<Bf16>};
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
