// gst-wav2lip tests: the CPU twins of the CUDA engine's kernels against definitions in double and
// tables of what must come out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_twins.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "checkpoint/convert.h"
#include "conv_scene.h"

namespace w2l {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(HalfNumbers, Fp16IsReadAsTheCheckpointReaderDoes) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = fp16_to_float(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(half_to_float(half)));
      EXPECT_TRUE(std::isnan(fp16_to_float(float_to_fp16(value))));
    } else {
      EXPECT_EQ(value, half_to_float(half));
      EXPECT_EQ(float_to_fp16(value), half);
    }
  }
}

// Between two neighbours: the nearer one, in the middle the even one.
template <typename ToFloat, typename FromFloat>
void expect_nearest(unsigned largest, const ToFloat &to_float, const FromFloat &from_float) {
  for (unsigned bits = 0; bits < largest; ++bits) {
    const float below = to_float(static_cast<std::uint16_t>(bits));
    const float above = to_float(static_cast<std::uint16_t>(bits + 1));
    const float middle = below + (above - below) / 2;
    ASSERT_EQ(from_float(middle), bits + bits % 2);
    ASSERT_EQ(from_float(std::nextafter(middle, 0.0f)), middle > 0 ? bits : 0);
    ASSERT_EQ(from_float(std::nextafter(middle, kInfinity)), bits + 1);
    ASSERT_EQ(from_float(-middle), 0x8000u | (bits + bits % 2));
  }
}

TEST(HalfNumbers, RoundedToTheNearest) {
  expect_nearest(0x7bff, fp16_to_float, float_to_fp16);
  expect_nearest(0x7f7f, bf16_to_float, float_to_bf16);
}

TEST(HalfNumbers, EndsOfTheRange) {
  EXPECT_EQ(float_to_fp16(65504.0f), 0x7bff);
  EXPECT_EQ(float_to_fp16(65519.996f), 0x7bff);
  EXPECT_EQ(float_to_fp16(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_fp16(kInfinity), 0x7c00);
  EXPECT_EQ(float_to_fp16(-kInfinity), 0xfc00);
  EXPECT_EQ(float_to_fp16(0x1p-25f), 0x0000);
  EXPECT_EQ(float_to_fp16(0x1.000002p-25f), 0x0001);
  EXPECT_EQ(float_to_fp16(-0.0f), 0x8000);
  EXPECT_EQ(float_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(float_to_bf16(-kInfinity), 0xff80);
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(kNan))));
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(float_of_bits(0x7f800001)))));
}

TEST(HalfNumbers, WhatIsTooLargeForFp16IsStoredAsTheLargest) {
  using Fp16 = Storage<Number::Fp16>;
  for (const float value : {65504.0f, 65520.0f, 1e6f, kInfinity}) {
    EXPECT_EQ(Fp16::store(value), 0x7bff) << value;
    EXPECT_EQ(Fp16::store(-value), 0xfbff) << value;
  }
  EXPECT_EQ(Fp16::store(65472.0f), 0x7bfe);
  EXPECT_TRUE(std::isnan(Fp16::load(Fp16::store(kNan))));
}

TEST(HalfNumbers, Tf32KeepsTenBits) {
  EXPECT_EQ(round_to_tf32(1.0f), 1.0f);
  EXPECT_EQ(round_to_tf32(1.0f + 0x1p-10f), 1.0f + 0x1p-10f);
  EXPECT_EQ(round_to_tf32(1.0f + 0x1p-11f), 1.0f + 0x1p-10f);  // ties away from zero
  EXPECT_EQ(round_to_tf32(-1.0f - 0x1p-11f), -1.0f - 0x1p-10f);
  EXPECT_EQ(round_to_tf32(1.0f + 0x1.ffep-12f), 1.0f);
  EXPECT_EQ(round_to_tf32(2.0f - 0x1p-23f), 2.0f);
  EXPECT_EQ(round_to_tf32(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(round_to_tf32(float_of_bits(0x7fffffff))));
}

// The definition, tap by tap, with everything asked for anew.
struct Expected {
  double value, magnitude;  // of all that was added up
};

class Definition {
 public:
  explicit Definition(const ConvScene &scene) : scene_(scene), args_(scene.args()) {}

  Expected at(int image, int y, int x, int channel) const {
    double sum = args_.bias[channel], magnitude = std::abs(sum);
    const int in = args_.inputs[0].channels + args_.inputs[1].channels;
    for (int ky = 0; ky < args_.kernel_height; ++ky)
      for (int kx = 0; kx < args_.kernel_width; ++kx) {
        int iy = 0, ix = 0;
        if (!source(y, ky, args_.stride_height, args_.padding_height, args_.input_height, iy) ||
            !source(x, kx, args_.stride_width, args_.padding_width, args_.input_width, ix))
          continue;
        for (int c = 0; c < in; ++c) {
          const double product =
              factor(input(image, iy, ix, c)) * factor(weight(ky, kx, c, channel));
          sum += product;
          magnitude += std::abs(product);
        }
      }
    if (args_.residual) {
      const double added = input(image, y, x, channel);
      sum += added;
      magnitude += std::abs(added);
    }
    return {args_.relu ? std::max(sum, 0.0) : sum, magnitude};
  }

 private:
  bool source(int out, int tap, int stride, int padding, int size, int &in) const {
    if (args_.transposed) {
      if ((out + 1 - tap) % 2 != 0) return false;
      in = (out + 1 - tap) / 2;
      if (out + 1 - tap < 0) return false;
    } else {
      in = out * stride - padding + tap;
    }
    return in >= 0 && in < size;
  }

  float input(int image, int y, int x, int channel) const {
    const int first = args_.inputs[0].channels;
    const int which = channel < first ? 0 : 1;
    const int channels = args_.inputs[which].channels;
    const ConvScene::Pictures &pictures = scene_.input(which);
    const int element = (y * args_.input_width + x) * channels + channel - (which ? first : 0);
    return load_number(args_.number, pictures.bytes,
                       pictures.start(image) + static_cast<std::size_t>(element));
  }

  float weight(int ky, int kx, int in, int out) const {
    const int channels = args_.inputs[0].channels + args_.inputs[1].channels;
    return load_number(
        args_.number, scene_.weights(),
        static_cast<std::size_t>(
            ((ky * args_.kernel_width + kx) * channels + in) * args_.output.channels + out));
  }

  double factor(float value) const {
    return args_.number == Number::Tf32 ? round_to_tf32(value) : value;
  }

  const ConvScene &scene_;
  const ConvArgs &args_;
};

void expect_definition(const ConvCase &c, unsigned seed) {
  SCOPED_TRACE(testing::Message() << c << " seed " << seed);
  ConvScene scene(c, seed);
  convolve_on_cpu(scene.args());
  const Definition definition(scene);
  std::vector<bool> computed(scene.output().bytes.size() / size_of(c.number));
  int wrong = 0;
  scene.for_outputs([&](int image, int y, int x, int channel, std::size_t element) {
    computed[element] = true;
    const Expected expected = definition.at(image, y, x, channel);
    const double tolerance =
        1e-6 * expected.magnitude + rounding(c.number) * std::abs(expected.value);
    const double is = scene.output_number(element);
    if (!(std::abs(is - expected.value) <= tolerance) && ++wrong <= 3)
      ADD_FAILURE() << "image " << image << " y " << y << " x " << x << " channel " << channel
                    << ": " << is << ", should be " << expected.value << " +- " << tolerance;
  });
  for (std::size_t element = 0; element < computed.size(); ++element)
    if (!computed[element] && !std::isnan(scene.output_number(element)) && ++wrong <= 3)
      ADD_FAILURE() << "element " << element << " was written";
  EXPECT_EQ(wrong, 0);
}

TEST(ConvolveOnCpu, IsTheDefinition) {
  std::mt19937 random(7);
  for (unsigned i = 0; i < 120; ++i) expect_definition(random_case(random, kAllNumbers[i % 4]), i);
}

TEST(ConvolveOnCpu, TheTransposedOneByHand) {
  // One channel that counts: a single pixel of one spreads the kernel.
  ConvCase c;
  c.transposed = true;
  c.height = c.width = 2;
  c.relu = false;
  ConvScene scene(c, 1);
  std::vector<float> input(2 * 2 * 8), weights(9 * 8 * 8), bias(8, 0.5f), output(4 * 4 * 8);
  input[0] = 1;  // pixel (0, 0)
  for (std::size_t tap = 0; tap < 9; ++tap) weights[tap * 64] = static_cast<float>(tap + 1);
  ConvArgs args = scene.args();
  args.inputs[0].data = input.data();
  args.output.data = output.data();
  args.weights = weights.data();
  args.bias = bias.data();
  convolve_on_cpu(args);
  const float expected[4][4] = {{5, 6, 0, 0}, {8, 9, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 4; ++x)
      EXPECT_EQ(output[(y * 4 + x) * 8], expected[y][x] + 0.5f) << y << ", " << x;
}

// Of crops that have the network's size.
template <typename T>
std::vector<T> faces(Number number, const std::vector<std::uint8_t> &crops, int images, int edge) {
  std::vector<T> output(static_cast<std::size_t>(images * edge * edge * kChannelStep), T{1});
  std::vector<CropPlace> places;
  for (int i = 0; i < images; ++i)
    places.push_back({static_cast<std::uint32_t>(i * edge * edge * 3), edge, edge});
  FaceArgs args;
  args.number = number;
  args.images = images;
  args.edge = edge;
  args.places = places.data();
  args.crops = crops.data();
  args.output = output.data();
  write_faces_on_cpu(args);
  return output;
}

TEST(FacesOnCpu, LowerHalfBlackThenWhole) {
  // Two pictures of 2 x 2.
  std::vector<std::uint8_t> crops(2 * 2 * 2 * 3);
  std::iota(crops.begin(), crops.end(), std::uint8_t{10});
  const std::vector<float> output = faces<float>(Number::Fp32, crops, 2, 2);
  for (std::size_t pixel = 0; pixel < 8; ++pixel)
    for (std::size_t c = 0; c < 8; ++c) {
      const float whole = c < 6 ? static_cast<float>(crops[pixel * 3 + c % 3]) / 255.0f : 0;
      EXPECT_EQ(output[pixel * 8 + c], c < 3 && pixel % 4 >= 2 ? 0 : whole);
    }
}

TEST(FacesOnCpu, EveryByteIsTheNearestNumberToItsShare) {
  std::vector<std::uint8_t> crops(16 * 16 * 3);
  for (std::size_t i = 0; i < crops.size(); ++i) crops[i] = static_cast<std::uint8_t>(i / 3);
  const std::vector<float> output = faces<float>(Number::Fp32, crops, 1, 16);
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const float value = output[byte * 8 + 3];
    const auto error = [&](float number) {
      return std::abs(static_cast<long double>(number) * 255 - static_cast<long double>(byte));
    };
    EXPECT_LE(error(value), error(std::nextafter(value, 2.0f)));
    EXPECT_LE(error(value), error(std::nextafter(value, -1.0f)));
  }
}

TEST(FacesOnCpu, ShortNumbers) {
  const std::vector<std::uint8_t> crops = {0, 1, 128, 255, 0, 0, 0, 0, 0, 0, 0, 0};
  const auto fp16 = faces<std::uint16_t>(Number::Fp16, crops, 1, 2);
  const auto bf16 = faces<std::uint16_t>(Number::Bf16, crops, 1, 2);
  EXPECT_EQ(std::vector(fp16.begin(), fp16.begin() + 9),
            (std::vector<std::uint16_t>{0, 0x1c04, 0x3804, 0, 0x1c04, 0x3804, 0, 0, 0x3c00}));
  EXPECT_EQ(std::vector(bf16.begin(), bf16.begin() + 9),
            (std::vector<std::uint16_t>{0, 0x3b81, 0x3f01, 0, 0x3b81, 0x3f01, 0, 0, 0x3f80}));
}

TEST(MelsOnCpu, AreTheFirstChannel) {
  const std::vector<float> mels = {-4, 4, 0.1f, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<std::uint16_t> output(mels.size() * 8, 1);
  MelArgs args;
  args.number = Number::Fp16;
  args.images = 2;
  args.bands = 3;
  args.columns = 2;
  args.mels = mels.data();
  args.output = output.data();
  write_mels_on_cpu(args);
  for (std::size_t i = 0; i < output.size(); ++i)
    EXPECT_EQ(output[i], i % 8 ? 0 : float_to_fp16(mels[i / 8]));
  EXPECT_EQ(output[0], 0xc400);
  EXPECT_EQ(output[16], 0x2e66);
}

std::uint8_t answer(float logit) {
  const std::vector<float> input(8, 0), weights(3 * 8, 0), bias(3, logit);
  std::uint8_t bytes[3];
  AnswerArgs args;
  args.images = 1;
  args.edge = 1;
  args.channels = 8;
  args.input = input.data();
  args.weights = weights.data();
  args.bias = bias.data();
  args.pictures = bytes;
  write_answers_on_cpu(args);
  EXPECT_EQ(bytes[0], bytes[1]);
  EXPECT_EQ(bytes[0], bytes[2]);
  return bytes[0];
}

TEST(AnswersOnCpu, BytesOfLogits) {
  EXPECT_EQ(answer(0), 127);
  EXPECT_EQ(answer(0.01f), 128);
  EXPECT_EQ(answer(-0.01f), 126);
  EXPECT_EQ(answer(5.53f), 253);
  EXPECT_EQ(answer(5.54f), 254);
  EXPECT_EQ(answer(-5.53f), 1);
  EXPECT_EQ(answer(-5.54f), 0);
  EXPECT_EQ(answer(10), 254);
  EXPECT_EQ(answer(20), 255);
  EXPECT_EQ(answer(-20), 0);
  EXPECT_EQ(answer(200), 255);
  EXPECT_EQ(answer(-200), 0);
  EXPECT_EQ(answer(kInfinity), 255);
  EXPECT_EQ(answer(-kInfinity), 0);
  EXPECT_EQ(answer(kNan), 0);
}

TEST(AnswersOnCpu, LastLayerOfTheLowerRows) {
  constexpr int kImages = 2, kEdge = 4, kFirst = 1, kChannels = 16;
  std::mt19937 random(3);
  std::uniform_real_distribution<float> some(-1, 1);
  const auto size = static_cast<std::size_t>(kImages * kEdge * kEdge * kChannels);
  std::vector<std::uint8_t> input(size * 2, 0xff), pictures(kImages * 3 * kEdge * 3);
  for (std::size_t i = 0; i < size; ++i)
    if (i / (kEdge * kChannels) % kEdge >= kFirst)
      store_number(Number::Bf16, some(random), input, i);
  std::vector<float> weights(3 * kChannels), bias(3);
  for (float &weight : weights) weight = some(random);
  for (float &value : bias) value = some(random);
  AnswerArgs args;
  args.number = Number::Bf16;
  args.images = kImages;
  args.edge = kEdge;
  args.first_row = kFirst;
  args.channels = kChannels;
  args.input = input.data();
  args.weights = weights.data();
  args.bias = bias.data();
  args.pictures = pictures.data();
  write_answers_on_cpu(args);
  std::size_t byte = 0;
  for (std::size_t image = 0; image < kImages; ++image)
    for (std::size_t y = kFirst; y < kEdge; ++y)
      for (std::size_t x = 0; x < kEdge; ++x)
        for (std::size_t c = 0; c < 3; ++c, ++byte) {
          double sum = bias[c];
          for (std::size_t i = 0; i < kChannels; ++i)
            sum += double{load_number(Number::Bf16, input,
                                      ((image * kEdge + y) * kEdge + x) * kChannels + i)} *
                   weights[c * kChannels + i];
          EXPECT_NEAR(pictures[byte] + 0.5, 255 / (1 + std::exp(-sum)), 0.5001);
        }
}

}  // namespace
}  // namespace w2l
