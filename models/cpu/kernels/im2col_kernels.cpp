// gst-wav2lip: one block of a convolution by im2col: patches of the input to rows of a matrix,
// products, products to pixels of the output. Compiled once per instruction set; the CPU decides at
// run time. See im2col_kernels.h.
// SPDX-License-Identifier: LGPL-2.1-or-later

// As in winograd_kernels.cpp.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "im2col_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway wants to be included after it.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "im2col_kernels.h"
#include "multiply-inl.h"
#include "pixels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

// Successive patches of one row of output.
struct Piece {
  int index;  // of the first one, in its block
  int count;
  int image, row, column;  // of the output
};

// Calls each(piece) for all patches of the block, at most `most` at once.
template <typename In, typename Out, typename Each>
void for_pieces(const GeneralConv<In, Out> &conv, const PatchGeometry &geometry,
                const Im2colBlock &block, int most, const Each &each) {
  const int across = patches_across(conv, geometry), down = patches_down(conv, geometry);
  for (int at = block.first_patch; at < block.end_patch;) {
    const int column = at % across;
    const int count = std::min({most, across - column, block.end_patch - at});
    const int row = geometry.outputs > 1 ? 0 : conv.first_row + at / across % down;
    each(Piece{at - block.first_patch, count, at / (across * down), row, column});
    at += count;
  }
}

// Pixels become what patches are gathered from: numbers that are multiplied, or bfloat16 as long as
// nobody knows a patch's largest magnitude.
template <typename In, typename Number>
struct Staged {
  using Type = Number;
};
template <>
struct Staged<Bf16, std::int16_t> {
  using Type = Bf16;
};

using Integers = hn::RebindToSigned<Floats>;
using Bytes = hn::Rebind<std::uint8_t, Floats>;
using HalfIntegers = hn::Rebind<std::int16_t, Floats>;

// Bytes stand for 0 to 1; 255 becomes the largest int16 that they can without rounding.
constexpr int kByteShift = 6;
constexpr float kByteUnit = 1.0f / (255 << kByteShift);
static_assert((255 << kByteShift) <= kPointLimit, "products.h");

// As float(byte / 255.0), which the reference computes.
HWY_INLINE Vector load(const std::uint8_t *from) {
  const Floats d;
  const Vector value = hn::ConvertTo(d, hn::PromoteTo(Integers(), hn::LoadU(Bytes(), from)));
  const Vector all = hn::Set(d, 255.0f);
#if HWY_NATIVE_FMA
  // Divisions are slow; this one is right for all bytes.
  const Vector inverse = hn::Set(d, 1 / 255.0f), quotient = hn::Mul(value, inverse);
  return hn::MulAdd(hn::NegMulAdd(quotient, all, value), inverse, quotient);
#else
  return hn::Div(value, all);
#endif
}

template <typename In>
HWY_INLINE void stage_vector(const In *from, float *to) {
  hn::StoreU(load(from), Floats(), to);
}

HWY_INLINE void stage_vector(const std::uint8_t *from, std::int16_t *to) {
  const auto value = hn::PromoteTo(HalfIntegers(), hn::LoadU(Bytes(), from));
  hn::StoreU(hn::ShiftLeft<kByteShift>(value), HalfIntegers(), to);
}

// Neither reads nor writes anything but `count` numbers.
template <typename In, typename Stage>
void stage_numbers(const In *from, int count, Stage *to) {
  if constexpr (std::is_same_v<In, Stage>) {
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(In));
  } else if (count < kLanes) {
    HWY_ALIGN In some[kLanes] = {};
    HWY_ALIGN Stage staged[kLanes];
    copy_some(from, count, some);
    stage_vector(some, staged);
    copy_some(staged, count, to);
  } else {
    for (int i = 0; i < count - kLanes; i += kLanes) stage_vector(from + i, to + i);
    stage_vector(from + count - kLanes, to + count - kLanes);
  }
}

// Of `count` columns of one row of the input from `first` on, zeros outside of the picture.
// `row_pixels` is the row's first pixel.
template <typename In, typename Out, typename Stage>
void stage_row(const GeneralConv<In, Out> &conv, int spread, int in, const In *row_pixels,
               int first, int count, Stage *to) {
  const auto zero = [&](int from, int end) { std::fill(to + from * in, to + end * in, Stage{}); };
  const std::ptrdiff_t step = conv.input.pixel_step;
  if (spread > 1) {
    zero(0, count);
    for (int i = round_up(std::max(first, 0), spread) - first;
         i < count && (first + i) / spread < conv.width; i += spread)
      stage_numbers(row_pixels + (first + i) / spread * step, in, to + i * in);
    return;
  }
  const int left = std::min(std::max(-first, 0), count);
  const int right = std::max(left, std::min(conv.width - first, count));
  zero(0, left);
  const In *from = row_pixels + (first + left) * step;
  if (step == in && right > left) {
    stage_numbers(from, (right - left) * in, to + left * in);
  } else {
    for (int i = left; i < right; ++i, from += step) stage_numbers(from, in, to + i * in);
  }
  zero(right, count);
}

// The pixels of the input that a piece's patches lie on, [rows of a patch][pixels][channels].
template <typename Stage>
struct StagedPixels {
  Stage *memory;
  std::ptrdiff_t row_step, patch_step;  // from row to row, and from one patch to the next

  template <typename In, typename Out, typename Number>
  StagedPixels(const Im2colLayer<Number> &layer, const GeneralConv<In, Out> &conv,
               const Piece &piece, Stage *memory)
      : memory(memory) {
    const PatchGeometry &geometry = layer.geometry;
    const int width = (piece.count - 1) * geometry.stride_x + geometry.kernel;
    row_step = width * layer.in;
    patch_step = geometry.stride_x * layer.in;
    const int left = piece.column * geometry.stride_x - geometry.padding;
    for (int ky = 0; ky < geometry.kernel; ++ky) {
      const int y = piece.row * geometry.stride_y - geometry.padding + ky;
      Stage *to = memory + ky * row_step;
      if (y < 0 || y % geometry.spread_y != 0 || y / geometry.spread_y >= conv.height)
        std::fill_n(to, row_step, Stage{});
      else
        stage_row(conv, geometry.spread_x, layer.in,
                  conv.input.at(piece.image, y / geometry.spread_y, 0), left, width, to);
    }
  }
};

// A patch as `rows` runs of numbers, `step` apart.
template <typename Stage>
struct Patch {
  static constexpr int kNumbers = static_cast<int>(sizeof(float) / sizeof(Stage));

  const Stage *numbers;
  std::ptrdiff_t step;
  int rows, run;

  // Such that visit() can read it: where runs are short, or elements go across their ends, it is
  // copied to `memory`.
  HWY_INLINE Patch readable(Stage *memory) const {
    if (run % kNumbers == 0 && (rows == 1 || run >= kNumbers * kLanes)) return *this;
    // What is copied beyond a run lies where the next one goes.
    for (int row = 0; row < rows; ++row)
      for (int i = 0; i < run; i += kNumbers * kLanes)
        std::memcpy(memory + row * run + i, numbers + row * step + i, kLanes * sizeof(float));
    memory[rows * run] = Stage{};
    return {memory, 0, 1, round_up(rows * run, kNumbers)};
  }

  // Calls put(bits) for all vectors of elements in turn, what is behind the last one zero. Vectors
  // that go across the end of a run are made of two.
  template <typename Put>
  HWY_INLINE void visit(const Put &put) const {
    const Words d;
    const int length = run / kNumbers;
    for (int row = 0, i = 0; row < rows; ++row, i -= length) {
      const Stage *from = numbers + row * step;
      for (; i + kLanes <= length; i += kLanes) put(bits(from, i));
      if (i >= length) continue;
      const auto within = hn::FirstN(d, static_cast<std::size_t>(length - i));
      if (row + 1 < rows)
        put(hn::IfThenElse(within, bits(from, i), bits(from + step, i - length)));
      else
        put(hn::IfThenElseZero(within, bits(from, i)));
      i += kLanes;
    }
  }

 private:
  static HWY_INLINE hn::Vec<Words> bits(const Stage *from, int element) {
    return hn::LoadU(Words(), reinterpret_cast<const std::uint32_t *>(from) + element);
  }
};

// One block's intermediate results.
struct BlockMemory {
  void *stage, *patch;
  float *units;  // what 1 in a patch's int16 stands for
  float *inputs, *products;
  std::size_t step;  // from a vector of a row of a matrix to the next
};

// Row `index` of the matrix gets convert(bits) of the patch.
template <typename Stage, typename Convert>
HWY_INLINE void store_in_turn(const Patch<Stage> &patch, const BlockMemory &block, int index,
                              const Convert &convert) {
  const std::size_t step = block.step;
  float *to = block.inputs + index * kLanes;
  patch.visit([&](hn::Vec<Words> bits) HWY_ATTR {
    hn::Store(convert(bits), Words(), reinterpret_cast<std::uint32_t *>(to));
    to += step;
  });
}

HWY_INLINE void gather(const Patch<float> &patch, const BlockMemory &block, int index) {
  store_in_turn(patch.readable(static_cast<float *>(block.patch)), block, index,
                [](hn::Vec<Words> bits) HWY_ATTR { return bits; });
}

HWY_INLINE void gather(const Patch<std::int16_t> &patch, const BlockMemory &block, int index) {
  block.units[index] = kByteUnit;
  store_in_turn(patch.readable(static_cast<std::int16_t *>(block.patch)), block, index,
                [](hn::Vec<Words> bits) HWY_ATTR { return bits; });
}

HWY_INLINE void gather(const Patch<Bf16> &patch, const BlockMemory &block, int index) {
  // So that nothing is divided by zero, nor by what could make infinity.
  constexpr float kLeastPeak = 1e-30f;
  const Floats d;
  const Words d_bits;
  const Patch<Bf16> all = patch.readable(static_cast<Bf16 *>(block.patch));
  // An element is two numbers, each the upper half of a float. Magnitudes are in the order of their
  // bits, whatever the bits below them are.
  const auto sign = hn::Set(d_bits, 0x80000000), upper = hn::Set(d_bits, 0xffff0000);
  auto first = hn::Zero(d_bits), second = first;
  all.visit([&](hn::Vec<Words> bits) HWY_ATTR {
    first = hn::Max(first, hn::ShiftLeft<17>(bits));
    second = hn::Max(second, hn::AndNot(sign, bits));
  });
  const Vector peaks =
      hn::Max(hn::BitCast(d, hn::ShiftRight<1>(first)), hn::BitCast(d, hn::And(second, upper)));
  const float peak = std::max(kLeastPeak, hn::GetLane(hn::MaxOfLanes(d, peaks)));
  const float scale = (kPointLimit - 2) / peak;
  block.units[index] = 1 / scale;
  store_in_turn(all, block, index, [&](hn::Vec<Words> bits) HWY_ATTR {
    const auto low = point_bits(hn::BitCast(d, hn::ShiftLeft<16>(bits)), scale);
    const auto high = point_bits(hn::BitCast(d, hn::And(bits, upper)), scale);
    return hn::Or(hn::AndNot(upper, low), hn::ShiftLeft<16>(high));
  });
}

// One vector of channels of a pixel.
HWY_INLINE Vector add_bias(const Im2colLayer<float> &layer, const float *products, int column,
                           float) {
  return hn::Add(hn::Load(Floats(), products), hn::Load(Floats(), layer.bias + column));
}

HWY_INLINE Vector add_bias(const Im2colLayer<std::int16_t> &layer, const float *products,
                           int column, float unit) {
  const Floats d;
  const Vector scale = hn::Mul(hn::Load(d, layer.product_scales + column), hn::Set(d, unit));
  return hn::MulAdd(hn::Load(d, products), scale, hn::Load(d, layer.bias + column));
}

void sigmoid(float *values, std::ptrdiff_t count) {
  const Floats d;
  // Beyond it the result is 0 in all of a float's digits but its exponent's.
  const Vector limit = hn::Set(d, 87.0f), one = hn::Set(d, 1.0f);
  for (std::ptrdiff_t i = 0; i < count; i += kLanes) {
    const int some = static_cast<int>(std::min<std::ptrdiff_t>(kLanes, count - i));
    const Vector value = load_channels(values + i, some);
    const Vector power = hn::Exp(d, hn::Min(hn::Neg(value), limit));
    store_channels(hn::Div(one, hn::Add(one, power)), values + i, some);
  }
}

void sigmoid(Bf16 *, std::ptrdiff_t) {}

// What one pixel's channels need besides its products.
template <typename Out>
struct Finish {
  std::size_t step;   // from a vector of products to the next
  int column, count;  // of the first channel, and how many there are
  float unit;
  const Out *residual;  // or none
  Vector least;
};

template <typename Number, typename Out>
HWY_INLINE void finish_pixel(const Im2colLayer<Number> &layer, const Finish<Out> &how,
                             const float *products, Out *to) {
  for (int k = 0; k < how.count; k += kLanes, products += how.step) {
    const int count = std::min(kLanes, how.count - k);
    Vector value = add_bias(layer, products, how.column + k, how.unit);
    if (how.residual) value = hn::Add(value, load_channels(how.residual + k, count));
    store_channels(hn::Max(value, how.least), to + k, count);
  }
}

// Of output pixel `pixel` of those that each patch gives.
template <typename In, typename Out, typename Number>
void finish(const Im2colLayer<Number> &layer, const GeneralConv<In, Out> &conv,
            const Im2colBlock &columns, const BlockMemory &block, const Piece &piece, int pixel) {
  const int start = pixel * layer.channels();  // its first column
  const int first = std::max(columns.first_column - start, 0);
  const int end = std::min(columns.end_column - start, layer.out);
  const int row = piece.row + pixel / layer.geometry.outputs;
  const int column = piece.column + pixel % layer.geometry.outputs;
  if (row < conv.first_row || first >= end) return;
  const Floats d;
  Finish<Out> how = {block.step,
                     start + first,
                     end - first,
                     1,
                     nullptr,
                     conv.activation == Activation::Relu
                         ? hn::Zero(d)
                         : hn::Set(d, -std::numeric_limits<float>::infinity())};
  if (conv.residual.data) how.residual = conv.residual.at(piece.image, row, column) + first;
  Out *const output = conv.output.at(piece.image, row, column);
  const float *products =
      block.products + piece.index * kLanes +
      static_cast<std::size_t>((start + first - columns.first_column) / kLanes) * block.step;
  Out *to = output + first;
  for (int i = 0; i < piece.count; ++i, products += kLanes, to += conv.output.pixel_step) {
    if (layer.kNumbers > 1) how.unit = block.units[piece.index + i];
    finish_pixel(layer, how, products, to);
    if (how.residual) how.residual += conv.residual.pixel_step;
  }
  if (conv.activation == Activation::Sigmoid)
    sigmoid(output, static_cast<std::ptrdiff_t>(piece.count) * layer.out);
}

// Where rows of output are long, patches are read from the staged pixels themselves: nothing is
// gathered, but the weights are read for each piece. Numbers must not need a scale of their own.
template <typename Stage, typename In, typename Out, typename Number>
bool reads_pixels(const Im2colLayer<Number> &layer, const GeneralConv<In, Out> &conv) {
  constexpr int kLeastAcross = 24;
  return std::is_same_v<Stage, Number> && layer.in % layer.kNumbers == 0 &&
         patches_across(conv, layer.geometry) >= kLeastAcross;
}

template <typename In, typename Out>
void run_im2col(const Im2colLayer<typename ProductNumber<Out>::Type> &layer,
                const GeneralConv<In, Out> &conv, Im2colBlock range, float *workspace) {
  using Number = typename ProductNumber<Out>::Type;
  using Stage = typename Staged<In, Number>::Type;
  using Products = HWY_NAMESPACE::Products<Number>;
  using Element = typename Products::Element;
  const PatchGeometry &geometry = layer.geometry;
  const int patches = range.end_patch - range.first_patch, elements = layer.elements();
  const int columns = range.end_column - range.first_column;
  const Im2colSpace space(layer, kLanes, patches);
  float *const patch = workspace + space.stage, *const units = patch + space.patch;
  float *const inputs = units + space.units, *const products = inputs + space.inputs;
  const BlockMemory block = {workspace, patch, units, inputs, products, space.step};
  const auto *weights = reinterpret_cast<const Element *>(layer.weights) +
                        static_cast<std::ptrdiff_t>(elements) * range.first_column;
  const bool direct = reads_pixels<Stage>(layer, conv);

  for_pieces(conv, geometry, range, space.staged, [&](const Piece &piece) {
    const StagedPixels<Stage> pixels(layer, conv, piece, reinterpret_cast<Stage *>(workspace));
    if (direct) {
      const PixelRows<Element> rows = {
          reinterpret_cast<const Element *>(pixels.memory), pixels.patch_step / layer.kNumbers,
          pixels.row_step / layer.kNumbers, layer.run() / layer.kNumbers};
      multiply_matrix<Products>(rows, weights, piece.count, elements, columns,
                                products + piece.index * kLanes, block.step);
      std::fill_n(units + piece.index, piece.count, kByteUnit);
      return;
    }
    for (int i = 0; i < piece.count; ++i)
      gather(Patch<Stage>{pixels.memory + i * pixels.patch_step, pixels.row_step, geometry.kernel,
                          layer.run()},
             block, piece.index + i);
  });
  if (!direct)
    multiply_matrix<Products>(
        PackedRows<Element>{reinterpret_cast<const Element *>(inputs), block.step}, weights,
        patches, elements, columns, products, block.step);
  for_pieces(conv, geometry, range, patches, [&](const Piece &piece) {
    for (int pixel = 0; pixel < geometry.outputs * geometry.outputs; ++pixel)
      finish(layer, conv, range, block, piece, pixel);
  });
}

const Im2colKernels *im2col_kernels() {
  static const Im2colKernels kKernels = {hwy::TargetName(HWY_TARGET),
                                         kLanes,
                                         kRows,
                                         run_im2col<float, float>,
                                         run_im2col<Bf16, Bf16>,
                                         run_im2col<Bf16, float>,
                                         run_im2col<std::uint8_t, float>,
                                         run_im2col<std::uint8_t, Bf16>};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace w2l {

HWY_EXPORT(im2col_kernels);

const Im2colKernels &best_im2col_kernels() {
  return *HWY_DYNAMIC_DISPATCH(im2col_kernels)();
}

}  // namespace w2l
#endif
