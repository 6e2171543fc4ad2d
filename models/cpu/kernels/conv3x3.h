// gst-wav2lip: what the kernels compute: 3x3 convolutions with stride 1 and a border of one zero
// and transposed ones with stride 2, and the views of memory they read and write.
// CpuNetwork's layers call them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "bf16.h"

namespace w2l {

// Pictures in memory, the channels of a pixel side by side. Steps are in elements, so that a view
// may be a slice of the channels of a wider tensor, or hold only the lower rows of the pictures.
template <typename T>
struct PixelView {
  T *data = nullptr;
  std::ptrdiff_t image_step = 0, row_step = 0, pixel_step = 0;
  int top = 0;  // the row of the picture that `data` points at; the rows above are not in memory

  T *at(int image, int row, int column) const {
    return data + image * image_step + (row - top) * row_step + column * pixel_step;
  }
};

// output = relu(convolution(input) + bias + residual), rows [first_row, scale * height). `T` is
// float or Bf16; sums are float in both.
template <typename T>
struct Conv3x3 {
  int images = 0, height = 0, width = 0;  // of the input
  // 2 for a transposed convolution with stride 2, padding 1 and output padding 1, whose output is
  // twice as high and wide.
  int scale = 1;
  int first_row = 0;  // of the output
  // Read from row first_input_row() on. Must not overlap the output.
  PixelView<const T> input;
  PixelView<const T> residual;  // no data: nothing is added
  PixelView<T> output;
  bool relu = true;

  int first_input_row() const {
    if (scale == 2) return first_row / 2;
    return first_row > 0 ? first_row - 1 : 0;
  }
};

// The scalar twin of all kernels, slow and exact: sums in double. `weight` is in PyTorch's layout:
// (out, in, 3, 3), of a transposed convolution (in, out, 3, 3).
template <typename T>
void direct_conv3x3(const Conv3x3<T> &conv, int in, int out, const float *weight,
                    const float *bias);

}  // namespace w2l
