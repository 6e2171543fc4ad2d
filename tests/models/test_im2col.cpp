// gst-wav2lip tests: convolutions of any geometry by im2col against their scalar twin in double,
// for every instruction set that this CPU has.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "conv_problem.h"
#include "im2col_conv.h"

namespace w2l {
namespace {

template <typename In, typename Out>
struct Problem : ConvProblem<In, Out> {
  using ConvProblem<In, Out>::ConvProblem;

  std::vector<float> run(const Im2colKernels &kernels, int threads) {
    const Case &c = this->case_;
    return this->run_conv(
        Im2colConv<In, Out>(c.geometry, c.in, c.out, this->weight(), this->bias(), kernels),
        threads);
  }
};

class Im2col : public testing::TestWithParam<const Im2colKernels *> {};

template <typename In, typename Out>
void expect_direct_convolution(const Im2colKernels &kernels) {
  std::mt19937 random(1);
  double worst = 200;
  for (unsigned i = 0; i < 78; ++i) {
    const Case c = random_case<Out>(random, i);
    Problem<In, Out> problem(c);
    const std::vector<float> expected = problem.run_direct();
    const std::vector<float> actual = problem.run(kernels, 1);
    ASSERT_TRUE(same_pixels(actual, expected)) << c;
    // ReLU may leave nothing of few numbers.
    if (std::all_of(expected.begin(), expected.end(), [](float v) { return !(v > 0 || v < 0); }))
      continue;
    const double quality = decibels(actual, expected);
    ASSERT_GE(quality, kEnough<Out>) << c;
    worst = std::min(worst, quality);
  }
  testing::Test::RecordProperty("worst_decibels", std::to_string(worst));
}

TEST_P(Im2col, EqualsDirectConvolutionForAnyShape) {
  expect_direct_convolution<float, float>(*GetParam());
}

TEST_P(Im2col, EqualsDirectConvolutionForAnyShapeInBf16) {
  expect_direct_convolution<Bf16, Bf16>(*GetParam());
}

TEST_P(Im2col, TakesBf16ToFloat) {
  expect_direct_convolution<Bf16, float>(*GetParam());
}

TEST_P(Im2col, TakesBytesToFloat) {
  expect_direct_convolution<std::uint8_t, float>(*GetParam());
}

TEST_P(Im2col, TakesBytesToBf16) {
  expect_direct_convolution<std::uint8_t, Bf16>(*GetParam());
}

// int16 keeps more than bfloat16 gives back: with sums of float pictures of the same numbers, only
// the last rounding differs.
TEST_P(Im2col, LosesNearlyNothingInInt16) {
  for (const Case &c :
       {Case{{3, 2, 2, 1}, 16, 32, 1, 48, 48, 0, false, Activation::None, 1},
        Case{{3, 2, 2, 1}, 256, 64, 1, 6, 6, 0, false, Activation::None, 2},
        Case{{3, 1, 1, 0}, 512, 64, 2, 3, 3, 0, false, Activation::None, 3},
        Case{{1, 1, 1, 0}, 512, 64, 9, 1, 1, 0, false, Activation::None, 4},
        Case{{3, 1, 1, 0, true}, 512, 64, 3, 1, 1, 0, false, Activation::None, 5}}) {
    Problem<Bf16, Bf16> problem(c);
    Problem<Bf16, float> exact(c);  // the same random numbers
    const std::vector<float> expected = exact.run_direct(), actual = problem.run(*GetParam(), 1);
    ASSERT_EQ(actual.size(), expected.size()) << c;
    double worst = 0, peak = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (std::isnan(expected[i])) continue;
      const double right = static_cast<double>(expected[i]);
      // Half of bfloat16's last bit is the result's own.
      const double error = std::fabs(static_cast<double>(actual[i]) - right);
      worst = std::max(worst, error - std::fabs(right) / 256);
      peak = std::max(peak, std::fabs(right));
    }
    EXPECT_LE(worst, peak * 3e-4) << c;
  }
}

// The same numbers, as bytes and as the reference makes them float.
TEST_P(Im2col, ReadsBytesExactly) {
  const Case c = {{3, 1, 1, 1}, 6, 20, 1, 16, 16, 0, false, Activation::None, 1};
  Problem<std::uint8_t, float> bytes(c, std::uint8_t{1}), again(c, std::uint8_t{200});
  Problem<float, float> floats(c);
  bytes.fill_input([](int row, int column) { return static_cast<float>(row * 16 + column) / 255; });
  again.fill_input([](int row, int column) { return static_cast<float>(row * 16 + column) / 255; });
  floats.fill_input(
      [](int row, int column) { return static_cast<float>((row * 16 + column) / 255.0); });
  const std::vector<float> expected = floats.run(*GetParam(), 1),
                           actual = bytes.run(*GetParam(), 1);
  ASSERT_TRUE(same_pixels(actual, expected));
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_TRUE(std::isnan(expected[i]) || actual[i] == expected[i]) << i;
  // Whatever bytes lie around.
  const std::vector<float> others = again.run(*GetParam(), 1);
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_TRUE(std::isnan(expected[i]) || others[i] == expected[i]) << i;
}

// Weights that are all equal are as large as the bound lets them be, and so is every point: with a
// bound twice as large, this would overflow.
TEST_P(Im2col, SumsDoNotOverflowAtTheBound) {
  for (const float weight : {1.0f, -1.0f})
    for (const float value : {1.0f, -1.0f}) {
      const Case c = {{3, 1, 1, 1}, kExactChannels, 5, 1, 5, 5, 0, false, Activation::None, 1};
      Problem<Bf16, Bf16> problem(c);
      problem.fill_weights(weight);
      problem.fill_input([&](int, int) { return value; });
      EXPECT_GE(decibels(problem.run(*GetParam(), 1), problem.run_direct()), 50)
          << weight << " * " << value;
      Problem<std::uint8_t, Bf16> bytes(c);
      bytes.fill_weights(weight);
      bytes.fill_input([&](int, int) { return value; });
      EXPECT_GE(decibels(bytes.run(*GetParam(), 1), bytes.run_direct()), 50) << weight;
    }
}

TEST_P(Im2col, GivesZerosAndHugeNumbersInBf16) {
  for (const float value : {0.0f, 1e-38f, 1e30f, 3e38f}) {
    Problem<Bf16, Bf16> problem({{3, 2, 2, 1}, 20, 20, 1, 9, 9, 0, false, Activation::None, 1});
    problem.fill_weights(value > 1e30f ? 1e-3f : 0.5f);
    problem.fill_input([&](int, int) { return value; });
    EXPECT_GE(decibels(problem.run(*GetParam(), 1), problem.run_direct()), 50) << value;
  }
}

TEST_P(Im2col, TakesZeroTinyAndHugeWeightsInBf16) {
  for (const float weight : {0.0f, 1e-38f, 1e-20f, 1e30f}) {
    Problem<Bf16, Bf16> problem({{3, 2, 2, 1}, 20, 20, 1, 9, 9, 0, false, Activation::None, 1});
    problem.fill_weights(weight);
    EXPECT_GE(decibels(problem.run(*GetParam(), 1), problem.run_direct()), 45) << weight;
  }
}

// One patch's scale must not depend on others: a bright pixel far away changes nothing.
TEST_P(Im2col, ScalesEachPatchByItself) {
  const Case c = {{3, 1, 1, 1}, 8, 8, 1, 9, 9, 0, false, Activation::None, 1};
  Problem<Bf16, Bf16> problem(c);
  problem.fill_weights(0.25f);
  problem.fill_input([](int row, int column) {
    return row == 0 && column == 0 ? 1e6f : 0.01f * static_cast<float>(row + column);
  });
  std::vector<float> actual = problem.run(*GetParam(), 1), expected = problem.run_direct();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const float right = expected[i];  // 1e3 and more is the bright pixel's neighbours
    if (std::isnan(right) || std::fabs(right) > 1e3f) continue;
    EXPECT_NEAR(actual[i], right, std::fabs(right) / 128 + 1e-3f);
  }
}

template <typename In, typename Out>
void expect_same_bits(const Im2colKernels &kernels) {
  std::mt19937 random(2);
  for (unsigned i = 0; i < 26; ++i) {
    Case c = random_case<Out>(random, i);
    c.images = 5;
    if (!c.geometry.spreads_pixels()) c.height += 30;
    Problem<In, Out> problem(c);
    const std::vector<float> one = problem.run(kernels, 1);
    for (const int threads : {2, 3, 7}) expect_equal_bits(problem.run(kernels, threads), one, c);
  }
}

TEST_P(Im2col, GivesTheSameBitsWithAnyNumberOfThreads) {
  expect_same_bits<float, float>(*GetParam());
  expect_same_bits<Bf16, Bf16>(*GetParam());
  expect_same_bits<std::uint8_t, Bf16>(*GetParam());
}

constexpr int kIn = 6, kOut = 20;

// Of one picture and row each, whatever is computed beside it.
template <typename In, typename Out>
std::vector<float> run_rows(const Im2colKernels &kernels, const ConvGeometry &geometry, int size,
                            int image, int images, int first_row) {
  const Case c = {geometry, kIn, kOut, images, size, size, first_row, false, Activation::None, 1};
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const auto pixels = static_cast<std::size_t>(size * size * c.in);
  std::vector<In> input;
  for (std::size_t i = 0; i < 3 * pixels; ++i) input.push_back(number<In>(normal(random)));
  std::vector<float> weight, bias;
  for (int i = 0; i < geometry.kernel * geometry.kernel * c.in * c.out; ++i)
    weight.push_back(normal(random));
  for (int i = 0; i < c.out; ++i) bias.push_back(normal(random));

  const int width = c.out_width(), rows = c.out_height() - first_row;
  std::vector<Out> output(static_cast<std::size_t>(images * rows * width * c.out));
  GeneralConv<In, Out> conv;
  conv.images = images, conv.height = conv.width = size;
  conv.out_height = c.out_height(), conv.out_width = width, conv.first_row = first_row;
  conv.activation = Activation::None;
  conv.input = {input.data() + static_cast<std::size_t>(image) * pixels, size * size * c.in,
                size * c.in, c.in};
  conv.output = {output.data(), rows * width * c.out, width * c.out, c.out, first_row};
  const Im2colConv<In, Out> im2col(geometry, c.in, c.out, weight.data(), bias.data(), kernels);
  const auto workspace = hwy::AllocateAligned<float>(im2col.workspace_size());
  im2col.run(conv, 0, im2col.blocks(conv), workspace.get());
  std::vector<float> values;
  for (const Out value : output) values.push_back(to_float(value));
  return values;
}

template <typename In, typename Out>
void expect_independent_rows(const Im2colKernels &kernels, const ConvGeometry &geometry, int size) {
  const std::vector<float> all = run_rows<In, Out>(kernels, geometry, size, 0, 3, 0);
  const Case c = {geometry, kIn, kOut, 1, size, size, 0, false, Activation::None, 1};
  const auto picture = static_cast<std::ptrdiff_t>(all.size() / 3);
  for (int image = 0; image < 3; ++image)
    for (int row = 0; row < c.out_height(); row += 3) {
      const std::vector<float> some = run_rows<In, Out>(kernels, geometry, size, image, 1, row);
      const std::vector<float> expected(
          all.begin() + image * picture + row * picture / c.out_height(),
          all.begin() + (image + 1) * picture);
      ASSERT_EQ(some, expected) << c << ", image " << image << ", row " << row;
    }
}

// Rows of output may be short or long, which are multiplied in two ways.
template <typename In, typename Out>
void expect_independent_rows(const Im2colKernels &kernels) {
  for (const ConvGeometry &geometry : geometries())
    for (const int size : {11, 29})
      expect_independent_rows<In, Out>(kernels, geometry, geometry.spreads_pixels() ? 1 : size);
}

TEST_P(Im2col, GivesTheSameBitsForAnyRowsAndBatch) {
  expect_independent_rows<float, float>(*GetParam());
  expect_independent_rows<Bf16, Bf16>(*GetParam());
  expect_independent_rows<std::uint8_t, Bf16>(*GetParam());
}

// Some of these numbers of pictures make blocks as large as they get; run() looks behind the
// workspace.
TEST_P(Im2col, StaysInItsWorkspace) {
  for (int images = 100; images < 160; ++images) {
    const Case c = {{1, 1, 1, 0}, 500, 500, images, 1, 1, 0, false, Activation::None, 1};
    Problem<float, float>(c).run(*GetParam(), 1);
    Problem<Bf16, Bf16>(c).run(*GetParam(), 1);
  }
}

TEST_P(Im2col, GivesSigmoidsBetweenZeroAndOne) {
  const Case c = {{1, 1, 1, 0}, 1, 3, 1, 40, 50, 0, false, Activation::Sigmoid, 1};
  Problem<float, float> problem(c);
  problem.fill_weights(1);
  problem.fill_input([](int row, int column) {
    const float value = static_cast<float>(row * 50 + column - 1000) / 10;
    return row == 39 ? value * 1e30f : row == 0 ? -1e30f : value;
  });
  const std::vector<float> actual = problem.run(*GetParam(), 1), expected = problem.run_direct();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], 3e-7f);
    EXPECT_TRUE(actual[i] >= 0 && actual[i] <= 1) << actual[i];
  }
}

TEST_P(Im2col, HasNothingToDoWithoutPictures) {
  const std::vector<float> weight(9, 1.0f), bias(1, 0.0f);
  for (const ConvGeometry &geometry : {ConvGeometry{3, 1, 1, 1}, ConvGeometry{3, 1, 1, 0, true}}) {
    const Im2colConv<float> im2col(geometry, 1, 1, weight.data(), bias.data(), *GetParam());
    GeneralConv<float> conv;
    EXPECT_EQ(im2col.blocks(conv), 0);
    conv.images = 1, conv.height = conv.width = 9, conv.first_row = 9;
    conv.out_height = conv.out_width = 9;
    EXPECT_EQ(im2col.blocks(conv), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Im2col, testing::ValuesIn(all_kernels(best_im2col_kernels)),
                         [](const auto &info) { return std::string(info.param->target); });

}  // namespace
}  // namespace w2l
