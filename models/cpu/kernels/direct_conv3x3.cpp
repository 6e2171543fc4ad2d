// gst-wav2lip: the scalar twin that kernels are tested against. See conv3x3.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "conv3x3.h"

namespace w2l {
namespace {

// Which pixel of the input, in one dimension, tap `tap` of the filter lays on pixel `at` of the
// output; -1 for none.
int source(int at, int tap, int size, int scale) {
  int place = at + tap - 1;
  if (scale == 2) {
    place = at + 1 - tap;
    if (place % 2 != 0) return -1;
    place /= 2;
  }
  return place < size ? place : -1;
}

// `weight` is the filter of the first input channel, the next ones' are weight_step apart.
template <typename T>
double sum_of_products(const Conv3x3<T> &conv, int image, int row, int column, int in,
                       const float *weight, std::ptrdiff_t weight_step) {
  double sum = 0;
  for (int ky = 0; ky < 3; ++ky) {
    for (int kx = 0; kx < 3; ++kx) {
      const int y = source(row, ky, conv.height, conv.scale);
      const int x = source(column, kx, conv.width, conv.scale);
      if (y < 0 || x < 0) continue;
      const T *pixel = conv.input.at(image, y, x);
      for (int c = 0; c < in; ++c)
        sum += static_cast<double>(to_float(pixel[c])) * weight[c * weight_step + ky * 3 + kx];
    }
  }
  return sum;
}

void store(float value, float *to) {
  *to = value;
}

void store(float value, Bf16 *to) {
  *to = to_bf16(value);
}

}  // namespace

template <typename T>
void direct_conv3x3(const Conv3x3<T> &conv, int in, int out, const float *weight,
                    const float *bias) {
  const bool transposed = conv.scale == 2;
  for (int image = 0; image < conv.images; ++image) {
    for (int row = conv.first_row; row < conv.scale * conv.height; ++row) {
      for (int column = 0; column < conv.scale * conv.width; ++column) {
        for (int k = 0; k < out; ++k) {
          double value = bias[k] + sum_of_products(conv, image, row, column, in,
                                                   weight + k * (transposed ? 9 : in * 9),
                                                   transposed ? out * 9 : 9);
          if (conv.residual.data) value += to_float(conv.residual.at(image, row, column)[k]);
          if (conv.relu) value = std::max(value, 0.0);
          store(static_cast<float>(value), conv.output.at(image, row, column) + k);
        }
      }
    }
  }
}

template void direct_conv3x3(const Conv3x3<float> &, int, int, const float *, const float *);
template void direct_conv3x3(const Conv3x3<Bf16> &, int, int, const float *, const float *);

}  // namespace w2l
