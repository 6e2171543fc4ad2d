// gst-wav2lip: which arithmetic the CPU backend computes in. See cpu_precision.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_precision.h"

#include <hwy/detect_targets.h>

#include <string>

namespace w2l {

bool bf16_is_faster() {
  return HWY_ARCH_X86 != 0;
}

Precision resolve_cpu_precision(Precision wanted) {
  switch (wanted) {
    case Precision::Auto:
      return bf16_is_faster() ? Precision::Bf16 : Precision::Fp32;
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
