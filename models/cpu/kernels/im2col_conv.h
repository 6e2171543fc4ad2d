// gst-wav2lip: a convolution of any geometry as one product of matrices: the patches of the input
// that lie under output pixels, and the weights. For the layers that WinogradConv is not for.
// Weights are packed once; memory and threads are the caller's.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "general_conv.h"
#include "im2col_kernels.h"
#include "im2col_weights.h"

namespace w2l {

// `Out` decides what is computed in: float, or int16 for Bf16. Input pixels are of `Out`, bytes or,
// for float, Bf16. Immutable: any number of threads may run it.
template <typename In, typename Out = In>
class Im2colConv {
 public:
  // `weight` is in PyTorch's layout: (out, in, kernel, kernel), of a transposed convolution (in,
  // out, kernel, kernel). If geometry.spreads_pixels(), pictures must be of one pixel.
  Im2colConv(const ConvGeometry &geometry, int in, int out, const float *weight, const float *bias,
             const Im2colKernels &kernels = best_im2col_kernels());

  // The work is cut into this many blocks, which may be computed in any order and by any threads;
  // the result does not depend on it. At least 1 unless there are no rows.
  int blocks(const GeneralConv<In, Out> &conv) const;

  // Floats that one thread needs, whatever the size of the pictures.
  std::size_t workspace_size() const;

  // Computes blocks [first, end). `workspace` is the calling thread's, aligned to 64 bytes; its
  // contents do not matter.
  void run(const GeneralConv<In, Out> &conv, int first, int end, float *workspace) const;

 private:
  struct Cut;

  Cut cut(const GeneralConv<In, Out> &conv) const;

  const Im2colKernels &kernels_;
  Im2colWeights<typename ProductNumber<Out>::Type> weights_;
  int block_patches_;
};

}  // namespace w2l
