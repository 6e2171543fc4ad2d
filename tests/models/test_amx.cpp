// gst-wav2lip tests: convolutions by AMX against their scalar twin in double: by emulated tiles on
// any CPU, and by the CPU's where it has some.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "amx_conv.h"
#include "conv_problem.h"
#include "emulated_amx.h"

namespace w2l {
namespace {

template <typename In = Bf16>
struct Problem : ConvProblem<In, Bf16> {
  using ConvProblem<In, Bf16>::ConvProblem;

  AmxConv<In> conv(const AmxKernels &kernels) const {
    const Case &c = this->case_;
    return {c.geometry,     c.in,         c.out,  {c.height, c.width, c.out_width()},
            this->weight(), this->bias(), kernels};
  }
  std::vector<float> run(const AmxKernels &kernels, int threads) {
    return this->run_conv(conv(kernels), threads);
  }
};

class Amx : public testing::TestWithParam<const AmxKernels *> {};

Case any_case(std::mt19937 &random, unsigned seed) {
  Case c = random_case<Bf16>(random, seed);
  while (!AmxConv<Bf16>::can(c.geometry)) c = random_case<Bf16>(random, ++seed);
  return c;
}

template <typename In>
void expect_direct_convolution(const AmxKernels &kernels, const Case &c) {
  Problem<In> problem(c);
  const std::vector<float> expected = problem.run_direct(), actual = problem.run(kernels, 1);
  ASSERT_TRUE(same_pixels(actual, expected)) << c;
  // ReLU may leave nothing of few numbers.
  if (std::all_of(expected.begin(), expected.end(), [](float v) { return !(v > 0 || v < 0); }))
    return;
  ASSERT_GE(decibels(actual, expected), kEnough<Bf16>) << c;
}

TEST_P(Amx, EqualsDirectConvolutionForAnyShape) {
  std::mt19937 random(1);
  for (unsigned i = 0; i < 104; ++i)
    ASSERT_NO_FATAL_FAILURE(expect_direct_convolution<Bf16>(*GetParam(), any_case(random, i)));
}

TEST_P(Amx, TakesBytes) {
  std::mt19937 random(4);
  for (unsigned i = 0; i < 52; ++i)
    ASSERT_NO_FATAL_FAILURE(
        expect_direct_convolution<std::uint8_t>(*GetParam(), any_case(random, i)));
  const Case first = {{7, 1, 1, 3}, 6, 16, 2, 96, 96, 0, false, Activation::Relu, 1};
  ASSERT_NO_FATAL_FAILURE(expect_direct_convolution<std::uint8_t>(*GetParam(), first));
}

// Of the network's shapes, and so large that a picture is several blocks, or so small that several
// pictures are one.
TEST_P(Amx, EqualsDirectConvolutionForLayersOfTheNetwork) {
  for (const Case &c :
       {Case{{3, 1, 1, 1}, 512, 32, 4, 3, 3, 0, true, Activation::Relu, 1},
        Case{{3, 1, 1, 1}, 512, 48, 3, 6, 6, 2, true, Activation::Relu, 2},
        Case{{3, 2, 2, 1, true, 1}, 1024, 16, 4, 3, 3, 1, false, Activation::Relu, 3},
        Case{{3, 2, 2, 1, true, 1}, 768, 16, 1, 12, 12, 11, false, Activation::Relu, 4},
        Case{{3, 2, 2, 1}, 256, 32, 2, 6, 6, 0, false, Activation::Relu, 5},
        Case{{3, 1, 1, 1}, 64, 16, 1, 96, 96, 3, true, Activation::Relu, 6},
        Case{{3, 1, 1, 1}, 160, 32, 2, 96, 96, 32, false, Activation::Relu, 7},
        Case{{3, 3, 1, 1}, 32, 64, 3, 80, 16, 0, false, Activation::Relu, 8},
        Case{{3, 3, 2, 1}, 128, 32, 3, 9, 6, 0, false, Activation::Relu, 9},
        // Two blocks of as many rows as fit, then rows for a little more than that.
        Case{{3, 1, 1, 1}, 1024, 32, 1, 62, 14, 0, false, Activation::Relu, 10},
        Case{{3, 1, 1, 1}, 1024, 32, 1, 66, 14, 0, false, Activation::Relu, 11}})
    ASSERT_NO_FATAL_FAILURE(expect_direct_convolution<Bf16>(*GetParam(), c));
}

// Where the first row lies between those of a position, others of which see rows that are not
// there.
TEST_P(Amx, ReadsNoRowsOfUnwantedPhases) {
  for (int first_row = 1; first_row < 12; ++first_row)
    for (const int in : {24, 70})
      for (const ConvGeometry &geometry :
           {ConvGeometry{5, 2, 2, 2, true, 1}, ConvGeometry{3, 4, 3, 2, true, 1}})
        ASSERT_NO_FATAL_FAILURE(expect_direct_convolution<Bf16>(
            *GetParam(), {geometry, in, 11, 16, 6, 4, first_row, false, Activation::None, 1}));
}

TEST_P(Amx, GivesTheSameBitsWithAnyNumberOfThreads) {
  std::mt19937 random(2);
  for (unsigned i = 0; i < 26; ++i) {
    Case c = any_case(random, i);
    c.images = 5, c.height += 30;
    if (i == 0) c.in = 256, c.width = 64;  // several blocks of rows
    Problem<> problem(c);
    const std::vector<float> one = problem.run(*GetParam(), 1);
    for (const int threads : {2, 3, 7})
      expect_equal_bits(problem.run(*GetParam(), threads), one, c);
  }
}

// What one picture's rows are, computed with those above or without, beside other pictures or
// alone.
TEST_P(Amx, GivesTheSameBitsForAnyRowsAndBatch) {
  std::mt19937 random(3);
  for (unsigned i = 0; i < 26; ++i) {
    Case c = any_case(random, i);
    c.images = 3, c.first_row = 0;
    const int width = c.out_width(), height = c.out_height();
    std::normal_distribution<float> normal;
    std::vector<Bf16> input(static_cast<std::size_t>(c.images * c.height * c.width * c.in));
    for (Bf16 &value : input) value = to_bf16(normal(random));
    const Problem<> problem(c);
    const AmxConv<Bf16> amx = problem.conv(*GetParam());
    const auto workspace = hwy::AllocateAligned<float>(amx.workspace_size());
    const auto run = [&](int image, int images, int first_row) {
      const int rows = height - first_row;
      std::vector<Bf16> output(static_cast<std::size_t>(images * rows * width * c.out));
      GeneralConv<Bf16> conv;
      conv.images = images, conv.height = c.height, conv.width = c.width;
      conv.out_height = height, conv.out_width = width, conv.first_row = first_row;
      conv.activation = Activation::None;
      conv.input = {input.data() + image * c.height * c.width * c.in, c.height * c.width * c.in,
                    c.width * c.in, c.in};
      conv.output = {output.data(), rows * width * c.out, width * c.out, c.out, first_row};
      amx.run(conv, 0, amx.blocks(conv), workspace.get());
      return output;
    };
    const std::vector<Bf16> all = run(0, c.images, 0);
    const auto picture = static_cast<std::ptrdiff_t>(all.size()) / c.images;
    for (int image = 0; image < c.images; ++image)
      for (int row = 0; row < height; row += 3) {
        const auto first = all.begin() + image * picture;
        ASSERT_EQ(run(image, 1, row),
                  std::vector<Bf16>(first + row * picture / height, first + picture))
            << c << ", image " << image << ", row " << row;
      }
  }
}

TEST_P(Amx, GivesZerosAndHugeNumbers) {
  for (const float value : {0.0f, 1e30f, 3e38f}) {
    Problem<> problem({{3, 2, 2, 1}, 20, 20, 1, 9, 9, 0, false, Activation::None, 1});
    problem.fill_weights(value > 1e30f ? 1e-3f : 0.5f);
    problem.fill_input([&](int, int) { return value; });
    EXPECT_GE(decibels(problem.run(*GetParam(), 1), problem.run_direct()), 45) << value;
  }
}

// Of one 96x96 picture of the output block's first layer.
int blocks_from(const AmxKernels &kernels, int first_row) {
  const Case c = {{3, 1, 1, 1}, 80, 32, 1, 96, 96, first_row, false, Activation::Relu, 1};
  GeneralConv<Bf16> conv;
  conv.images = 1, conv.height = conv.width = conv.out_height = conv.out_width = 96;
  conv.first_row = first_row;
  return Problem<>(c).conv(kernels).blocks(conv);
}

TEST_P(Amx, HasNoBlocksWithoutRows) {
  EXPECT_EQ(blocks_from(*GetParam(), 96), 0);
}

TEST_P(Amx, GivesThreadsWorkOfASinglePicture) {
  EXPECT_GE(blocks_from(*GetParam(), 48), 8);
}

TEST_P(Amx, TakesWeightsBeyondBfloat16) {
  Problem<> problem({{3, 1, 1, 1}, 20, 20, 1, 5, 5, 0, false, Activation::None, 1});
  problem.fill_weights(std::numeric_limits<float>::max());
  problem.fill_input([](int, int) { return 1e-6f; });
  EXPECT_GE(decibels(problem.run(*GetParam(), 1), problem.run_direct()), 45);
}

TEST(AmxConv, IsNotForPicturesOfOnePixel) {
  EXPECT_FALSE(AmxConv<Bf16>::can({3, 1, 1, 0, true, 0}));
  EXPECT_TRUE(AmxConv<Bf16>::can({3, 2, 2, 1, true, 1}));
}

std::vector<const AmxKernels *> kernels() {
  std::vector<const AmxKernels *> list = {&emulated_amx_kernels()};
  if (best_amx_kernels()) list.push_back(best_amx_kernels());
  return list;
}

INSTANTIATE_TEST_SUITE_P(, Amx, testing::ValuesIn(kernels()), [](const auto &info) {
  return info.param == &emulated_amx_kernels() ? "Emulated" : "Cpu";
});

}  // namespace
}  // namespace w2l
