// gst-wav2lip tests: AMX's tiles in plain C++, so that AmxConv can be tested on any CPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "amx_kernels.h"

namespace w2l {

const AmxKernels &emulated_amx_kernels();

}  // namespace w2l
