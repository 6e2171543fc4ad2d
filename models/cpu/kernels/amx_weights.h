// gst-wav2lip: the weights of AmxConv: which input pixels each tap is for, and bfloat16 numbers in
// the order that the kernels read.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <hwy/aligned_allocator.h>

#include "amx_kernels.h"

namespace w2l {

// Of all pictures of a layer.
struct AmxSize {
  int height, width;  // of the input
  int out_width;
};

class AmxWeights {
 public:
  // `unit` is what 1 in the input stands for. The rest is as for AmxConv.
  AmxWeights(const ConvGeometry &geometry, int in, int out, AmxSize size, const float *weight,
             float unit, const float *bias);

  // Valid as long as this lives, wherever it is moved.
  const AmxLayer &layer() const { return layer_; }
  std::size_t bytes() const { return bytes_; }

 private:
  AmxLayer layer_;
  std::size_t bytes_;
  hwy::AlignedFreeUniquePtr<Bf16[]> weights_;
  hwy::AlignedFreeUniquePtr<float[]> bias_;
};

}  // namespace w2l
