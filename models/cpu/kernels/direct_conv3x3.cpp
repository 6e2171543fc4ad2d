// gst-wav2lip: the scalar twin that kernels are tested against. See conv3x3.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "conv3x3.h"

namespace w2l {
namespace {

template <typename T>
double sum_of_products(const Conv3x3<T> &conv, int image, int row, int column, int in,
                       const float *weight) {
  double sum = 0;
  for (int ky = 0; ky < 3; ++ky) {
    for (int kx = 0; kx < 3; ++kx) {
      const int y = row + ky - 1, x = column + kx - 1;
      if (y < 0 || y >= conv.height || x < 0 || x >= conv.width) continue;
      const T *pixel = conv.input.at(image, y, x);
      for (int c = 0; c < in; ++c)
        sum += static_cast<double>(to_float(pixel[c])) * weight[c * 9 + ky * 3 + kx];
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
  for (int image = 0; image < conv.images; ++image) {
    for (int row = conv.first_row; row < conv.height; ++row) {
      for (int column = 0; column < conv.width; ++column) {
        for (int k = 0; k < out; ++k) {
          const float *filter = weight + static_cast<std::ptrdiff_t>(k) * in * 9;
          double value = bias[k] + sum_of_products(conv, image, row, column, in, filter);
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
