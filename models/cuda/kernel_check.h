// gst-wav2lip: whether a GPU computes what its kernels say. GPUs are many, and so are drivers and
// compilers; a picture that is wrong must not be the first to tell.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "driver.h"

namespace w2l {

// Runs each kind of kernel once on made-up numbers, and its twin on the CPU; takes some 0.1 s.
// `device` is the name in messages. Throws Error(UnusableDevice) when results differ by more than
// the order of sums explains.
void check_kernels(Driver &driver, Number number, const std::string &device);

}  // namespace w2l
