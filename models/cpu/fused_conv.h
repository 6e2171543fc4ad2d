// gst-wav2lip: one convolution layer on LibTorch's fused oneDNN operators: convolution, bias,
// residual addition and ReLU in one pass over memory, with weights packed once for the CPU.
// ConvLayer calls it. Only files in models/cpu/ see Torch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include "network/network.h"

namespace w2l {

class FusedConv {
 public:
  // `input` is the size of the pictures that will come, `dtype` the type of weights, inputs and
  // results. Where LibTorch has no fused operator for the layer, its plain operators are used.
  FusedConv(const Layer &layer, LayerWeights weights, Size2 input, at::ScalarType dtype);

  // (N, in, H, W) to (N, out, H', W'), both channels_last; any N, any H.
  at::Tensor operator()(const at::Tensor &x) const;

  bool fused() const { return fused_; }

 private:
  at::Tensor run_fused(const at::Tensor &x) const;
  at::Tensor run_plain(const at::Tensor &x) const;  // in any layout
  void pack(const at::Tensor &weight, Size2 input);

  const LayerRow *row_;
  at::ScalarType dtype_;
  at::Tensor weight_;  // packed when fused_
  at::Tensor bias_;
  bool fused_ = false;
};

}  // namespace w2l
