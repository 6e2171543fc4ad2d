// gst-wav2lip: the weights of Im2colConv: in the order of a patch's numbers, scaled where they
// become int16, and packed in the order in which the kernels read them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <hwy/aligned_allocator.h>

#include "im2col_kernels.h"

namespace w2l {

template <typename Number>
class Im2colWeights {
 public:
  // `lanes` are the kernels'. The rest is as for Im2colConv.
  Im2colWeights(const ConvGeometry &geometry, int in, int out, const float *weight,
                const float *bias, int lanes);

  // Valid as long as this lives, wherever it is moved.
  const Im2colLayer<Number> &layer() const { return layer_; }

 private:
  Im2colLayer<Number> layer_;
  hwy::AlignedFreeUniquePtr<Number[]> weights_;
  hwy::AlignedFreeUniquePtr<float[]> bias_, product_scales_;
};

}  // namespace w2l
