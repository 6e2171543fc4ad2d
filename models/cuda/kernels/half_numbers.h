// gst-wav2lip: the short floating-point numbers of a GPU as bits, converted the same way on the
// CPU and on the GPU: to the nearest number, ties to even (tf32: away from zero, as GPUs do it).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define W2L_HOST_DEVICE __host__ __device__
#else
#define W2L_HOST_DEVICE
#endif

#include "kernel_args.h"

namespace w2l {

W2L_HOST_DEVICE inline std::uint32_t float_bits(float value) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(value);
#else
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
#endif
}

W2L_HOST_DEVICE inline float float_of_bits(std::uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(bits);
#else
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
#endif
}

W2L_HOST_DEVICE inline std::uint16_t float_to_fp16(float value) {
#ifdef __CUDA_ARCH__
  return __half_as_ushort(__float2half_rn(value));
#else
  const std::uint32_t bits = float_bits(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  std::uint32_t half;
  if (magnitude > 0x7f800000u) {  // NaN
    half = 0x7fffu;
    return static_cast<std::uint16_t>(half);
  }
  if (magnitude >= 0x477ff000u) {  // rounds to 65536 or more
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14: normal
    half = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
  } else if (magnitude >= 0x33000000u) {  // 2^-25: subnormal, a multiple of 2^-24
    const std::uint32_t shift = 126u - (magnitude >> 23);
    const std::uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    const std::uint32_t rest = mantissa & ((1u << shift) - 1u), tie = 1u << (shift - 1u);
    half = mantissa >> shift;
    if (rest > tie || (rest == tie && (half & 1u))) ++half;
  } else {
    half = 0;
  }
  return static_cast<std::uint16_t>(sign | half);
#endif
}

W2L_HOST_DEVICE inline float fp16_to_float(std::uint16_t bits) {
#ifdef __CUDA_ARCH__
  return __half2float(__ushort_as_half(bits));
#else
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t exponent = bits >> 10 & 0x1fu, mantissa = bits & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: multiples of 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return float_of_bits(sign | wide << 23 | mantissa << 13);
#endif
}

W2L_HOST_DEVICE inline std::uint16_t float_to_bf16(float value) {
#ifdef __CUDA_ARCH__
  return __bfloat16_as_ushort(__float2bfloat16_rn(value));
#else
  const std::uint32_t bits = float_bits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fffu;  // NaN
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
#endif
}

W2L_HOST_DEVICE inline float bf16_to_float(std::uint16_t bits) {
  return float_of_bits(static_cast<std::uint32_t>(bits) << 16);
}

// A float with ten bits of mantissa: how a factor is multiplied in Number::Tf32.
W2L_HOST_DEVICE inline float round_to_tf32(float value) {
  const std::uint32_t bits = float_bits(value);
  if ((bits & 0x7fffffffu) >= 0x7f800000u) return value;  // infinite, NaN
  return float_of_bits((bits + 0x1000u) & 0xffffe000u);
}

// One stored number: Storage<number>::Type in memory, a float to compute with.
template <Number number>
struct Storage {
  using Type = float;
  W2L_HOST_DEVICE static float load(Type stored) { return stored; }
  W2L_HOST_DEVICE static Type store(float value) { return value; }
};
template <>
struct Storage<Number::Fp16> {
  using Type = std::uint16_t;
  W2L_HOST_DEVICE static float load(Type stored) { return fp16_to_float(stored); }
  // What is too large becomes the largest number: infinity would be NaN one layer later, and black
  // pixels in the end. NaN stays what it is.
  W2L_HOST_DEVICE static Type store(float value) {
    constexpr float kMost = 65504;
    return float_to_fp16(value > kMost ? kMost : value < -kMost ? -kMost : value);
  }
};
template <>
struct Storage<Number::Bf16> {
  using Type = std::uint16_t;
  W2L_HOST_DEVICE static float load(Type stored) { return bf16_to_float(stored); }
  W2L_HOST_DEVICE static Type store(float value) { return float_to_bf16(value); }
};

// Calls what(Constant<Number::...>()) for the number that is only known at run time.
template <Number number>
struct NumberConstant {
  static constexpr Number value = number;
};
template <typename What>
auto with_number(Number number, const What &what) {
  switch (number) {
    case Number::Tf32:
      return what(NumberConstant<Number::Tf32>());
    case Number::Bf16:
      return what(NumberConstant<Number::Bf16>());
    case Number::Fp16:
      return what(NumberConstant<Number::Fp16>());
    case Number::Fp32:
      break;
  }
  return what(NumberConstant<Number::Fp32>());
}

}  // namespace w2l
