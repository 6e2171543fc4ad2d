// gst-wav2lip tests: takes the place of the CUDA runtime's header where kernels run on the CPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1 };

using cudaStream_t = struct EmulatedStream *;

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned across = 1, unsigned down = 1, unsigned deep = 1)
      : x(across), y(down), z(deep) {}
};
