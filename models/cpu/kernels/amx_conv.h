// gst-wav2lip: a convolution of bfloat16 pictures by AMX, the matrix unit of Intel's servers since
// Sapphire Rapids. It multiplies so fast that neither Winograd's transforms nor gathered patches
// would pay: pixels are copied once, with their border, and multiplied where they lie.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "amx_kernels.h"
#include "amx_weights.h"

namespace w2l {

// `In` is Bf16, or bytes, which stand for 0 to 1. Products are of bfloat16, sums of float. An
// infinity or NaN in the input may make NaN of pixels that do not depend on it. Immutable: any
// number of threads may run it.
template <typename In = Bf16>
class AmxConv {
 public:
  // Not if geometry.spreads_pixels(): most of its taps would be multiplied by zeros. With a stride
  // of the kernel's size the same comes of pictures of one pixel.
  static bool can(const ConvGeometry &geometry) { return !geometry.spreads_pixels(); }

  // `weight` is in PyTorch's layout: (out, in, kernel, kernel), of a transposed convolution (in,
  // out, kernel, kernel).
  AmxConv(const ConvGeometry &geometry, int in, int out, AmxSize size, const float *weight,
          const float *bias, const AmxKernels &kernels);

  // The work is cut into this many blocks, which may be computed in any order and by any threads;
  // the result does not depend on it. At least 1 unless there are no rows.
  int blocks(const GeneralConv<In, Bf16> &conv) const;

  // Floats that one thread needs, for any number of pictures.
  std::size_t workspace_size() const { return AmxSpace(weights_.layer()).total(); }

  // Computes blocks [first, end). `workspace` is the calling thread's, aligned to 64 bytes; its
  // contents do not matter.
  void run(const GeneralConv<In, Bf16> &conv, int first, int end, float *workspace) const;

 private:
  struct Cut;

  Cut cut(const GeneralConv<In, Bf16> &conv) const;

  const AmxKernels &kernels_;
  AmxWeights weights_;
};

}  // namespace w2l
