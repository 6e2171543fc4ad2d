// gst-wav2lip tests: Winograd convolutions against their scalar twin, the direct convolution in
// double, for every instruction set that this CPU has.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "kernel_pictures.h"
#include "winograd_conv.h"

namespace w2l {
namespace {

// A layer and its pictures.
struct Case {
  WinogradForm form;
  int in, out, images, height, width, first_row;
  bool residual, relu;
  unsigned seed;
};

constexpr WinogradForm kForms[] = {WinogradForm::F2, WinogradForm::F3, WinogradForm::F4,
                                   WinogradForm::TransposedF3, WinogradForm::TransposedF4};

const char *name(WinogradForm form) {
  const char *const names[] = {"F2", "F3", "F4", "TransposedF3", "TransposedF4"};
  return names[static_cast<int>(form)];
}

std::ostream &operator<<(std::ostream &out, const Case &c) {
  return out << name(c.form) << " " << c.in << "->" << c.out << ", " << c.images << " x "
             << c.height << " x " << c.width << " from row " << c.first_row
             << (c.residual ? ", residual" : "") << (c.relu ? ", relu" : "") << ", seed " << c.seed;
}

template <typename T>
Conv3x3<T> shape(const Case &c) {
  Conv3x3<T> conv;
  conv.images = c.images, conv.height = c.height, conv.width = c.width;
  conv.first_row = c.first_row;
  conv.scale = shape_of(c.form).scale();
  conv.relu = c.relu;
  return conv;
}

template <typename T>
class Problem {
 public:
  explicit Problem(const Case &c)
      : case_(c),
        random_(c.seed),
        conv_(shape<T>(c)),
        // Only the rows that may be read are in memory, so that a sanitizer sees any other.
        input_(random_, c.images, c.height, c.width, c.in, conv_.first_input_row()),
        residual_(random_, c.images, conv_.scale * c.height, conv_.scale * c.width, c.out,
                  c.first_row),
        empty_(random_, c.images, conv_.scale * c.height, conv_.scale * c.width, c.out,
               c.first_row) {
    std::normal_distribution<float> normal;
    const auto any = [&](int, int) { return normal(random_); };
    input_.fill(any);
    residual_.fill(any);
    conv_.input = input_.constant();
    if (c.residual) conv_.residual = residual_.constant();
    weight_.resize(static_cast<std::size_t>(c.in * c.out) * 9);
    for (float &value : weight_) value = normal(random_) / std::sqrt(9 * static_cast<float>(c.in));
    bias_.resize(static_cast<std::size_t>(c.out));
    for (float &value : bias_) value = normal(random_);
  }

  // `value` gets row and column.
  template <typename Value>
  void fill_input(const Value &value) {
    input_.fill(value);
  }
  void fill_weights(float value) { std::fill(weight_.begin(), weight_.end(), value); }

  std::vector<float> run(const WinogradKernels &kernels, int threads) {
    const WinogradConv<T> winograd(case_.form, case_.in, case_.out, weight_.data(), bias_.data(),
                                   kernels);
    Pictures<T> output = empty_;
    conv_.output = output.view();
    run_on_threads(winograd, conv_, threads);
    return output.values();
  }

  std::vector<float> run_direct() {
    Pictures<T> output = empty_;
    conv_.output = output.view();
    direct_conv3x3(conv_, case_.in, case_.out, weight_.data(), bias_.data());
    return output.values();
  }

 private:
  Case case_;
  std::mt19937 random_;
  Conv3x3<T> conv_;
  Pictures<T> input_, residual_, empty_;
  std::vector<float> weight_, bias_;
};

Case random_case(std::mt19937 &random, unsigned seed) {
  const auto any = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  Case c;
  c.form = kForms[any(0, 4)];
  c.in = any(1, 70), c.out = any(1, 70);
  c.images = any(1, 3);
  c.height = any(1, 23), c.width = any(1, 23);
  c.first_row = any(0, 1) ? any(0, shape_of(c.form).scale() * c.height - 1) : 0;
  c.residual = any(0, 1) != 0, c.relu = any(0, 1) != 0;
  c.seed = seed;
  return c;
}

class Winograd : public testing::TestWithParam<const WinogradKernels *> {};

// Decibels that have to be reached. bfloat16's own rounding of the results leaves less than 60.
template <typename T>
constexpr double kEnough = std::is_same_v<T, float> ? 110 : 50;

template <typename T>
void expect_direct_convolution(const WinogradKernels &kernels, bool positive) {
  std::mt19937 random(1);
  double worst = 200;
  for (unsigned i = 0; i < 120; ++i) {
    Case c = random_case(random, i);
    if (positive) c.relu = false;  // with few channels all results might be zero
    Problem<T> problem(c);
    std::normal_distribution<float> normal;
    if (positive) problem.fill_input([&](int, int) { return std::fabs(normal(random)); });
    const std::vector<float> expected = problem.run_direct();
    const std::vector<float> actual = problem.run(kernels, 1);
    ASSERT_TRUE(same_pixels(actual, expected)) << c;
    const double quality = decibels(actual, expected);
    ASSERT_GE(quality, kEnough<T>) << c;
    worst = std::min(worst, quality);
  }
  testing::Test::RecordProperty("worst_decibels", std::to_string(worst));
}

TEST_P(Winograd, EqualsDirectConvolutionForAnyShape) {
  expect_direct_convolution<float>(*GetParam(), false);
}

TEST_P(Winograd, EqualsDirectConvolutionForAnyShapeInBf16) {
  expect_direct_convolution<Bf16>(*GetParam(), true);
}

TEST_P(Winograd, TakesNegativeInputsInBf16) {
  expect_direct_convolution<Bf16>(*GetParam(), false);
}

template <typename T>
void expect_accuracy(const WinogradKernels &kernels, const Case &c) {
  Problem<T> problem(c);
  EXPECT_GE(decibels(problem.run(kernels, 1), problem.run_direct()), kEnough<T>) << c;
}

TEST_P(Winograd, KeepsItsAccuracyWithTheChannelsOfTheNetwork) {
  for (const Case &c : {Case{WinogradForm::F4, 64, 64, 1, 30, 29, 0, true, true, 1},
                        Case{WinogradForm::F4, 80, 32, 1, 26, 24, 0, false, true, 2},
                        Case{WinogradForm::F4, 384, 40, 1, 12, 12, 3, true, true, 3},
                        Case{WinogradForm::F3, 512, 40, 1, 6, 6, 0, true, true, 4},
                        Case{WinogradForm::TransposedF3, 768, 40, 1, 6, 6, 3, false, true, 5},
                        Case{WinogradForm::TransposedF4, 160, 40, 1, 24, 24, 0, false, true, 6}}) {
    expect_accuracy<float>(*GetParam(), c);
    expect_accuracy<Bf16>(*GetParam(), c);
  }
}

// Factors of the inputs' transform, [points][pixels].
using Factors = std::vector<std::vector<int>>;

Factors sums(WinogradForm form) {
  switch (form) {
    case WinogradForm::F2:
    case WinogradForm::TransposedF3:
      return {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
    case WinogradForm::F3:
    case WinogradForm::TransposedF4:
      return {{2, -1, -2, 1, 0},
              {0, -2, -1, 1, 0},
              {0, 2, -3, 1, 0},
              {0, -1, 0, 1, 0},
              {0, 2, -1, -2, 1}};
    case WinogradForm::F4:
      break;
  }
  return {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
          {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
}

// The transposed forms have the pixels themselves before the sums.
Factors factors(WinogradForm form) {
  const WinogradShape shape = shape_of(form);
  Factors all;
  if (shape.scale() == 2)
    for (int i = 0; i < shape.repeats; ++i) {
      all.emplace_back(static_cast<std::size_t>(shape.input), 0);
      all.back()[static_cast<std::size_t>(i)] = 1;
    }
  const Factors rest = sums(form);
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

// Weights that are all equal are as large as the bound lets them be, and the tile in the middle
// makes one point as large as it can be: with a bound twice as large, this would overflow.
void expect_no_overflow(const WinogradKernels &kernels, WinogradForm form, int point, int sign) {
  const Factors b = factors(form);
  const WinogradShape shape = shape_of(form);
  const int edge = static_cast<int>(b.size()), y = point / edge, x = point % edge;
  const Case c{form, kExactChannels, 5, 1, 3 * shape.step, 3 * shape.step, 0, false, false, 1};
  Problem<Bf16> problem(c);
  problem.fill_weights(1);
  problem.fill_input([&](int row, int column) {
    row -= shape.step - shape.border, column -= shape.step - shape.border;
    if (row < 0 || row >= shape.input || column < 0 || column >= shape.input) return 0.0f;
    const int factor = b[y][row] * b[x][column];
    if (sign == 0) return factor > 0 ? 1.0f : factor < 0 ? -1.0f : 0.0f;
    return factor * sign > 0 ? 1.0f : 0.0f;
  });
  EXPECT_GE(decibels(problem.run(kernels, 1), problem.run_direct()), 50)
      << name(form) << ", point " << point << ", sign " << sign;
}

TEST_P(Winograd, SumsDoNotOverflowAtTheBound) {
  for (const WinogradForm form : kForms) {
    const int points = static_cast<int>(factors(form).size());
    for (int point = 0; point < points * points; ++point)
      for (const int sign : {-1, 0, 1}) expect_no_overflow(*GetParam(), form, point, sign);
  }
}

TEST_P(Winograd, GivesZerosAndHugeNumbersInBf16) {
  for (const float value : {0.0f, 1e-38f, 1e30f}) {
    Problem<Bf16> problem({WinogradForm::F4, 20, 20, 1, 9, 9, 0, false, false, 1});
    problem.fill_input([&](int, int) { return value; });
    EXPECT_GE(decibels(problem.run(*GetParam(), 1), problem.run_direct()), 50) << value;
  }
}

template <typename T>
void expect_same_bits(const WinogradKernels &kernels) {
  std::mt19937 random(2);
  for (unsigned i = 0; i < 10; ++i) {
    Case c = random_case(random, i);
    c.images = 5, c.height += 40;
    Problem<T> problem(c);
    const std::vector<float> one = problem.run(kernels, 1);
    for (const int threads : {2, 3, 7}) {
      const std::vector<float> several = problem.run(kernels, threads);
      ASSERT_TRUE(same_pixels(several, one)) << c;
      for (std::size_t k = 0; k < one.size(); ++k)
        ASSERT_TRUE(std::isnan(one[k]) || several[k] == one[k]) << c << ", " << threads;
    }
  }
}

TEST_P(Winograd, GivesTheSameBitsWithAnyNumberOfThreads) {
  expect_same_bits<float>(*GetParam());
  expect_same_bits<Bf16>(*GetParam());
}

TEST_P(Winograd, HasNothingToDoWithoutPictures) {
  const std::vector<float> weight(9, 1.0f), bias(1, 0.0f);
  const WinogradConv<float> winograd(WinogradForm::F4, 1, 1, weight.data(), bias.data(),
                                     *GetParam());
  Conv3x3<float> conv;
  EXPECT_EQ(winograd.blocks(conv), 0);
  conv.images = 1, conv.height = conv.width = 9, conv.first_row = 9;
  EXPECT_EQ(winograd.blocks(conv), 0);
}

INSTANTIATE_TEST_SUITE_P(Targets, Winograd, testing::ValuesIn(all_kernels(best_winograd_kernels)),
                         [](const auto &info) { return std::string(info.param->target); });

}  // namespace
}  // namespace w2l
