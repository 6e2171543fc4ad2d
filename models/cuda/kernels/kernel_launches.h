// gst-wav2lip: enqueues the kernels of the CUDA engine. Only the GPU's driver calls these.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_runtime_api.h>

#include "kernel_args.h"

namespace w2l {

// cudaErrorInvalidValue for channels that are not a multiple of kChannelStep, and for memory that
// is not aligned to 16 bytes.
cudaError_t launch_convolution(const ConvArgs &args, cudaStream_t stream);
cudaError_t launch_faces(const FaceArgs &args, cudaStream_t stream);
cudaError_t launch_mels(const MelArgs &args, cudaStream_t stream);
cudaError_t launch_answers(const AnswerArgs &args, cudaStream_t stream);

// Loads all kernels for a kind of number onto the current GPU. CUDA would do so at their first
// launch, which may be while a graph is captured, where not everything is allowed.
cudaError_t load_kernels(Number number);

// What they are made of. launch_convolution() for one kind of number: each is compiled in a file of
// its own, since that takes long.
template <Number number>
cudaError_t launch_convolution_in(const ConvArgs &args, cudaStream_t stream);
template <Number number>
cudaError_t load_convolutions();
cudaError_t load_picture_kernels(Number number);

}  // namespace w2l
