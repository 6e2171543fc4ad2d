// gst-wav2lip: one layer of a network on the CPU and the kernel that was chosen for it: AMX's tiles
// where there are some, Winograd's way where that is faster, else products of patches. Layers
// compute the rows that somebody will look at. CpuNetwork is made of these.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "amx_kernels.h"
#include "network/layer_geometry.h"
#include "network/network.h"
#include "rows.h"

namespace w2l {

// Immutable: may be run by several threads at once.
class ConvLayer {
 public:
  // `input` is the size of the pictures that will come, `type` (Float or Bf16) what all pictures
  // are made of, but for `input_type` Byte, of which 255 is 1, and the last layer's result, in
  // Float. `amx` is null on CPUs that have none.
  ConvLayer(const Layer &layer, const LayerWeights &weights, Size2 input, NumberType input_type,
            NumberType type, const AmxKernels *amx);
  ~ConvLayer();
  ConvLayer(ConvLayer &&) noexcept;
  ConvLayer &operator=(ConvLayer &&) noexcept;

  Size2 output_size() const { return output_; }
  std::int64_t channels() const { return channels_; }  // of the output
  NumberType output_type() const { return output_type_; }

  // The first row of the input that the output's rows from `row` on depend on.
  int first_input_row(int row) const { return w2l::first_input_row(*row_, row); }

  // Computes the rows of `to`, for which x has to be right from first_input_row(to.top) on. On
  // `threads` threads, the caller's among them.
  void run(const Rows &x, const Rows &to, int threads) const;

 private:
  struct Kernel;

  const LayerRow *row_;
  std::int64_t channels_;
  Size2 output_;
  NumberType output_type_;
  std::unique_ptr<const Kernel> kernel_;
};

}  // namespace w2l
