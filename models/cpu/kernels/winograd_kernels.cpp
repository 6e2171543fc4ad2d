// gst-wav2lip: one block of a Winograd convolution: tiles of the input to points, products of all
// points, products to tiles of the output. Compiled once per instruction set; the CPU decides at
// run time. See winograd_kernels.h.
// SPDX-License-Identifier: LGPL-2.1-or-later

// Arrays of vectors need vectors of a size known to the compiler, which SVE and RVV have not. The
// others lie between two that are compiled and make no difference here.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "winograd_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway wants to be included after it.
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "winograd_kernels.h"
#include "multiply-inl.h"
#include "pixels-inl.h"
#include "winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

struct TilePosition {
  int image, row, column;  // of the first pixel of the input that is not border

  template <typename T>
  TilePosition(const Conv3x3<T> &conv, WinogradForm form, int index) {
    const int step = shape_of(form).step;
    const int across = tiles_across(conv, form), down = tiles_down(conv, form);
    image = index / (across * down);
    row = conv.first_row / conv.scale + index / across % down * step;
    column = index % across * step;
  }
};

// The input of one tile, `zeros` outside of the picture.
template <WinogradForm kForm, typename T>
struct TilePixels {
  static constexpr WinogradShape kShape = shape_of(kForm);
  static constexpr int kEdge = kShape.input;
  const T *pixels[kEdge * kEdge];

  TilePixels(const Conv3x3<T> &conv, const TilePosition &at, const T *zeros) {
    for (int i = 0; i < kEdge * kEdge; ++i) {
      const int y = at.row - kShape.border + i / kEdge, x = at.column - kShape.border + i % kEdge;
      const bool inside = y >= 0 && y < conv.height && x >= 0 && x < conv.width;
      pixels[i] = inside ? conv.input.at(at.image, y, x) : zeros;
    }
  }

  // Calls store(point, value) for channels [c, c + kLanes) or as many as there are.
  template <typename Store>
  HWY_INLINE void transform(int c, int count, const Store &store) const {
    constexpr int kPoints = kShape.points();
    Vector before[kEdge], after[kPoints], columns[kPoints * kEdge];
    HWY_UNROLL(9)
    for (int x = 0; x < kEdge; ++x) {
      HWY_UNROLL(9)
      for (int y = 0; y < kEdge; ++y) before[y] = load_channels(pixels[y * kEdge + x] + c, count);
      Transform<kForm>::input(before, after);
      HWY_UNROLL(9)
      for (int y = 0; y < kPoints; ++y) columns[y * kEdge + x] = after[y];
    }
    HWY_UNROLL(9)
    for (int y = 0; y < kPoints; ++y) {
      Transform<kForm>::input(columns + y * kEdge, after);
      HWY_UNROLL(9)
      for (int x = 0; x < kPoints; ++x) store(y * kPoints + x, after[x]);
    }
  }
};

// Where the numbers of all points are, of inputs or of products (WinogradSpace).
template <WinogradForm kForm>
class PointPlaces {
 public:
  static constexpr WinogradShape kShape = shape_of(kForm);
  static constexpr int kEdge = kShape.points();

  PointPlaces(float *memory, int numbers, int tiles)
      : step_(static_cast<std::size_t>(tiles) * kLanes) {
    const auto groups = static_cast<std::size_t>(round_up(numbers, kLanes) / kLanes);
    for (int my = 0; my < kShape.matrices; ++my)
      for (int mx = 0; mx < kShape.matrices; ++mx) {
        matrices_[my * kShape.matrices + mx] = memory;
        const int across = kShape.repeats_of(mx), count = kShape.repeats_of(my) * across;
        for (int i = 0; i < count; ++i)
          points_[point(my, i / across) * kEdge + point(mx, i % across)] =
              memory + static_cast<std::size_t>(i) * step_;
        // One vector more: powers of two would put all points on the same few lines of the cache.
        memory += groups * static_cast<std::size_t>(count) * step_ + kLanes;
      }
  }

  float *matrix(int index) const { return matrices_[index]; }

  // Of the first tile; `group` counts the vectors of elements or channels.
  HWY_INLINE float *at(int point, std::size_t group) const {
    return points_[point] + group * static_cast<std::size_t>(repeats(point)) * step_;
  }

 private:
  static constexpr int point(int matrix, int repeat) {
    return matrix == 0 ? repeat : matrix + kShape.repeats - 1;
  }
  static constexpr int repeats(int point) {
    return kShape.repeats_of(kShape.matrix(point / kEdge)) *
           kShape.repeats_of(kShape.matrix(point % kEdge));
  }

  std::size_t step_;
  float *matrices_[kShape.matrices * kShape.matrices];
  float *points_[kEdge * kEdge];
};

// One block's intermediate results.
template <WinogradForm kForm>
struct Block {
  PointPlaces<kForm> inputs, products;
  float *peaks;
};

// Of the point of a matrix's.
template <WinogradForm kForm>
constexpr int matrix_of(int point) {
  constexpr WinogradShape kShape = shape_of(kForm);
  return kShape.matrix(point / kShape.points()) * kShape.matrices +
         kShape.matrix(point % kShape.points());
}

template <WinogradForm kForm>
void transform_input(const WinogradLayer<float> &layer, const TilePixels<kForm, float> &tile,
                     const Block<kForm> &block, int index) {
  for (int c = 0; c < layer.in; c += kLanes)
    tile.transform(c, std::min(kLanes, layer.in - c), [&](int point, Vector value) HWY_ATTR {
      hn::Store(value, Floats(),
                block.inputs.at(point, static_cast<std::size_t>(c / kLanes)) + index * kLanes);
    });
}

template <WinogradForm kForm>
void transform_input(const WinogradLayer<Bf16> &layer, const TilePixels<kForm, Bf16> &tile,
                     const Block<kForm> &block, int index) {
  constexpr int kEdge = shape_of(kForm).points(),
                kPixels = shape_of(kForm).input * shape_of(kForm).input;
  // So that nothing is divided by zero, nor by what could make infinity.
  constexpr float kLeastPeak = 1e-30f;
  const float peak =
      std::max(kLeastPeak, tile_peak(tile.pixels, kPixels, layer.in, layer.signed_growth));
  block.peaks[index] = peak;
  float scales[kEdge * kEdge];
  for (int i = 0; i < kEdge * kEdge; ++i)
    scales[i] = layer.point_scales[matrix_of<kForm>(i)] / peak;

  // Two vectors of channels in one of elements.
  for (int c = 0; c < layer.in; c += kLanes) {
    const auto group = static_cast<std::size_t>(c / (2 * kLanes));
    const int half = c % (2 * kLanes);
    tile.transform(c, std::min(kLanes, layer.in - c), [&](int point, Vector value) HWY_ATTR {
      float *const to = block.inputs.at(point, group) + index * kLanes;
      store_point(value, scales[point], reinterpret_cast<std::int16_t *>(to) + half);
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

// One vector of channels, from k on, of a matrix's products.
HWY_INLINE Vector load_products(const WinogradLayer<float> &, const float *from, int, int) {
  return hn::Load(Floats(), from);
}

HWY_INLINE Vector load_products(const WinogradLayer<Bf16> &layer, const float *from, int matrix,
                                int k) {
  const float *scales = layer.product_scales + matrix * round_up(layer.out, kLanes) + k;
  return hn::Mul(hn::Load(Floats(), from), hn::LoadU(Floats(), scales));
}

template <WinogradForm kForm, typename T>
void transform_output(const Conv3x3<T> &conv, const WinogradLayer<T> &layer, const TilePosition &at,
                      const Block<kForm> &block, int index) {
  constexpr WinogradShape kShape = shape_of(kForm);
  constexpr int kPoints = kShape.points(), kOutput = kShape.output, kScale = kShape.scale();
  const int row = at.row * kScale, column = at.column * kScale;
  // The first row may lie in the middle of a tile.
  const int top = std::max(0, conv.first_row - row);
  const int height = std::min(kOutput, conv.height * kScale - row);
  const int width = std::min(kOutput, conv.width * kScale - column);
  const Vector scale = hn::Set(Floats(), layer.kNumbers > 1 ? block.peaks[index] : 1);
  for (int k = 0; k < layer.out; k += kLanes) {
    const int count = std::min(kLanes, layer.out - k);
    const auto group = static_cast<std::size_t>(k / kLanes);
    const Vector bias = hn::Load(Floats(), layer.bias + k);
    Vector before[kPoints], after[kOutput], columns[kOutput * kPoints];
    HWY_UNROLL(9)
    for (int x = 0; x < kPoints; ++x) {
      HWY_UNROLL(9)
      for (int y = 0; y < kPoints; ++y) {
        const int point = y * kPoints + x;
        before[y] = load_products(layer, block.products.at(point, group) + index * kLanes,
                                  matrix_of<kForm>(point), k);
      }
      Transform<kForm>::output(before, after);
      HWY_UNROLL(9)
      for (int y = 0; y < kOutput; ++y) columns[y * kPoints + x] = after[y];
    }
    for (int y = top; y < height; ++y) {
      Transform<kForm>::output(columns + y * kPoints, after);
      for (int x = 0; x < width; ++x) {
        const Vector value =
            layer.kNumbers > 1 ? hn::MulAdd(after[x], scale, bias) : hn::Add(after[x], bias);
        finish_pixel(conv, value, at.image, row + y, column + x, k, count);
      }
    }
  }
}

template <WinogradForm kForm, typename T>
void run_tiles(const WinogradLayer<T> &layer, const Conv3x3<T> &conv, TileRange range,
               float *workspace) {
  using Products = HWY_NAMESPACE::Products<typename WinogradLayer<T>::Number>;
  using Element = typename Products::Element;
  constexpr WinogradShape kShape = shape_of(kForm);
  const int tiles = range.end - range.first, elements = layer.elements();
  const WinogradSpace space(layer, kLanes, tiles);
  float *const peaks = workspace + space.zeros, *const inputs = peaks + space.peaks;
  const Block<kForm> block = {
      {inputs, elements, tiles}, {inputs + space.inputs, layer.out, tiles}, peaks};
  std::fill_n(workspace, space.zeros, 0.0f);
  const T *const zeros = reinterpret_cast<const T *>(workspace);

  for (int i = 0; i < tiles; ++i) {
    const TilePosition at(conv, kForm, range.first + i);
    transform_input<kForm>(layer, TilePixels<kForm, T>(conv, at, zeros), block, i);
  }
  const auto *weights = reinterpret_cast<const Element *>(layer.weights);
  for (int i = 0; i < kShape.matrices * kShape.matrices; ++i) {
    const int repeats =
        kShape.repeats_of(i / kShape.matrices) * kShape.repeats_of(i % kShape.matrices);
    const std::size_t step = static_cast<std::size_t>(tiles * repeats) * kLanes;
    const PackedRows<Element> points = {
        reinterpret_cast<const Element *>(block.inputs.matrix(i)), step};
    multiply_matrix<Products>(points, weights, tiles * repeats, elements, layer.out,
                              block.products.matrix(i), step);
    weights += elements * round_up(layer.out, kLanes);
  }
  for (int i = 0; i < tiles; ++i)
    transform_output<kForm>(conv, layer, TilePosition(conv, kForm, range.first + i), block, i);
}

template <typename T>
void run(const WinogradLayer<T> &layer, const Conv3x3<T> &conv, TileRange tiles, float *workspace) {
  switch (layer.form) {
    case WinogradForm::F2:
      return run_tiles<WinogradForm::F2>(layer, conv, tiles, workspace);
    case WinogradForm::F3:
      return run_tiles<WinogradForm::F3>(layer, conv, tiles, workspace);
    case WinogradForm::F4:
      return run_tiles<WinogradForm::F4>(layer, conv, tiles, workspace);
    case WinogradForm::TransposedF3:
      return run_tiles<WinogradForm::TransposedF3>(layer, conv, tiles, workspace);
    case WinogradForm::TransposedF4:
      return run_tiles<WinogradForm::TransposedF4>(layer, conv, tiles, workspace);
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
