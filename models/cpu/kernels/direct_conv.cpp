// gst-wav2lip: the scalar twin that kernels are tested against. See general_conv.h and conv3x3.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>

#include "general_conv.h"

namespace w2l {
namespace {

// Which pixel of the input, in one dimension, tap `tap` of the filter lays on pixel `at` of the
// output; -1 for none.
int source(const ConvGeometry &geometry, int at, int tap, int stride, int size) {
  int place = at * stride + tap - geometry.padding;
  if (geometry.transposed) {
    place = at + geometry.padding - tap;
    if (place % stride != 0) return -1;
    place /= stride;
  }
  return place < size ? place : -1;
}

double number(float value) {
  return static_cast<double>(value);
}

double number(Bf16 value) {
  return static_cast<double>(to_float(value));
}

// As the reference reads pictures: divided in double, rounded to float once.
double number(std::uint8_t value) {
  return static_cast<double>(static_cast<float>(value / 255.0));
}

void store(float value, float *to) {
  *to = value;
}

void store(float value, Bf16 *to) {
  *to = to_bf16(value);
}

double activate(Activation activation, double value) {
  switch (activation) {
    case Activation::Relu:
      return std::max(value, 0.0);
    case Activation::Sigmoid:
      return 1 / (1 + std::exp(-value));
    case Activation::None:
      break;
  }
  return value;
}

// `weight` is the filter of the first input channel, the next ones' are weight_step apart.
template <typename In, typename Out>
double sum_of_products(const ConvGeometry &geometry, const GeneralConv<In, Out> &conv, int image,
                       int row, int column, int in, const float *weight,
                       std::ptrdiff_t weight_step) {
  double sum = 0;
  for (int ky = 0; ky < geometry.kernel; ++ky) {
    for (int kx = 0; kx < geometry.kernel; ++kx) {
      const int y = source(geometry, row, ky, geometry.stride_y, conv.height);
      const int x = source(geometry, column, kx, geometry.stride_x, conv.width);
      if (y < 0 || x < 0) continue;
      const In *pixel = conv.input.at(image, y, x);
      for (int c = 0; c < in; ++c)
        sum += number(pixel[c]) * number(weight[c * weight_step + ky * geometry.kernel + kx]);
    }
  }
  return sum;
}

}  // namespace

template <typename In, typename Out>
void direct_conv(const ConvGeometry &geometry, const GeneralConv<In, Out> &conv, int in, int out,
                 const float *weight, const float *bias) {
  const std::ptrdiff_t taps = geometry.kernel * geometry.kernel;
  const std::ptrdiff_t out_step = geometry.transposed ? taps : in * taps;
  const std::ptrdiff_t in_step = geometry.transposed ? out * taps : taps;
  for (int image = 0; image < conv.images; ++image) {
    for (int row = conv.first_row; row < conv.out_height; ++row) {
      for (int column = 0; column < conv.out_width; ++column) {
        for (int k = 0; k < out; ++k) {
          double value = number(bias[k]) + sum_of_products(geometry, conv, image, row, column, in,
                                                           weight + k * out_step, in_step);
          if (conv.residual.data) value += number(conv.residual.at(image, row, column)[k]);
          store(static_cast<float>(activate(conv.activation, value)),
                conv.output.at(image, row, column) + k);
        }
      }
    }
  }
}

template <typename T>
void direct_conv3x3(const Conv3x3<T> &conv, int in, int out, const float *weight,
                    const float *bias) {
  const bool transposed = conv.scale == 2;
  const ConvGeometry geometry = {3, conv.scale, conv.scale, 1, transposed, transposed ? 1 : 0};
  const GeneralConv<T> general = {conv.images,
                                  conv.height,
                                  conv.width,
                                  conv.scale * conv.height,
                                  conv.scale * conv.width,
                                  conv.first_row,
                                  conv.input,
                                  conv.residual,
                                  conv.output,
                                  conv.relu ? Activation::Relu : Activation::None};
  direct_conv(geometry, general, in, out, weight, bias);
}

template void direct_conv3x3(const Conv3x3<float> &, int, int, const float *, const float *);
template void direct_conv3x3(const Conv3x3<Bf16> &, int, int, const float *, const float *);

template void direct_conv(const ConvGeometry &, const GeneralConv<float, float> &, int, int,
                          const float *, const float *);
template void direct_conv(const ConvGeometry &, const GeneralConv<Bf16, Bf16> &, int, int,
                          const float *, const float *);
template void direct_conv(const ConvGeometry &, const GeneralConv<Bf16, float> &, int, int,
                          const float *, const float *);
template void direct_conv(const ConvGeometry &, const GeneralConv<std::uint8_t, float> &, int, int,
                          const float *, const float *);
template void direct_conv(const ConvGeometry &, const GeneralConv<std::uint8_t, Bf16> &, int, int,
                          const float *, const float *);

}  // namespace w2l
