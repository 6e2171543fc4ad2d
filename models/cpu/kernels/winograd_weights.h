// gst-wav2lip: the weights of a Winograd convolution: transformed, scaled where they become int16,
// and packed in the order in which the kernels read them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <hwy/aligned_allocator.h>

#include <vector>

#include "winograd_kernels.h"

namespace w2l {

template <typename T>
class WinogradWeights {
 public:
  // `lanes` are the kernels'. The rest is as for WinogradConv.
  WinogradWeights(WinogradForm form, int in, int out, const float *weight, const float *bias,
                  int lanes);

  // Valid as long as this lives, wherever it is moved.
  const WinogradLayer<T> &layer() const { return layer_; }

 private:
  using Number = typename ProductNumber<T>::Type;

  struct Rows;

  // Of output channel k into rows.packed, as the j-th of a line.
  void transform(int k, const float *weight, Rows &rows, int j);
  // `count` output channels from k on, out of rows.packed.
  void interleave(int k, int count, const Rows &rows, int lanes);

  WinogradLayer<T> layer_;
  hwy::AlignedFreeUniquePtr<Number[]> weights_;
  hwy::AlignedFreeUniquePtr<float[]> bias_;
  std::vector<float> point_scales_, product_scales_;
};

}  // namespace w2l
