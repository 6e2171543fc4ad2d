// gst-wav2lip: pixels of float or bfloat16 to and from vectors of floats, and floats to points of
// int16. Included by winograd_kernels.cpp, im2col_kernels.cpp and amx_kernel-inl.h for each target.
// SPDX-License-Identifier: LGPL-2.1-or-later
#if defined(W2L_PIXELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef W2L_PIXELS_INL_H
#undef W2L_PIXELS_INL_H
#else
#define W2L_PIXELS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "multiply-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

// As many of them as floats.
using Halves = hn::Rebind<std::uint16_t, Floats>;
using Words = hn::RebindToUnsigned<Floats>;

HWY_INLINE Vector load(const float *from) {
  return hn::LoadU(Floats(), from);
}

HWY_INLINE hn::Vec<Halves> load_bits(const Bf16 *from) {
  return hn::LoadU(Halves(), reinterpret_cast<const std::uint16_t *>(from));
}

HWY_INLINE Vector load(const Bf16 *from) {
  return hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::PromoteTo(Words(), load_bits(from))));
}

HWY_INLINE void store(Vector value, float *to) {
  hn::StoreU(value, Floats(), to);
}

// Rounds as to_bf16().
HWY_INLINE void store(Vector value, Bf16 *to) {
  const auto rounded = hn::Add(hn::BitCast(Words(), value), hn::Set(Words(), kBf16Half));
  hn::StoreU(hn::TruncateTo(Halves(), hn::ShiftRight<16>(rounded)), Halves(),
             reinterpret_cast<std::uint16_t *>(to));
}

// `count` numbers, fewer than a vector's, as the sum of powers of two: copies of known size are
// instructions, others calls.
template <typename T, int kPart = kLanes / 2>
HWY_INLINE void copy_some(const T *from, int count, T *to) {
  if constexpr (kPart > 0) {
    if ((count & kPart) != 0) std::memcpy(to, from, kPart * sizeof(T));
    copy_some<T, kPart / 2>(from + (count & kPart), count, to + (count & kPart));
  }
}

// The first `count` channels of a pixel, fewer than a vector's: nothing behind them is touched.
template <typename T>
HWY_INLINE Vector load_some(const T *from, int count) {
  HWY_ALIGN T lanes[kLanes] = {};
  copy_some(from, count, lanes);
  return load(lanes);
}

template <typename T>
HWY_INLINE void store_some(Vector value, T *to, int count) {
  HWY_ALIGN T lanes[kLanes];
  store(value, lanes);
  copy_some(lanes, count, to);
}

template <typename T>
HWY_INLINE Vector load_channels(const T *from, int count) {
  return count < kLanes ? load_some(from, count) : load(from);
}

template <typename T>
HWY_INLINE void store_channels(Vector value, T *to, int count) {
  if (count < kLanes)
    store_some(value, to, count);
  else
    store(value, to);
}

// value * scale, rounded to the nearest int16, in the lower halves: so large a number added leaves
// the integer in the last bits of the mantissa. Of finite inputs nothing is beyond kPointLimit
// (products.h); others give wrong numbers, in their own tiles.
HWY_INLINE hn::Vec<Words> point_bits(Vector value, float scale) {
  constexpr float kIntegers = 3 << 22;
  const Floats d;
  return hn::BitCast(Words(), hn::MulAdd(value, hn::Set(d, scale), hn::Set(d, kIntegers)));
}

HWY_INLINE void store_point(Vector value, float scale, std::int16_t *to) {
  hn::StoreU(hn::TruncateTo(Halves(), point_bits(value, scale)), Halves(),
             reinterpret_cast<std::uint16_t *>(to));
}

HWY_INLINE hn::Vec<Halves> load_bits(const Bf16 *from, int count) {
  if (count >= kLanes) return load_bits(from);
  HWY_ALIGN Bf16 lanes[kLanes] = {};
  copy_some(from, count, lanes);
  return load_bits(lanes);
}

// The largest magnitude of `in` channels of `count` pixels, times `signed_growth` if any of them is
// negative. The bits of numbers without a sign are in the order of the numbers.
inline float tile_peak(const Bf16 *const *pixels, int count, int in, float signed_growth) {
  constexpr std::uint16_t kSign = 0x8000;
  const Halves d;
  auto peak = hn::Zero(d), sign = peak;
  for (int c = 0; c < in; c += kLanes)
    for (int i = 0; i < count; ++i) {
      const auto bits = load_bits(pixels[i] + c, in - c);
      sign = hn::Or(sign, bits);
      peak = hn::Max(peak, hn::AndNot(hn::Set(d, kSign), bits));
    }
  HWY_ALIGN std::uint16_t peaks[kLanes], signs[kLanes];
  hn::Store(peak, d, peaks);
  hn::Store(sign, d, signs);
  std::uint16_t largest = 0, any = 0;
  for (int i = 0; i < kLanes; ++i) {
    largest = std::max(largest, peaks[i]);
    any = static_cast<std::uint16_t>(any | signs[i]);
  }
  return to_float(static_cast<Bf16>(largest)) * ((any & kSign) != 0 ? signed_growth : 1);
}

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#endif
