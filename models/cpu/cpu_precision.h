// gst-wav2lip: which arithmetic the CPU backend computes in. CpuEngine asks when it is opened.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "engine.h"

namespace w2l {

// Pictures of bfloat16 are multiplied as 16-bit integers (kernels/winograd_kernels.h), of which
// every x86 CPU multiplies and adds twice as many as floats.
bool bf16_is_faster();

// Auto becomes Bf16 where that is faster, else Fp32. Throws Error(Unsupported) for precisions that
// a CPU does not have.
Precision resolve_cpu_precision(Precision wanted);

}  // namespace w2l
