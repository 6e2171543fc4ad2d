// gst-wav2lip: what numbers the kernels multiply, and the bound that keeps their int16 products
// from overflowing. Weights are packed and pixels are scaled by it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>

#include "bf16.h"

namespace w2l {

// What pictures of T are multiplied in. Products of bfloat16 would lose too much after Winograd's
// transform, whose sums are up to a hundred times larger than its inputs; int16 keeps 15 bits, and
// CPUs multiply and add as many of them in one instruction.
template <typename T>
struct ProductNumber;
template <>
struct ProductNumber<float> {
  using Type = float;
};
template <>
struct ProductNumber<Bf16> {
  using Type = std::int16_t;
};

// Points are the numbers of the input that weights are multiplied by: of a tile after Winograd's
// transform, or of a patch as they are. The int16 products of kExactChannels successive points are
// summed up in int32, the sums of such groups in float. Nothing overflows with finite inputs and
// weights, since
//   |point| <= kPointLimit: a tile or a patch is scaled by its largest magnitude so that no point
//     can be larger than kPointLimit - 2, which leaves room for two roundings, and
//   sum of |weight| over kExactChannels points <= kWeightSumLimit: weights are scaled to this,
//   and kPointLimit * kWeightSumLimit <= 2^31 - 1.
constexpr int kExactChannels = 64;
constexpr int kPointLimit = 16383;
constexpr int kWeightSumLimit = INT32_MAX / kPointLimit;

// What weights of one output channel may be multiplied by before they are rounded, by half at most.
// `largest` is their largest magnitude, `largest_sum` that of kExactChannels successive ones.
inline double weight_scale(double largest, double largest_sum) {
  if (largest == 0) return 1;
  return std::min((kWeightSumLimit - kExactChannels / 2) / largest_sum, INT16_MAX / largest);
}

inline int round_up(int value, int step) {
  return (value + step - 1) / step * step;
}

}  // namespace w2l
