// gst-wav2lip: which arithmetic the CPU backend computes in. See cpu_precision.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_precision.h"

#include <hwy/targets.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <string>

namespace w2l {

bool cpu_has_bf16() {
#if defined(__x86_64__) || defined(__i386__)
  // Not to be used although it may be there: see instruction_limit.h. Every CPU with AMX has
  // AVX512_BF16 too.
  return (hwy::SupportedTargets() & HWY_AVX3) != 0 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool cpu_has_bf16_tiles() {
#if defined(__x86_64__)
  constexpr unsigned kAmxBf16 = 1u << 22;  // not one of the names that all compilers know
  unsigned a = 0, b = 0, c = 0, d = 0;
  return cpu_has_bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kAmxBf16) != 0;
#else
  return false;
#endif
}

Precision resolve_cpu_precision(Precision wanted) {
  switch (wanted) {
    case Precision::Auto:
      return cpu_has_bf16() ? Precision::Bf16 : Precision::Fp32;
    case Precision::Fp32:
    case Precision::Bf16:
      return wanted;
    case Precision::Tf32:
    case Precision::Fp16:
      break;
  }
  throw Error(ErrorCode::Unsupported, std::string("precision ") + to_string(wanted) +
                                          " is not one of the CPU's; use auto, fp32 or bf16");
}

}  // namespace w2l
