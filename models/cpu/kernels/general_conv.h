// gst-wav2lip: convolutions of any geometry: what a layer does to positions, and the pictures it
// does it to. Im2colConv and AmxConv compute them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "conv3x3.h"

namespace w2l {

// What a convolution does to positions, as PyTorch's arguments of the same names.
struct ConvGeometry {
  int kernel = 1;  // edge of the square filter
  int stride_y = 1, stride_x = 1;
  int padding = 0;
  bool transposed = false;
  int output_padding = 0;  // of a transposed one

  // A transposed one that fills each output pixel by one tap if pictures are of one pixel.
  bool spreads_pixels() const {
    return transposed && kernel > 1 && stride_y == 1 && stride_x == 1 && padding == 0 &&
           output_padding == 0;
  }
};

// Sigmoid is for results whose pixels are packed, with nothing between them.
enum class Activation { None, Relu, Sigmoid };

// output = activation(convolution(input) + bias + residual), rows [first_row, out_height). Pixels
// are float or Bf16, those of the input perhaps bytes, which stand for 0 to 1.
template <typename In, typename Out = In>
struct GeneralConv {
  int images = 0, height = 0, width = 0;  // of the input
  int out_height = 0, out_width = 0;
  int first_row = 0;  // of the output
  // Only rows that the output depends on are read. Must not overlap the output.
  PixelView<const In> input;
  PixelView<const Out> residual;  // no data: nothing is added
  PixelView<Out> output;
  Activation activation = Activation::Relu;
};

// The scalar twin of all kernels, slow and exact: sums in double. `weight` is in PyTorch's layout:
// (out, in, kernel, kernel), of a transposed convolution (in, out, kernel, kernel).
template <typename In, typename Out>
void direct_conv(const ConvGeometry &geometry, const GeneralConv<In, Out> &conv, int in, int out,
                 const float *weight, const float *bias);

}  // namespace w2l
