// gst-wav2lip tests: a network as the CUDA kernels see it: channels, rows, places in memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "conv_plan.h"
#include "lane.h"
#include "network_layout.h"
#include "sample_checkpoints.h"
#include "temporary_file.h"
#include "upload_block.h"

namespace w2l {
namespace {

constexpr int kMost = 8;
constexpr GpuSize kGpu{132};

// Memory that nobody touches: only addresses are looked at.
template <typename T>
T *address(std::size_t number) {
  return reinterpret_cast<T *>(number << 40);
}

struct Piece {
  std::uintptr_t begin, end;

  bool overlaps(const Piece &other) const { return begin < other.end && other.begin < end; }
  bool inside(const Piece &other) const { return begin >= other.begin && end <= other.end; }
  bool operator==(const Piece &other) const { return begin == other.begin && end == other.end; }
};

Piece piece(const void *from, std::size_t bytes) {
  const auto begin = reinterpret_cast<std::uintptr_t>(from);
  return {begin, begin + bytes};
}

class NetworkLayoutTest : public testing::TestWithParam<Number> {
 protected:
  NetworkLayoutTest() { load(16); }

  // The network with so many times fewer channels.
  void load(int divide) {
    test::SampleOptions options;
    options.divide = divide;
    test::write_sample(file_.path(), options);
    checkpoint_ = std::make_unique<Checkpoint>(Checkpoint::open(file_.path()));
    layout_ = std::make_unique<NetworkLayout>(Network::describe(*checkpoint_), GetParam(), kMost);
    at_.weights = address<void>(1);
    at_.features = address<std::byte>(2);
    at_.arena = address<std::byte>(3);
    at_.partial_sums = address<float>(4);
    at_.counters = address<std::uint32_t>(5);
    at_.new_slots = address<std::int32_t>(6);
    at_.slots = address<std::int32_t>(7);
    at_.pictures = address<std::uint8_t>(8);
    sizes_ = layout_->lane_sizes(buckets_up_to(kMost), kGpu);
  }

  EncoderSteps encoder(int images = kMost) const {
    return layout_->encoder_steps(images, at_, kGpu);
  }
  AnswerSteps answer(int first_row = 0, int images = kMost) const {
    return layout_->answer_steps(images, first_row, at_, kGpu);
  }

  static std::size_t image_bytes(const ConvPictures &pictures, int height, int width) {
    return static_cast<std::size_t>(pictures.channels) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(width) * size_of(GetParam());
  }
  // Of one slot, or of all images in the arena.
  static Piece output(const ConvArgs &args) {
    const std::size_t one = image_bytes(args.output, args.output_height, args.output_width);
    return piece(args.output.data,
                 args.output.image_index ? one : one * static_cast<std::size_t>(args.images));
  }
  static Piece input(const ConvArgs &args, int which) {
    const ConvPictures &in = args.inputs[which];
    const std::size_t one = image_bytes(in, args.input_height, args.input_width);
    return piece(in.data, in.image_index ? one : one * static_cast<std::size_t>(args.images));
  }
  Piece arena() const { return piece(at_.arena, sizes_.arena); }

  test::TemporaryFile file_;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::unique_ptr<NetworkLayout> layout_;
  LaneAddresses at_;
  LaneSizes sizes_;
};

TEST_P(NetworkLayoutTest, HasChannelsInStepsAndSizesOfTheFamily) {
  const EncoderSteps faces = encoder();
  ASSERT_EQ(faces.layers.size(), 18u);
  EXPECT_EQ(faces.layers.front().inputs[0].channels, 8);  // of six
  EXPECT_EQ(faces.layers.front().kernel_height, 7);
  EXPECT_EQ(faces.layers.front().padding_width, 3);
  EXPECT_EQ(faces.layers.front().output.channels, 8);  // of one
  EXPECT_EQ(faces.layers.back().output.channels, 32);
  EXPECT_EQ(faces.layers.back().output_height, 1);

  const AnswerSteps steps = answer();
  ASSERT_EQ(steps.layers.size(), 13u + 19u);
  EXPECT_EQ(steps.layers[3].stride_height, 3);
  EXPECT_EQ(steps.layers[3].stride_width, 1);
  EXPECT_EQ(steps.layers[3].output_height, 27);
  EXPECT_EQ(steps.layers[3].output_width, 16);
  for (const ConvArgs &args : steps.layers) {
    EXPECT_EQ(args.images, kMost);
    EXPECT_EQ(args.number, GetParam());
    EXPECT_TRUE(args.relu);
    for (const ConvPictures &pictures : {args.inputs[0], args.inputs[1], args.output})
      EXPECT_EQ(pictures.channels % kChannelStep, 0);
    if (!args.residual) continue;
    EXPECT_EQ(args.inputs[0].channels, args.output.channels);
    EXPECT_EQ(args.inputs[1].channels, 0);
    EXPECT_EQ(args.input_height, args.output_height);
  }
  EXPECT_EQ(steps.answers.channels, 8);  // of two
  EXPECT_EQ(steps.answers.edge, 96);
}

// The first transposed convolution has one pixel to make nine of.
TEST_P(NetworkLayoutTest, SpreadsAPixelByAConvolutionOfOnePixel) {
  const ConvArgs spread = answer().layers[14];
  EXPECT_FALSE(spread.transposed);
  EXPECT_EQ(spread.kernel_height, 1);
  EXPECT_EQ(spread.output_height, 1);
  EXPECT_EQ(spread.output_width, 1);
  EXPECT_EQ(spread.output.channels, 9 * 32);
  const ConvArgs next = answer().layers[15];
  EXPECT_EQ(next.input_height, 3);
  EXPECT_EQ(next.inputs[0].channels, 32);
  EXPECT_EQ(next.inputs[0].data, spread.output.data);
  EXPECT_EQ(next.inputs[0].image_size, spread.output.image_size);
}

TEST_P(NetworkLayoutTest, ReadsFeaturesAsASecondInput) {
  const EncoderSteps faces = encoder();
  std::vector<const ConvArgs *> blocks;  // that write to slots
  for (const ConvArgs &args : faces.layers)
    if (args.output.image_index) blocks.push_back(&args);
  ASSERT_EQ(blocks.size(), 7u);
  const Piece slot = piece(at_.features, layout_->slot_bytes());
  for (const ConvArgs *block : blocks) {
    EXPECT_EQ(block->output.image_index, at_.new_slots);
    EXPECT_EQ(static_cast<std::size_t>(block->output.image_size) * size_of(GetParam()),
              layout_->slot_bytes());
    EXPECT_TRUE(output(*block).inside(slot));
    for (const ConvArgs *other : blocks)
      EXPECT_TRUE(block == other || !output(*block).overlaps(output(*other)));
  }
  std::vector<const ConvArgs *> readers;
  const AnswerSteps steps = answer();
  for (const ConvArgs &args : steps.layers)
    if (args.inputs[1].channels > 0) readers.push_back(&args);
  ASSERT_EQ(readers.size(), 7u);  // each block's successor, the output block the last
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(readers[i]->inputs[1].image_index, at_.slots);
    EXPECT_EQ(readers[i]->inputs[0].image_index, nullptr);
    EXPECT_EQ(input(*readers[i], 1), output(*blocks[6 - i]));
    EXPECT_EQ(readers[i]->input_height, blocks[6 - i]->output_height);
  }
}

TEST_P(NetworkLayoutTest, LeavesOutRowsThatNobodySees) {
  std::vector<int> rows;
  for (const ConvArgs &args : answer(48).layers) rows.push_back(args.first_row);
  std::vector<int> expected(13, 0);  // the audio encoder
  for (const int row : {0,           // 1x1
                        0, 0,        // 3x3
                        0, 0, 1,     // 6x6
                        2, 3, 4, 8, 9, 10, 20, 21, 22, 45, 46, 47, 48})
    expected.push_back(row);
  EXPECT_EQ(rows, expected);
  EXPECT_EQ(answer(48).answers.first_row, 48);
  for (const ConvArgs &args : answer(0).layers) EXPECT_EQ(args.first_row, 0);
}

TEST_P(NetworkLayoutTest, EachLayerReadsWhatTheOneBeforeHasWritten) {
  for (const int images : {1, 3, kMost}) {
    const EncoderSteps faces = encoder(images);
    const void *written = faces.faces.output;
    for (const ConvArgs &args : faces.layers) {
      EXPECT_EQ(args.inputs[0].data, written);
      written = args.output.data;
    }
    const AnswerSteps steps = answer(0, images);
    written = steps.mels.output;
    for (const ConvArgs &args : steps.layers) {
      EXPECT_EQ(args.inputs[0].data, written);
      written = args.output.data;
    }
    EXPECT_EQ(steps.answers.input, written);
  }
}

TEST_P(NetworkLayoutTest, NeverWritesOverWhatIsReadInTheSameStep) {
  const EncoderSteps faces = encoder();
  const AnswerSteps steps = answer();
  for (const std::vector<ConvArgs> *layers : {&faces.layers, &steps.layers})
    for (const ConvArgs &args : *layers) {
      EXPECT_FALSE(output(args).overlaps(input(args, 0)));
      EXPECT_TRUE(!args.inputs[1].data || !output(args).overlaps(input(args, 1)));
      EXPECT_TRUE(args.inputs[0].image_index || input(args, 0).inside(arena()));
      EXPECT_TRUE(args.output.image_index || output(args).inside(arena()));
    }
  EXPECT_TRUE(piece(faces.faces.output, 1).inside(arena()));
  EXPECT_TRUE(piece(steps.mels.output, 1).inside(arena()));
}

TEST_P(NetworkLayoutTest, HasRoomForTheSumsOfEveryBucket) {
  load(4);  // with fewer channels, it does not pay to split sums
  std::size_t most = 0;
  for (const int images : buckets_up_to(kMost))
    for (const AnswerSteps &steps : {answer(0, images), answer(48, images)})
      for (const ConvArgs &args : steps.layers) {
        EXPECT_LE(conv_partial_bytes(args), sizes_.partial_sums);
        EXPECT_LE(conv_counters(args), sizes_.counters);
        most = std::max(most, conv_partial_bytes(args));
        EXPECT_EQ(args.partial_sums, args.splits > 1 ? at_.partial_sums : nullptr);
        EXPECT_EQ(args.counters, args.splits > 1 ? at_.counters : nullptr);
      }
  EXPECT_GT(most, 0u);
}

TEST_P(NetworkLayoutTest, GivesEachLayerWeightsOfItsOwn) {
  std::vector<Piece> pieces;
  const EncoderSteps faces = encoder();
  const AnswerSteps steps = answer();
  for (const std::vector<ConvArgs> *layers : {&faces.layers, &steps.layers})
    for (const ConvArgs &args : *layers) {
      const auto in = static_cast<std::size_t>(args.inputs[0].channels + args.inputs[1].channels);
      const auto out = static_cast<std::size_t>(args.output.channels);
      const auto taps = static_cast<std::size_t>(args.kernel_height * args.kernel_width);
      pieces.push_back(piece(args.weights, taps * in * out * size_of(GetParam())));
      pieces.push_back(piece(args.bias, out * sizeof(float)));
    }
  pieces.push_back(piece(steps.answers.weights, 3 * 8 * sizeof(float)));
  pieces.push_back(piece(steps.answers.bias, 3 * sizeof(float)));
  const Piece all = piece(at_.weights, layout_->weight_bytes());
  for (std::size_t a = 0; a < pieces.size(); ++a) {
    EXPECT_TRUE(pieces[a].inside(all));
    EXPECT_EQ(pieces[a].begin % 256, 0u);
    for (std::size_t b = 0; b < a; ++b) EXPECT_FALSE(pieces[a].overlaps(pieces[b]));
  }
}

INSTANTIATE_TEST_SUITE_P(Numbers, NetworkLayoutTest, testing::Values(Number::Fp32, Number::Fp16),
                         [](const auto &param) {
                           return param.param == Number::Fp32 ? "Fp32" : "Fp16";
                         });

class WrittenWeights : public NetworkLayoutTest {};

// [kernel][kernel][in][out], zero wherever the network has no such channel.
TEST_P(WrittenWeights, AreInTheOrderOfTheKernels) {
  std::vector<std::byte> memory(layout_->weight_bytes(), std::byte{0xff});
  layout_->write_weights(*checkpoint_, 2, memory.data());
  at_.weights = memory.data();
  const Network network = Network::describe(*checkpoint_);

  const Layer first = network.part(Part::FaceEncoder)[0];
  ASSERT_EQ(first.in, 6);
  ASSERT_EQ(first.out, 1);
  const LayerWeights plain = Network::read(*checkpoint_, first);
  const ConvArgs args = encoder().layers[0];
  const auto *weights = static_cast<const float *>(args.weights);
  for (int tap = 0; tap < 49; ++tap)
    for (int in = 0; in < 8; ++in)
      for (int out = 0; out < 8; ++out) {
        const bool real = in < 6 && out < 1;
        EXPECT_EQ(weights[(tap * 8 + in) * 8 + out],
                  real ? plain.weight[static_cast<std::size_t>(in * 49 + tap)] : 0.0f);
      }
  for (int out = 0; out < 8; ++out) EXPECT_EQ(args.bias[out], out < 1 ? plain.bias[0] : 0.0f);

  // Reads 32 channels and as many of features, and has 32 for each of nine pixels.
  const Layer spread = network.part(Part::Decoder)[1];
  ASSERT_EQ(spread.in, 64);
  ASSERT_EQ(spread.out, 32);
  const LayerWeights of_spread = Network::read(*checkpoint_, spread);
  const ConvArgs spread_args = answer().layers[14];
  const auto *spread_weights = static_cast<const float *>(spread_args.weights);
  for (const int in : {0, 31, 32, 63})
    for (int pixel = 0; pixel < 9; ++pixel)
      for (const int out : {0, 31}) {
        EXPECT_EQ(spread_weights[(in * 9 + pixel) * 32 + out],
                  of_spread.weight[static_cast<std::size_t>((in * 32 + out) * 9 + pixel)]);
        EXPECT_EQ(spread_args.bias[pixel * 32 + out],
                  of_spread.bias[static_cast<std::size_t>(out)]);
      }
}

INSTANTIATE_TEST_SUITE_P(Float, WrittenWeights, testing::Values(Number::Fp32));

TEST(UploadBlock, IsOnePieceForAnyTwoCounts) {
  const UploadBlock block(8, 27648, 5120);
  for (const int samples : {1, 2, 4, 8}) {
    EXPECT_EQ(block.first(samples), block.slots(samples));
    EXPECT_EQ(block.slots(samples) + static_cast<std::size_t>(samples) * 4, block.mels(samples));
    EXPECT_EQ(block.mels(samples) + static_cast<std::size_t>(samples) * 5120, block.places());
    EXPECT_EQ(block.mels(samples) % 256, 0u);
  }
  EXPECT_EQ(block.end(0, 0), block.places());
  for (const int crops : {1, 2, 4, 8}) {
    const auto count = static_cast<std::size_t>(crops);
    EXPECT_EQ(block.new_slots(crops), block.places() + count * sizeof(CropPlace));
    EXPECT_EQ(block.pixels(crops), block.new_slots(crops) + count * 4);
    EXPECT_EQ(block.end(crops, 1000), block.pixels(crops) + 1000);  // what is used of it
  }
  EXPECT_EQ(block.end(8, 8 * 27648), block.bytes());
}

TEST(Buckets, ArePowersOfTwo) {
  EXPECT_EQ(buckets_up_to(1), (std::vector<int>{1}));
  EXPECT_EQ(buckets_up_to(8), (std::vector<int>{1, 2, 4, 8}));
  EXPECT_EQ(bucket_of(1), 1);
  EXPECT_EQ(bucket_of(5), 8);
  EXPECT_EQ(bucket_of(8), 8);
}

}  // namespace
}  // namespace w2l
