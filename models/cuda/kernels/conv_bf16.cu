// gst-wav2lip: the convolution of the CUDA engine in bf16. See conv_kernel.cuh and
// patch_kernel.cuh.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conv_launch.cuh"

namespace w2l {

template cudaError_t launch_convolution_in<Number::Bf16>(const ConvArgs &, cudaStream_t);
template cudaError_t load_convolutions<Number::Bf16>();

}  // namespace w2l
