// gst-wav2lip tests: the kernels of the CUDA engine, to be run by an emulator::Gpu. Besides
// kernel_launches.h: a convolution in tiles of a given kind.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "conv_tiles.h"
#include "emulator.h"
#include "kernel_launches.h"

namespace w2l::emulator {

cudaError_t launch_convolution_in_tiles(const ConvArgs &args, int kind);

}  // namespace w2l::emulator
