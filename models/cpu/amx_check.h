// gst-wav2lip: whether AMX computes what AmxConv expects of it. Tiles are kept by the operating
// system and by what emulates CPUs, too; a picture that is wrong must not be the first to tell.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "amx_kernels.h"

namespace w2l {

// Convolves a small made-up picture, in about a millisecond. Throws Error(UnusableDevice)
// when the result differs from the scalar twin's by more than rounding explains.
void check_amx(const AmxKernels &kernels);

}  // namespace w2l
