// gst-wav2lip: bfloat16, the upper half of a float's bits. The kernels' tests and their scalar twin
// use these conversions; the kernels convert whole vectors.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <cstring>

namespace w2l {

enum class Bf16 : std::uint16_t {};

inline float to_float(float value) {
  return value;
}

inline float to_float(Bf16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// Rounds to the nearest, halves to even, as the CPU's own conversion. Not for NaN.
inline Bf16 to_bf16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<Bf16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace w2l
