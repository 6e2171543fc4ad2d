// gst-wav2lip tests: the kernels of the CUDA engine, compiled for the CPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulated_kernels.h"

#include "conv_bf16.cu"
#include "conv_fp16.cu"
#include "conv_fp32.cu"
#include "conv_kernels.cu"
#include "conv_tf32.cu"
#include "picture_kernels.cu"
