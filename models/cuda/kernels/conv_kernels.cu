// gst-wav2lip: the kernels of the CUDA engine by the kind of number they compute in.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "half_numbers.h"
#include "kernel_launches.h"

namespace w2l {

cudaError_t launch_convolution(const ConvArgs &args, cudaStream_t stream) {
  return with_number(args.number, [&](auto constant) {
    return launch_convolution_in<decltype(constant)::value>(args, stream);
  });
}

cudaError_t load_kernels(Number number) {
  const cudaError_t error = load_picture_kernels(number);
  if (error != cudaSuccess) return error;
  return with_number(number,
                     [](auto constant) { return load_convolutions<decltype(constant)::value>(); });
}

}  // namespace w2l
