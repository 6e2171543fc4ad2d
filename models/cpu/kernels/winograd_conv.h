// gst-wav2lip: a 3x3 convolution by Winograd's minimal filtering: F(4x4, 3x3) needs 36
// multiplications for 16 pixels where the direct way needs 144, and a transposed one 81 instead of
// 144 for 64 pixels. Weights are packed once; memory and threads are the caller's. ConvLayer uses it
// for the larger pictures.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "conv3x3.h"
#include "winograd_kernels.h"
#include "winograd_weights.h"

namespace w2l {

// Of pictures of T, float or Bf16. Immutable: any number of threads may run it.
template <typename T>
class WinogradConv {
 public:
  // Forms with larger tiles multiply less and round more. `weight` is in PyTorch's layout: (out,
  // in, 3, 3), of a transposed convolution (in, out, 3, 3).
  WinogradConv(WinogradForm form, int in, int out, const float *weight, const float *bias,
               const WinogradKernels &kernels = best_winograd_kernels());

  // All functions take convolutions with the form's scale.

  // The work is cut into this many blocks, which may be computed in any order and by any threads;
  // the result does not depend on it. At least 1 unless there are no rows.
  int blocks(const Conv3x3<T> &conv) const;

  // Floats that one thread needs, whatever the size of the pictures.
  std::size_t workspace_size() const;

  // Computes blocks [first, end). `workspace` is the calling thread's, aligned to 64 bytes; its
  // contents do not matter.
  void run(const Conv3x3<T> &conv, int first, int end, float *workspace) const;

 private:
  const WinogradKernels &kernels_;
  WinogradWeights<T> weights_;
  int block_tiles_;
};

}  // namespace w2l
