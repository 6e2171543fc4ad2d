// gst-wav2lip tests: layers of any geometry with pictures, weights and what is right of them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <random>
#include <type_traits>
#include <vector>

#include "general_conv.h"
#include "kernel_pictures.h"

namespace w2l {

// A layer and its pictures.
struct Case {
  ConvGeometry geometry;
  int in, out, images, height, width, first_row;
  bool residual;
  Activation activation;
  unsigned seed;

  int out_size(int size, int stride) const {
    const int grow = geometry.kernel - 2 * geometry.padding;
    if (geometry.transposed) return (size - 1) * stride + grow + geometry.output_padding;
    return (size - grow) / stride + 1;
  }
  int out_height() const { return out_size(height, geometry.stride_y); }
  int out_width() const { return out_size(width, geometry.stride_x); }

  // That the output from first_row on depends on.
  int first_input_row() const {
    const int stride = geometry.stride_y, padding = geometry.padding;
    const int row = geometry.transposed ? (first_row + padding - geometry.kernel + stride) / stride
                                        : first_row * stride - padding;
    return std::min(std::max(0, row), height);
  }
};

inline std::ostream &operator<<(std::ostream &out, const Case &c) {
  const ConvGeometry &g = c.geometry;
  return out << (g.transposed ? "transposed " : "") << g.kernel << "x" << g.kernel << ", stride "
             << g.stride_y << " x " << g.stride_x << ", padding " << g.padding << ", " << c.in
             << "->" << c.out << ", " << c.images << " x " << c.height << " x " << c.width
             << " from row " << c.first_row << (c.residual ? ", residual" : "") << ", activation "
             << static_cast<int>(c.activation) << ", seed " << c.seed;
}

template <typename In, typename Out>
class ConvProblem {
 public:
  // `around` lies around the input.
  explicit ConvProblem(const Case &c, In around = number<In>(kAround))
      : case_(c),
        random_(c.seed),
        // Only the rows that may be read are in memory, so that a sanitizer sees any other.
        input_(random_, c.images, c.height, c.width, c.in, c.first_input_row(), around),
        residual_(random_, c.images, c.out_height(), c.out_width(), c.out, c.first_row),
        empty_(
            c.activation == Activation::Sigmoid
                ? Pictures<Out>::packed(c.images, c.out_height(), c.out_width(), c.out, c.first_row)
                : Pictures<Out>(random_, c.images, c.out_height(), c.out_width(), c.out,
                                c.first_row)) {
    std::normal_distribution<float> normal;
    const auto any = [&](int, int) { return normal(random_); };
    input_.fill(any);
    residual_.fill(any);
    conv_.images = c.images, conv_.height = c.height, conv_.width = c.width;
    conv_.out_height = c.out_height(), conv_.out_width = c.out_width();
    conv_.first_row = c.first_row;
    conv_.activation = c.activation;
    conv_.input = input_.constant();
    if (c.residual) conv_.residual = residual_.constant();
    const int taps = c.geometry.kernel * c.geometry.kernel;
    weight_.resize(static_cast<std::size_t>(c.in * c.out * taps));
    for (float &value : weight_)
      value = normal(random_) / std::sqrt(static_cast<float>(taps * c.in));
    bias_.resize(static_cast<std::size_t>(c.out));
    for (float &value : bias_) value = normal(random_);
  }

  // `value` gets row and column.
  template <typename Value>
  void fill_input(const Value &value) {
    input_.fill(value);
  }
  void fill_weights(float value) { std::fill(weight_.begin(), weight_.end(), value); }

  const float *weight() const { return weight_.data(); }
  const float *bias() const { return bias_.data(); }

  // `conv` is made of this weight and bias.
  template <typename Conv>
  std::vector<float> run_conv(const Conv &conv, int threads) {
    Pictures<Out> output = empty_;
    conv_.output = output.view();
    const testing::ScopedTrace trace(__FILE__, __LINE__, case_);
    run_on_threads(conv, conv_, threads);
    return output.values();
  }

  std::vector<float> run_direct() {
    Pictures<Out> output = empty_;
    conv_.output = output.view();
    direct_conv(case_.geometry, conv_, case_.in, case_.out, weight_.data(), bias_.data());
    return output.values();
  }

 protected:
  Case case_;

 private:
  std::mt19937 random_;
  GeneralConv<In, Out> conv_;
  Pictures<In> input_;
  Pictures<Out> residual_, empty_;
  std::vector<float> weight_, bias_;
};

// kernel, strides, padding, transposed, output padding
inline const std::vector<ConvGeometry> &geometries() {
  static const std::vector<ConvGeometry> kList = {
      {3, 2, 2, 1},          {3, 3, 1, 1},         {3, 3, 3, 1},          {3, 3, 2, 1},
      {3, 1, 1, 0},          {3, 1, 1, 1},         {7, 1, 1, 3},          {1, 1, 1, 0},
      {5, 1, 2, 1},          {1, 2, 3, 0},         {3, 1, 1, 0, true, 0}, {3, 2, 2, 1, true, 1},
      {5, 3, 2, 2, true, 1}, {5, 2, 2, 2, true, 1}};
  return kList;
}

template <typename Out>
constexpr Activation kRandomActivations[] = {
    Activation::None, Activation::Relu,
    std::is_same_v<Out, float> ? Activation::Sigmoid : Activation::Relu};

template <typename Out>
Case random_case(std::mt19937 &random, unsigned seed) {
  const auto any = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  Case c;
  c.geometry = geometries()[static_cast<std::size_t>(seed) % geometries().size()];
  constexpr int kChannels[] = {1, 2, 3, 6, 7, 8, 16, 17, 32, 33, 64, 130};
  c.in = kChannels[any(0, 11)], c.out = kChannels[any(0, 11)];
  c.images = any(1, 3);
  const int least = std::max(1, c.geometry.kernel - 2 * c.geometry.padding);
  c.height = any(least, least + 17), c.width = any(least, least + 35);
  if (c.geometry.spreads_pixels()) c.images = any(1, 30), c.height = c.width = 1;
  c.first_row = any(0, 1) ? any(0, c.out_height() - 1) : 0;
  c.residual = any(0, 1) != 0;
  c.activation = kRandomActivations<Out>[any(0, 2)];
  c.seed = seed;
  return c;
}

// Decibels that have to be reached. bfloat16's own rounding of the results leaves less than 60.
template <typename T>
constexpr double kEnough = std::is_same_v<T, float> ? 110 : 50;

inline void expect_equal_bits(const std::vector<float> &actual, const std::vector<float> &expected,
                              const Case &c) {
  ASSERT_TRUE(same_pixels(actual, expected)) << c;
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_TRUE(std::isnan(expected[i]) || actual[i] == expected[i]) << c;
}

}  // namespace w2l
