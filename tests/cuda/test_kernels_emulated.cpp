// gst-wav2lip tests: the source of the CUDA engine's kernels, run on the CPU by the emulator,
// against their twins.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "conv_plan.h"
#include "conv_scene.h"
#include "conv_tiles.h"
#include "cpu_twins.h"
#include "emulated_kernels.h"

namespace w2l {
namespace {

using emulator::Gpu;
using emulator::Order;

template <typename T>
void allow(Gpu &gpu, std::vector<T> &memory, bool writable = false) {
  gpu.allow(memory.data(), memory.size() * sizeof(T), writable);
}

// What a kernel makes of a scene: the whole output, as bytes.
struct Way {
  Order blocks = Order::Forward, threads = Order::Forward;
  int kind = kSmallTile;  // of the tiles
};

std::vector<std::uint8_t> convolve_emulated(const ConvScene &scene, const Way &way) {
  Gpu gpu(way.blocks, way.threads, 5);
  ConvArgs args = scene.args();
  std::vector<std::uint8_t> output = scene.output().bytes;
  args.output.data = output.data();
  allow(gpu, output, true);
  for (int i = 0; i < 2; ++i) {
    const ConvScene::Pictures &input = scene.input(i);
    gpu.allow(input.bytes.data(), input.bytes.size(), false);
    gpu.allow(input.index.data(), input.index.size() * sizeof(std::int32_t), false);
  }
  gpu.allow(scene.output().index.data(), scene.output().index.size() * sizeof(std::int32_t), false);
  gpu.allow(scene.weights().data(), scene.weights().size(), false);
  gpu.allow(scene.bias().data(), scene.bias().size() * sizeof(float), false);

  args.tile_kind = way.kind;
  std::vector<std::uint32_t> counters(conv_counters(args), 0);
  std::vector<float> sums(conv_partial_bytes(args) / sizeof(float), std::nanf(""));
  args.counters = counters.data();
  args.partial_sums = sums.data();
  allow(gpu, counters, true);
  allow(gpu, sums, true);

  EXPECT_EQ(launch_convolution(args, nullptr), cudaSuccess);
  for (std::uint32_t counter : counters) EXPECT_EQ(counter, 0u);
  return output;
}

// The sums of a twin come in another order.
void expect_same(ConvScene &scene, const std::vector<std::uint8_t> &emulated) {
  const Number number = scene.args().number;
  // The sum of magnitudes: everything positive, nothing cut off.
  const int terms = scene.args().kernel_height * scene.args().kernel_width *
                    (scene.args().inputs[0].channels + scene.args().inputs[1].channels);
  convolve_on_cpu(scene.args());
  int wrong = 0;
  for (std::size_t i = 0; i < emulated.size() / size_of(number); ++i) {
    const float is = load_number(number, emulated, i), should = scene.output_number(i);
    if (std::isnan(is) && std::isnan(should)) continue;
    // Factors are even between -1 and 1: a product's mean magnitude is a quarter.
    const double tolerance = 1e-6 * (0.25 * terms + 1) + 2 * rounding(number) * std::abs(should);
    if (!(std::abs(is - should) <= tolerance) && ++wrong <= 3)
      ADD_FAILURE() << "element " << i << ": " << is << ", should be " << should;
  }
  EXPECT_EQ(wrong, 0);
}

TEST(ConvolutionEmulated, IsItsTwin) {
  std::mt19937 random(11);
  for (unsigned i = 0; i < 60; ++i) {
    ConvCase c = random_case(random, kAllNumbers[i % 4]);
    c.splits = 1 + static_cast<int>(i / 4 % 3) * 2;
    SCOPED_TRACE(testing::Message() << c << " seed " << i);
    ConvScene scene(c, i);
    Way way;
    way.blocks = i % 2 ? Order::Backward : Order::Forward;
    way.threads = i % 3 ? Order::Shuffled : Order::Forward;
    way.kind = static_cast<int>(i / 5) % kConvTileKinds;
    if (!can_have_tiles(scene.args(), way.kind)) way.kind = kSmallTile;
    expect_same(scene, convolve_emulated(scene, way));
  }
}

TEST(ConvolutionEmulated, InTilesOfEveryKind) {
  for (Number number : kAllNumbers)
    for (int kind = 0; kind < kConvTileKinds; ++kind)
      for (bool transposed : {false, true}) {
        ConvCase c;
        c.number = number;
        c.channels[0] = 16;
        c.channels[1] = 8;
        c.output_channels = conv_tile(kind).columns + 8;
        c.height = transposed ? 8 : 15;
        c.width = 9;
        c.transposed = transposed;
        c.first_row = 3;
        c.splits = kind % 2 && !is_patch(kind) ? 3 : 1;
        c.indexed = true;
        SCOPED_TRACE(testing::Message() << c << " tile " << kind);
        ConvScene scene(c, 1);
        if (!can_have_tiles(scene.args(), kind)) continue;
        expect_same(scene, convolve_emulated(scene, {Order::Shuffled, Order::Backward, kind}));
      }
}

TEST(ConvolutionEmulated, InPatchesOfEveryKind) {
  std::mt19937 random(12);
  const auto up_to = [&](int most) {
    return 1 + static_cast<int>(random() % static_cast<unsigned>(most));
  };
  for (unsigned i = 0; i < 18; ++i) {
    ConvCase c;
    const int kind = i % 2 ? kMediumPatch : kNarrowPatch;
    c.number = kAllNumbers[1 + i / 2 % 3];
    c.images = up_to(4);
    c.height = up_to(14);
    c.width = i % 4 > 1 ? up_to(20) : 96;
    c.residual = i % 5 == 0;
    c.channels[0] = 8 * up_to(9);
    c.channels[1] = c.residual ? 0 : 8 * (up_to(6) - 1);
    c.output_channels = c.residual ? c.channels[0] : 8 * up_to(18);
    c.first_row = i / 2 % 2 ? up_to(c.height) - 1 : 0;
    c.relu = i % 7 != 0;
    c.indexed = i % 3 == 0;
    SCOPED_TRACE(testing::Message() << c << " tile " << kind << " seed " << i);
    ConvScene scene(c, i);
    ASSERT_TRUE(can_have_tiles(scene.args(), kind));
    const Order threads = i % 3 ? Order::Shuffled : Order::Backward;
    expect_same(scene, convolve_emulated(scene, {Order::Shuffled, threads, kind}));
  }
}

TEST(ConvolutionEmulated, AsAMatrixProduct) {
  ConvCase c;
  c.number = Number::Fp16;
  c.images = 5;
  c.channels[0] = c.channels[1] = 64;
  c.output_channels = 9 * 64;
  c.height = c.width = 1;
  c.kernel[0] = c.kernel[1] = 1;
  c.padding[0] = c.padding[1] = 0;
  c.indexed = true;
  ConvScene scene(c, 1);
  expect_same(scene, convolve_emulated(scene, {}));
}

TEST(ConvolutionEmulated, ThreeByThreeToOnePixel) {
  ConvCase c;
  c.number = Number::Bf16;
  c.images = 3;
  c.channels[0] = 64;
  c.output_channels = 64;
  c.height = c.width = 3;
  c.padding[0] = c.padding[1] = 0;
  c.splits = 4;
  ConvScene scene(c, 1);
  expect_same(scene, convolve_emulated(scene, {}));
}

TEST(ConvolutionEmulated, SplitSumsDoNotDependOnWhoComesFirst) {
  for (Number number : {Number::Fp32, Number::Tf32}) {
    ConvCase c;
    c.number = number;
    c.channels[0] = 64;
    c.output_channels = 72;
    c.height = c.width = 4;
    c.splits = 7;
    c.transposed = true;
    const ConvScene scene(c, 1);
    const std::vector<std::uint8_t> forward = convolve_emulated(scene, {});
    EXPECT_EQ(forward, convolve_emulated(scene, {Order::Backward, Order::Forward}));
    EXPECT_EQ(forward, convolve_emulated(scene, {Order::Shuffled, Order::Shuffled}));
  }
}

TEST(ConvolutionEmulated, AnImageDoesNotDependOnTheOthers) {
  ConvCase c;
  c.number = Number::Fp16;
  c.images = 3;
  c.channels[0] = 16;
  c.output_channels = 24;
  const ConvScene all(c, 1);
  const std::vector<std::uint8_t> output = convolve_emulated(all, {});
  ConvScene one(c, 1);
  one.args().images = 1;
  const std::vector<std::uint8_t> first = convolve_emulated(one, {});
  const auto size = static_cast<std::ptrdiff_t>(all.output().image_size * 2);
  EXPECT_TRUE(std::equal(first.begin(), first.begin() + size, output.begin()));
}

TEST(ConvolutionEmulated, RefusesWhatItCannotDo) {
  Gpu gpu;
  ConvCase c;
  ConvScene scene(c, 1);
  ConvArgs args = scene.args();
  args.output.channels = 12;
  EXPECT_EQ(launch_convolution(args, nullptr), cudaErrorInvalidValue);
  args = scene.args();
  args.inputs[0].data = static_cast<float *>(args.inputs[0].data) + 1;
  EXPECT_EQ(launch_convolution(args, nullptr), cudaErrorInvalidValue);
  args = scene.args();
  args.images = 0;
  EXPECT_EQ(launch_convolution(args, nullptr), cudaSuccess);
  args = scene.args();
  args.first_row = args.output_height;
  EXPECT_EQ(launch_convolution(args, nullptr), cudaSuccess);
  args = scene.args();
  args.tile_kind = kMediumPatch;  // not in fp32
  EXPECT_EQ(launch_convolution(args, nullptr), cudaErrorInvalidValue);
  args.tile_kind = kConvTileKinds;
  args.number = Number::Fp16;
  EXPECT_EQ(launch_convolution(args, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(gpu.launches(), 0);
}

TEST(PicturesEmulated, FacesAreTheirTwins) {
  for (Number number : kAllNumbers)
    for (int edge : {1, 7, 24}) {
      // The last one is enlarged: its edge is where one might read too far.
      std::vector<CropPlace> places = {
          {0, edge, edge}, {0, 1, 1}, {0, 50, 31}, {0, 48, 48}, {0, 5, 3}};
      std::uint32_t bytes = 0;
      for (CropPlace &place : places)
        place.offset = std::exchange(
            bytes, bytes + static_cast<std::uint32_t>(place.width * place.height * 3));
      std::reverse(places.begin(), places.end());  // another order than they lie there
      std::vector<std::uint8_t> crops(bytes);
      for (std::size_t i = 0; i < crops.size(); ++i)
        crops[i] = static_cast<std::uint8_t>(i * i / 7);
      std::vector<std::uint8_t> twin(places.size() * static_cast<std::size_t>(edge * edge * 8) *
                                     size_of(number));
      std::vector<std::uint8_t> emulated = twin;
      FaceArgs args{number,     static_cast<int>(places.size()), edge, places.data(), crops.data(),
                    twin.data()};
      write_faces_on_cpu(args);
      args.output = emulated.data();
      Gpu gpu;
      allow(gpu, places);
      allow(gpu, crops);
      allow(gpu, emulated, true);
      EXPECT_EQ(launch_faces(args, nullptr), cudaSuccess);
      EXPECT_EQ(emulated, twin);
    }
}

TEST(PicturesEmulated, MelsAreTheirTwins) {
  for (Number number : kAllNumbers) {
    std::vector<float> mels(3 * 80 * 16);
    for (std::size_t i = 0; i < mels.size(); ++i) mels[i] = std::sin(static_cast<float>(i)) * 4;
    std::vector<std::uint8_t> twin(mels.size() * 8 * size_of(number)), emulated = twin;
    MelArgs args{number, 3, 80, 16, mels.data(), twin.data()};
    write_mels_on_cpu(args);
    args.output = emulated.data();
    Gpu gpu;
    allow(gpu, mels);
    allow(gpu, emulated, true);
    EXPECT_EQ(launch_mels(args, nullptr), cudaSuccess);
    EXPECT_EQ(emulated, twin);
  }
}

TEST(PicturesEmulated, AnswersAreTheirTwins) {
  std::mt19937 random(9);
  std::uniform_real_distribution<float> some(-2, 2);
  for (Number number : kAllNumbers)
    for (int edge : {1, 5, 24})
      for (int channels : {8, 32}) {
        constexpr int kImages = 2;
        const int first_row = edge / 3;
        const auto size = static_cast<std::size_t>(kImages * edge * edge * channels);
        std::vector<std::uint8_t> input(size * size_of(number), 0xff);
        const int row = edge * channels;
        for (std::size_t i = 0; i < size; ++i)
          if (static_cast<int>(i) / row % edge >= first_row)
            store_number(number, some(random), input, i);
        std::vector<float> weights(static_cast<std::size_t>(3 * channels)), bias(3);
        for (float &weight : weights) weight = some(random);
        for (float &value : bias) value = some(random);
        bias[2] = std::nanf("");
        std::vector<std::uint8_t> twin(
            static_cast<std::size_t>(kImages * (edge - first_row) * edge * 3), 1);
        std::vector<std::uint8_t> emulated = twin;
        AnswerArgs args;
        args.number = number;
        args.images = kImages;
        args.edge = edge;
        args.first_row = first_row;
        args.channels = channels;
        args.input = input.data();
        args.weights = weights.data();
        args.bias = bias.data();
        args.pictures = twin.data();
        write_answers_on_cpu(args);
        args.pictures = emulated.data();
        Gpu gpu(Order::Forward, Order::Backward);
        allow(gpu, input);
        allow(gpu, weights);
        allow(gpu, bias);
        allow(gpu, emulated, true);
        EXPECT_EQ(launch_answers(args, nullptr), cudaSuccess);
        EXPECT_EQ(emulated, twin);
      }
}

}  // namespace
}  // namespace w2l
