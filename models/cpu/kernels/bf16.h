// gst-wav2lip: bfloat16, the upper half of a float's bits. The kernels' tests and their scalar twin
// use these conversions; the kernels convert whole vectors.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <cstring>

namespace w2l {

enum class Bf16 : std::uint16_t {};

constexpr std::uint32_t kBf16Half = 0x8000;  // of the last bit that is kept

inline float to_float(float value) {
  return value;
}

inline float to_float(Bf16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// Rounds to the nearest, halves away from zero: half the instructions that halves to even take, and
// of 65536 numbers one is a half. Not for NaN.
inline Bf16 to_bf16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<Bf16>((bits + kBf16Half) >> 16);
}

}  // namespace w2l
