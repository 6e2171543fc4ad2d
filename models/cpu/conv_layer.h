// gst-wav2lip: one layer of a network on the CPU and the kernel that was chosen for it: Winograd's
// way where that is faster, else LibTorch's fused operators. Layers compute the rows that somebody
// will look at. CpuNetwork is made of these.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "fused_conv.h"
#include "network/layer_geometry.h"
#include "winograd_conv.h"

namespace w2l {

// The lower rows of a batch of pictures, [top, height). A few rows at the top may be there without
// being right: whoever asks for rows knows from which one on they are.
struct Rows {
  at::Tensor pixels;  // (N, channels, rows, width), channels_last
  int top = 0;
};

// Immutable: may be run by several threads at once, in inference mode.
class ConvLayer {
 public:
  // As FusedConv's.
  ConvLayer(const Layer &layer, LayerWeights weights, Size2 input, at::ScalarType dtype);

  Size2 output_size() const { return output_; }
  std::int64_t channels() const { return channels_; }  // of the output
  std::int64_t input_channels() const { return input_channels_; }
  // Whether bias, activation and residual are computed in one pass, as every layer should.
  bool fused() const { return !fused_ || fused_->fused(); }

  // The first row of the input that the output's rows from `row` on depend on.
  int first_input_row(int row) const { return w2l::first_input_row(*row_, row); }

  // Whether run_into() writes its result where it is told to, rather than copying it there; run()
  // is for the others.
  bool writes_in_place() const { return !fused_; }

  // Where `x` is right from first_input_row(row) on, the result is from `row` on.
  Rows run(const Rows &x) const;

  // The same where `to` has rows to.top to the end, perhaps some channels of a wider tensor.
  void run_into(const Rows &x, const Rows &to) const;

 private:
  template <typename T>
  void run_winograd(const WinogradConv<T> &winograd, const Rows &x, const Rows &to) const;

  const LayerRow *row_;
  std::int64_t channels_, input_channels_;
  Size2 output_;
  // One of these.
  std::optional<FusedConv> fused_;
  std::optional<WinogradConv<float>> float_;
  std::optional<WinogradConv<Bf16>> bf16_;
};

}  // namespace w2l
