// gst-wav2lip: the matrix products inside a Winograd convolution, nine tenths of its time.
// Included by winograd_kernels.cpp for each instruction set.
// SPDX-License-Identifier: LGPL-2.1-or-later
#if defined(W2L_WINOGRAD_MULTIPLY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef W2L_WINOGRAD_MULTIPLY_INL_H
#undef W2L_WINOGRAD_MULTIPLY_INL_H
#else
#define W2L_WINOGRAD_MULTIPLY_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <utility>

#include "winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

constexpr int kLanes = static_cast<int>(hn::MaxLanes(Floats()));

// Tiles x two vectors of channels that are summed up in registers: of 32 or of 16 registers, two
// hold weights and one the input, which is spread over all lanes.
constexpr int kVectors = 2;
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kRows = 14;
#else
constexpr int kRows = 6;
#endif

// How far ahead of their use weights are asked for, in floats. They come from far away, and the
// memory's own guessing stops at each page.
constexpr int kAhead = 16 * kVectors * kLanes;

// Products of one group of output channels: [kCount][channels] x [channels][kWidth vectors]. `v`
// is the transformed input, with v_step between groups of kLanes input channels.
template <int kCount, int kWidth>
void multiply_group(const float *HWY_RESTRICT v, std::size_t v_step, const float *HWY_RESTRICT u,
                    int channels, float *HWY_RESTRICT m, std::size_t m_step) {
  const Floats d;
  Vector sums[kCount][kWidth];
  HWY_UNROLL(14)
  for (int row = 0; row < kCount; ++row)
    for (int i = 0; i < kWidth; ++i) sums[row][i] = hn::Zero(d);
  for (; channels > 0; channels -= kLanes, v += v_step) {
    const int count = std::min(channels, kLanes);
    for (int c = 0; c < count; ++c, u += kWidth * kLanes) {
      Vector weights[kWidth];
      for (int i = 0; i < kWidth; ++i) {
        weights[i] = hn::Load(d, u + i * kLanes);
        hwy::Prefetch(u + kAhead + i * kLanes);
      }
      HWY_UNROLL(14)
      for (int row = 0; row < kCount; ++row) {
        const Vector input = hn::Set(d, v[row * kLanes + c]);
        for (int i = 0; i < kWidth; ++i) sums[row][i] = hn::MulAdd(input, weights[i], sums[row][i]);
      }
    }
  }
  HWY_UNROLL(14)
  for (int row = 0; row < kCount; ++row)
    for (int i = 0; i < kWidth; ++i)
      hn::Store(sums[row][i], d, m + static_cast<std::size_t>(i) * m_step + row * kLanes);
}

using MultiplyGroup = void(const float *, std::size_t, const float *, int, float *, std::size_t);

// The function for 1 + i rows.
template <int kWidth, int... kIndex>
MultiplyGroup *multiply_function(int rows, std::integer_sequence<int, kIndex...>) {
  static constexpr MultiplyGroup *kFunctions[] = {multiply_group<kIndex + 1, kWidth>...};
  return kFunctions[rows - 1];
}

// All products of one point: `m` gets [out / kLanes][tiles][kLanes].
inline void multiply_point(const float *v, const float *u, int tiles, int in, int out, float *m) {
  const std::size_t step = static_cast<std::size_t>(tiles) * kLanes;
  const std::make_integer_sequence<int, kRows> indices;
  // Of nearly equal size: few rows leave the multipliers waiting for each other's sums.
  const int parts = (tiles + kRows - 1) / kRows;
  for (int k = 0; k < out; k += kVectors * kLanes) {
    const bool pair = out - k > kLanes;
    for (int part = 0; part < parts; ++part) {
      const int first = tiles * part / parts, count = tiles * (part + 1) / parts - first;
      MultiplyGroup *function =
          pair ? multiply_function<kVectors>(count, indices) : multiply_function<1>(count, indices);
      function(v + first * kLanes, step, u, in, m + first * kLanes, step);
    }
    u += static_cast<std::size_t>(in) * (pair ? kVectors : 1) * kLanes;
    m += kVectors * step;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#endif
