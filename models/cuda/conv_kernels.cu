// gst-wav2lip: the convolution of the CUDA engine: which of its kernels a convolution needs.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "half_numbers.h"
#include "kernel_launches.h"

namespace w2l {

cudaError_t launch_convolution(const ConvArgs &args, cudaStream_t stream) {
  return with_number(args.number, [&](auto constant) {
    return launch_convolution_in<decltype(constant)::value>(args, stream);
  });
}

}  // namespace w2l
