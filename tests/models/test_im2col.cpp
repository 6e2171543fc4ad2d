// gst-wav2lip tests: convolutions of any geometry by im2col against their scalar twin in double, for
// every instruction set that this CPU has.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "im2col_conv.h"
#include "kernel_pictures.h"

namespace w2l {
namespace {

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

std::ostream &operator<<(std::ostream &out, const Case &c) {
  const ConvGeometry &g = c.geometry;
  return out << (g.transposed ? "transposed " : "") << g.kernel << "x" << g.kernel << ", stride "
             << g.stride_y << " x " << g.stride_x << ", padding " << g.padding << ", " << c.in
             << "->" << c.out << ", " << c.images << " x " << c.height << " x " << c.width
             << " from row " << c.first_row << (c.residual ? ", residual" : "") << ", activation "
             << static_cast<int>(c.activation) << ", seed " << c.seed;
}

template <typename In, typename Out>
class Problem {
 public:
  // `around` lies around the input.
  explicit Problem(const Case &c, In around = number<In>(kAround))
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

  std::vector<float> run(const Im2colKernels &kernels, int threads) {
    const Im2colConv<In, Out> im2col(case_.geometry, case_.in, case_.out, weight_.data(),
                                     bias_.data(), kernels);
    Pictures<Out> output = empty_;
    conv_.output = output.view();
    const int blocks = im2col.blocks(conv_);
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i)
      running.emplace_back([&, i] {
        // Behind it a sentinel: 16 floats are a vector and a line of the cache.
        const std::size_t size = im2col.workspace_size();
        const auto workspace = hwy::AllocateAligned<float>(size + 16);
        std::fill_n(workspace.get(), size, kAround);
        std::fill_n(workspace.get() + size, 16, 123.0f);
        im2col.run(conv_, blocks * i / threads, blocks * (i + 1) / threads, workspace.get());
        for (std::size_t k = 0; k < 16; ++k) EXPECT_EQ(workspace.get()[size + k], 123.0f) << case_;
      });
    for (std::thread &thread : running) thread.join();
    return output.values();
  }

  std::vector<float> run_direct() {
    Pictures<Out> output = empty_;
    conv_.output = output.view();
    direct_conv(case_.geometry, conv_, case_.in, case_.out, weight_.data(), bias_.data());
    return output.values();
  }

 private:
  Case case_;
  std::mt19937 random_;
  GeneralConv<In, Out> conv_;
  Pictures<In> input_;
  Pictures<Out> residual_, empty_;
  std::vector<float> weight_, bias_;
};

// kernel, strides, padding, transposed, output padding
const std::vector<ConvGeometry> &geometries() {
  static const std::vector<ConvGeometry> kList = {
      {3, 2, 2, 1},         {3, 3, 1, 1}, {3, 3, 3, 1},          {3, 3, 2, 1},
      {3, 1, 1, 0},         {3, 1, 1, 1}, {7, 1, 1, 3},          {1, 1, 1, 0},
      {5, 1, 2, 1},         {1, 2, 3, 0}, {3, 1, 1, 0, true, 0}, {3, 2, 2, 1, true, 1},
      {5, 3, 2, 2, true, 1}};
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

class Im2col : public testing::TestWithParam<const Im2colKernels *> {};

// Decibels that have to be reached. bfloat16's own rounding of the results leaves less than 60.
template <typename T>
constexpr double kEnough = std::is_same_v<T, float> ? 110 : 50;

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

void expect_equal_bits(const std::vector<float> &actual, const std::vector<float> &expected,
                       const Case &c) {
  ASSERT_TRUE(same_pixels(actual, expected)) << c;
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_TRUE(std::isnan(expected[i]) || actual[i] == expected[i]) << c;
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
