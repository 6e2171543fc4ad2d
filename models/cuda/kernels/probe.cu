// gst-wav2lip: whether nvcc can compile here at all, asked when the build is configured.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <mma.h>

#include <cmath>

__global__ void probe(float *number) {
  *number = sqrtf(*number);
}
