// gst-wav2lip tests: the kernels of the CUDA engine, to be run by an emulator::Gpu.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "emulator.h"
#include "kernel_launches.h"
