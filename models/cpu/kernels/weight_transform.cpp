// gst-wav2lip: the arithmetic of packing Winograd weights. See weight_transform.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "weight_transform.cpp"
#include <hwy/foreach_target.h>
// Highway wants to be included after it.
#include <hwy/highway.h>

#include <algorithm>

#include "products.h"
#include "weight_transform.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::CappedTag<double, kWeightsRoundedUp>;

// factors[0] * a + factors[1] * b + factors[2] * c
HWY_INLINE hn::Vec<Doubles> combine(const double *factors, hn::Vec<Doubles> a, hn::Vec<Doubles> b,
                                    hn::Vec<Doubles> c) {
  const Doubles d;
  const auto sum = hn::MulAdd(hn::Set(d, factors[1]), b, hn::Mul(hn::Set(d, factors[0]), a));
  return hn::MulAdd(hn::Set(d, factors[2]), c, sum);
}

void transform(const double *filters, int in, const WinogradPoint *points, int edge,
               std::size_t step, double *weights) {
  const Doubles d;
  const auto lanes = static_cast<int>(hn::Lanes(d));
  for (int c = 0; c < in; c += lanes) {
    const auto tap = [&](int y, int x) HWY_ATTR {
      return hn::LoadU(d, filters + static_cast<std::size_t>(3 * y + x) * step + c);
    };
    double *to = weights + c;
    for (int y = 0; y < edge; ++y) {
      const double *rows = points[y].taps;
      const auto left = combine(rows, tap(0, 0), tap(1, 0), tap(2, 0));
      const auto middle = combine(rows, tap(0, 1), tap(1, 1), tap(2, 1));
      const auto right = combine(rows, tap(0, 2), tap(1, 2), tap(2, 2));
      for (int x = 0; x < edge; ++x, to += step)
        hn::StoreU(combine(points[x].taps, left, middle, right), d, to);
    }
  }
}

WeightMagnitudes magnitudes(const double *weights, int in) {
  const Doubles d;
  const auto lanes = static_cast<int>(hn::Lanes(d));
  auto largest = hn::Zero(d);
  double largest_sum = 0;
  for (int start = 0; start < in; start += kExactChannels) {
    auto sum = hn::Zero(d);
    for (int c = start; c < std::min(in, start + kExactChannels); c += lanes) {
      const auto magnitude = hn::Abs(hn::LoadU(d, weights + c));
      sum = hn::Add(sum, magnitude);
      largest = hn::Max(largest, magnitude);
    }
    largest_sum = std::max(largest_sum, hn::GetLane(hn::SumOfLanes(d, sum)));
  }
  return {hn::GetLane(hn::MaxOfLanes(d, largest)), largest_sum};
}

void round(const double *weights, int in, double scale, std::int32_t *rounded) {
  const Doubles d;
  const hn::Rebind<std::int32_t, Doubles> d_rounded;
  const auto lanes = static_cast<int>(hn::Lanes(d));
  const auto factor = hn::Set(d, scale);
  for (int c = 0; c < in; c += lanes) {
    const auto value = hn::Round(hn::Mul(hn::LoadU(d, weights + c), factor));
    hn::StoreU(hn::DemoteTo(d_rounded, value), d_rounded, rounded + c);
  }
}

const WeightTransform *weight_transform() {
  static const WeightTransform kFunctions = {transform, magnitudes, round};
  return &kFunctions;
}

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace w2l {

HWY_EXPORT(weight_transform);

const WeightTransform &best_weight_transform() {
  return *HWY_DYNAMIC_DISPATCH(weight_transform)();
}

}  // namespace w2l
#endif
