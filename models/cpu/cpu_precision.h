// gst-wav2lip: which arithmetic the CPU backend computes in. CpuEngine asks when it is opened.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "engine.h"

namespace w2l {

// Whether the CPU multiplies bfloat16 by instructions of its own.
bool cpu_has_bf16();

// Whether it multiplies tiles of bfloat16 (AMX), many times more numbers at once than vectors have.
// Supposes that the system lets programs use them, as Linux does from 5.16 on.
bool cpu_has_bf16_tiles();

// Auto becomes Bf16 where that is faster, else Fp32. Throws Error(Unsupported) for precisions that
// a CPU does not have.
Precision resolve_cpu_precision(Precision wanted);

}  // namespace w2l
