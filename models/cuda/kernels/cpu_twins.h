// gst-wav2lip: the kernels of the CUDA engine as plain loops on the CPU, for tests: the same
// arguments, in memory of the CPU, and the same results but for the order of float sums.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "kernel_args.h"

namespace w2l {

// Sums are not split: splits, partial_sums and counters are not looked at.
void convolve_on_cpu(const ConvArgs &args);
void write_faces_on_cpu(const FaceArgs &args);
void write_mels_on_cpu(const MelArgs &args);
void write_answers_on_cpu(const AnswerArgs &args);

}  // namespace w2l
