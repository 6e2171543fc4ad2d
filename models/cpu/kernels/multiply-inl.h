// gst-wav2lip: the matrix products inside a convolution, most of its time. Included by
// winograd_kernels.cpp and im2col_kernels.cpp for each instruction set.
// SPDX-License-Identifier: LGPL-2.1-or-later
#if defined(W2L_MULTIPLY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef W2L_MULTIPLY_INL_H
#undef W2L_MULTIPLY_INL_H
#else
#define W2L_MULTIPLY_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <utility>

#include "products.h"
#include "vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

// Points x two vectors of channels that are summed up in registers: of 32 or of 16 registers, two
// hold weights and one the input, which is spread over all lanes. (int16 sums take two registers
// each on A64, where nobody asks for bfloat16 yet.)
constexpr int kVectors = 2;
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kRows = 14;
#else
constexpr int kRows = 6;
#endif

// How far ahead of their use weights are asked for, in elements. They come from far away, and the
// memory's own guessing stops at each page.
constexpr int kAhead = 16 * kVectors * kLanes;

// How elements (winograd_kernels.h, im2col_kernels.h) are multiplied and summed up.
template <typename Number>
struct Products;

template <>
struct Products<float> {
  using Element = float;
  using Weights = Vector;
  using Sum = Vector;
  static constexpr int kMost = INT_MAX;  // elements in one sum

  static HWY_INLINE Weights load(const Element *from) { return hn::Load(Floats(), from); }
  static HWY_INLINE Sum zero() { return hn::Zero(Floats()); }
  static HWY_INLINE Sum add(Element input, Weights weights, Sum sum) {
    return hn::MulAdd(hn::Set(Floats(), input), weights, sum);
  }
  static HWY_INLINE Vector total(Sum sum) { return sum; }
};

template <>
struct Products<std::int16_t> {
  using Element = std::int32_t;  // two numbers
  static constexpr int kMost = kExactChannels / 2;

#if HWY_TARGET == HWY_SCALAR  // one lane has no room for two numbers
  using Weights = Element;
  using Sum = std::int32_t;
  static Weights load(const Element *from) {
    return *from;
  }
  static Sum zero() {
    return 0;
  }
  static int low(Element pair) {
    return static_cast<std::int16_t>(pair & 0xffff);
  }
  static int high(Element pair) {
    return pair >> 16;
  }
  static Sum add(Element input, Weights weights, Sum sum) {
    return sum + low(input) * low(weights) + high(input) * high(weights);
  }
  static Vector total(Sum sum) {
    return hn::Set(Floats(), static_cast<float>(sum));
  }
#else
  using Shorts = hn::Repartition<std::int16_t, Floats>;
  using Ints = hn::RebindToSigned<Floats>;
  using Weights = hn::Vec<Shorts>;

  static HWY_INLINE Weights load(const Element *from) {
    return hn::BitCast(Shorts(), hn::Load(Ints(), from));
  }

#if HWY_ARCH_X86
  using Sum = hn::Vec<Ints>;
  static HWY_INLINE Sum zero() {
    return hn::Zero(Ints());
  }
  // By hand, since g++ 12 moves the sums of Highway's functions to memory and back.
  static HWY_INLINE Sum add(Element input, Weights weights, Sum sum) {
    const Sum spread = hn::Set(Ints(), input);
#if HWY_TARGET <= HWY_AVX3_DL
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(weights.raw), "v"(spread.raw));
#elif HWY_TARGET <= HWY_AVX2
    Sum product;
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
            : "+v"(sum.raw), "=&v"(product.raw)
            : "v"(weights.raw), "v"(spread.raw));
#else
    Sum product = spread;
    __asm__("pmaddwd %2, %1\n\tpaddd %1, %0" : "+x"(sum.raw), "+x"(product.raw) : "x"(weights.raw));
#endif
    return sum;
  }
  static HWY_INLINE Vector total(Sum sum) {
    return hn::ConvertTo(Floats(), sum);
  }
#else
  // Some instruction sets keep a second sum; for the others it is never touched.
  struct Sum {
    hn::Vec<Ints> low, high;
  };
  static HWY_INLINE Sum zero() {
    return {hn::Zero(Ints()), hn::Zero(Ints())};
  }
  static HWY_INLINE Sum add(Element input, Weights weights, Sum sum) {
    const Weights spread = hn::BitCast(Shorts(), hn::Set(Ints(), input));
    sum.low = hn::ReorderWidenMulAccumulate(Ints(), spread, weights, sum.low, sum.high);
    return sum;
  }
  static HWY_INLINE Vector total(const Sum &sum) {
    return hn::ConvertTo(Floats(), hn::RearrangeToOddPlusEven(sum.low, sum.high));
  }
#endif
#endif
};

// Points in groups of kLanes elements: those of all rows, then the next group `step` behind.
template <typename Element>
struct PackedRows {
  const Element *v;
  std::size_t step;

  PackedRows from(int row) const { return {v + row * kLanes, step}; }
  HWY_INLINE const Element *row(int index) const { return v + index * kLanes; }
  // Elements that follow each other, and the step over so many.
  HWY_INLINE int left() const { return kLanes; }
  HWY_INLINE void advance(int) { v += step; }
};

// The same where points are read from pixels: each row is of runs of elements, run_step apart, and
// the next row's are row_step behind, perhaps the same ones in part.
template <typename Element>
struct PixelRows {
  const Element *v;
  std::ptrdiff_t row_step, run_step;
  int run, done = 0;

  PixelRows from(int row) const { return {v + row * row_step, row_step, run_step, run}; }
  HWY_INLINE const Element *row(int index) const { return v + index * row_step; }
  HWY_INLINE int left() const { return run - done; }
  HWY_INLINE void advance(int count) {
    v += count, done += count;
    if (done < run) return;
    v += run_step - run, done = 0;
  }
};

// Sums of at most Products::kMost elements: [kCount][elements] x [elements][kWidth vectors]. Goes
// on in `v` and `u`. Adds them to `m` unless they are the first.
template <typename Products, typename Rows, int kCount, int kWidth>
HWY_INLINE void multiply_some(Rows &v, const typename Products::Element *HWY_RESTRICT &u,
                              int elements, bool first, float *HWY_RESTRICT m, std::size_t m_step) {
  typename Products::Sum sums[kCount][kWidth];
  HWY_UNROLL(14)
  for (int row = 0; row < kCount; ++row)
    for (int i = 0; i < kWidth; ++i) sums[row][i] = Products::zero();
  while (elements > 0) {
    const int count = std::min(elements, v.left());
    for (int e = 0; e < count; ++e, u += kWidth * kLanes) {
      typename Products::Weights weights[kWidth];
      for (int i = 0; i < kWidth; ++i) {
        weights[i] = Products::load(u + i * kLanes);
        hwy::Prefetch(u + kAhead + i * kLanes);
      }
      HWY_UNROLL(14)
      for (int row = 0; row < kCount; ++row)
        for (int i = 0; i < kWidth; ++i)
          sums[row][i] = Products::add(v.row(row)[e], weights[i], sums[row][i]);
    }
    elements -= count;
    v.advance(count);
  }
  HWY_UNROLL(14)
  for (int row = 0; row < kCount; ++row)
    for (int i = 0; i < kWidth; ++i) {
      float *to = m + static_cast<std::size_t>(i) * m_step + row * kLanes;
      Vector total = Products::total(sums[row][i]);
      if (!first) total = hn::Add(total, hn::Load(Floats(), to));
      hn::Store(total, Floats(), to);
    }
}

template <typename Products, typename Rows, int kCount, int kWidth>
void multiply_group(Rows v, const typename Products::Element *HWY_RESTRICT u, int elements,
                    float *HWY_RESTRICT m, std::size_t m_step) {
  for (int done = 0; done < elements; done += std::min(elements - done, Products::kMost))
    multiply_some<Products, Rows, kCount, kWidth>(v, u, std::min(elements - done, Products::kMost),
                                                  done == 0, m, m_step);
}

template <typename Products, typename Rows>
using MultiplyGroup = void(Rows, const typename Products::Element *, int, float *, std::size_t);

// The function for 1 + i rows.
template <typename Products, typename Rows, int kWidth, int... kIndex>
MultiplyGroup<Products, Rows> *multiply_function(int rows, std::integer_sequence<int, kIndex...>) {
  static constexpr MultiplyGroup<Products, Rows> *kFunctions[] = {
      multiply_group<Products, Rows, kIndex + 1, kWidth>...};
  return kFunctions[rows - 1];
}

// All products of one matrix: `m` gets [out / kLanes][step], [rows][kLanes] in each step.
template <typename Products, typename Rows>
void multiply_matrix(const Rows &v, const typename Products::Element *u, int rows, int elements,
                     int out, float *m, std::size_t step) {
  const std::make_integer_sequence<int, kRows> indices;
  // Of nearly equal size: few rows leave the multipliers waiting for each other's sums.
  const int parts = (rows + kRows - 1) / kRows;
  for (int k = 0; k < out; k += kVectors * kLanes) {
    const bool pair = out - k > kLanes;
    for (int part = 0; part < parts; ++part) {
      const int first = rows * part / parts, count = rows * (part + 1) / parts - first;
      MultiplyGroup<Products, Rows> *function =
          pair ? multiply_function<Products, Rows, kVectors>(count, indices)
               : multiply_function<Products, Rows, 1>(count, indices);
      function(v.from(first), u, elements, m + first * kLanes, step);
    }
    u += static_cast<std::size_t>(elements) * (pair ? kVectors : 1) * kLanes;
    m += kVectors * step;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#endif
