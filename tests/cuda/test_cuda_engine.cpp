// gst-wav2lip tests: the CUDA engine on a fake GPU, whose kernels compute on the CPU: its answers,
// what it copies and allocates, what it does side by side, and what happens when the GPU fails.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "../support/npy_reader.h"
#include "cuda_engine.h"
#include "cuda_network.h"
#include "fake_driver.h"
#include "plain_network.h"
#include "sample_checkpoints.h"
#include "sample_inputs.h"
#include "scarce_memory.h"
#include "sized_crops.h"
#include "temporary_file.h"

namespace w2l {
namespace {

using test::FakeDriver;
using Sizes = std::vector<std::size_t>;

constexpr std::size_t kCrop = 96 * 96 * 3, kMel = 80 * 16 * sizeof(float), kSlot = 4, kPlace = 16;
constexpr int kOpeningLaunches = 2 * kLanes;  // what it tries out: encoder and answers

// Bytes of an upload of so many samples and new crops, padded ones among them, with these pixels.
std::size_t upload_of_pixels(std::size_t samples, std::size_t crops, std::size_t pixel_bytes) {
  return samples * (kMel + kSlot) + crops * (kPlace + kSlot) + pixel_bytes;
}
// All crops have the network's size; `surplus` are the padded ones among them.
std::size_t upload(std::size_t samples, std::size_t crops, std::size_t surplus = 0) {
  return upload_of_pixels(samples, crops, (crops - surplus) * kCrop);
}

class CudaEngineTest : public testing::Test {
 protected:
  CudaEngineTest() {
    test::SampleOptions options;
    options.divide = 16;
    test::write_sample(file_.path(), options);
    config_.model = file_.path();
    config_.device = "cuda:0";
    config_.precision = Precision::Fp32;
  }

  std::shared_ptr<CudaEngine> open(int max_batch = 4) {
    auto engine = std::make_shared<CudaEngine>(
        config_, [this] { return gpu_; }, max_batch);
    opened_ = gpu_->counts();
    return engine;
  }

  // Launches and copies since it was opened.
  int launches() const { return gpu_->counts().launches - opened_.launches; }
  Sizes uploads() const { return rest(gpu_->counts().uploads, opened_.uploads.size()); }
  Sizes downloads() const { return rest(gpu_->counts().downloads, opened_.downloads.size()); }

  static Answers run(Engine &engine, const std::vector<Sample> &batch,
                     Region region = Region::Full) {
    return engine.collect(engine.submit(batch, region, nullptr));
  }

  // Of one sample on each lane, and then of batches of so many that wait together. All have the
  // same face.
  Sizes uploads_of_waiting(const Sizes &counts) {
    const auto engine = open(32);
    gpu_->hold(true);
    std::vector<Engine::Ticket> tickets;
    const auto submit = [&](std::size_t count) {
      tickets.push_back(
          engine->submit(std::vector<Sample>(count, batch({1}).front()), Region::Lower, nullptr));
    };
    for (int lane = 0; lane < kLanes; ++lane) {
      submit(1);
      gpu_->wait_for_launches(opened_.launches + 2 + lane);
    }
    for (const std::size_t count : counts) submit(count);
    gpu_->hold(false);
    for (const Engine::Ticket ticket : tickets) engine->collect(ticket);
    return uploads();
  }

  // Faces as numbered, with speech that is new in each batch.
  std::vector<Sample> batch(const std::vector<int> &faces) {
    std::vector<Sample> samples;
    for (const int face : faces) {
      inputs_.push_back(std::make_unique<test::SampleInput>(face));
      inputs_.back()->mel = test::SampleInput(++speech_).mel;
      samples.push_back(inputs_.back()->sample());
    }
    return samples;
  }

  // Within one level of a network by plain loops, in the rows that are valid.
  void expect_right(const Answers &answers, const std::vector<Sample> &samples) {
    const test::PlainNetwork plain(file_.path());
    ASSERT_EQ(answers.images.size(), samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const std::vector<double> expected = plain.answer(samples[i].crop.pixels, samples[i].mel);
      const std::vector<std::uint8_t> &image = answers.images[i];
      ASSERT_EQ(image.size(), kCrop);
      const auto first = static_cast<std::size_t>(answers.first_valid_row) * 96 * 3;
      EXPECT_LE(test::levels_off(image, expected, first), 255e-4) << "sample " << i;
      EXPECT_EQ(std::count(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(first), 0),
                static_cast<std::ptrdiff_t>(first));
    }
  }

  int repeated(Engine &engine, const std::vector<int> &faces, Region region = Region::Full) {
    const std::vector<Sample> samples = batch(faces);
    const Answers answers = run(engine, samples, region);
    expect_right(answers, samples);
    return answers.repeated_crops;
  }

  template <typename Function>
  static Error failure_of(const Function &function) {
    try {
      function();
    } catch (const Error &error) {
      return error;
    }
    return Error(ErrorCode::NotFound, "no error at all");
  }

  static Sizes rest(const Sizes &all, std::size_t from) {
    return {all.begin() + static_cast<std::ptrdiff_t>(from), all.end()};
  }

  test::TemporaryFile file_;
  EngineConfig config_;
  std::shared_ptr<FakeDriver> gpu_ = std::make_shared<FakeDriver>();
  FakeDriver::Counts opened_;
  std::vector<std::unique_ptr<test::SampleInput>> inputs_;
  int speech_ = 100;
  test::SizedCrops sized_;
};

TEST_F(CudaEngineTest, DescribesItself) {
  config_.device = "cuda:3";
  const EngineInfo info = open(128)->info();
  EXPECT_EQ(info.family, "wav2lip-96");
  EXPECT_EQ(info.crop_size, 96);
  EXPECT_EQ(info.max_crop_edge, 192);
  EXPECT_EQ(info.mel_bands, 80);
  EXPECT_EQ(info.mel_columns, 16);
  EXPECT_EQ(info.device, "cuda:3");
  EXPECT_EQ(info.precision, Precision::Fp32);
  EXPECT_EQ(info.preferred_batch, 32);
  EXPECT_EQ(info.max_batch, 128);
  EXPECT_EQ(info.slots, 2);
  EXPECT_GT(info.parameters, 0);
}

TEST_F(CudaEngineTest, AutoIsFp16) {
  EXPECT_EQ(resolve_cuda_precision(Precision::Auto), Precision::Fp16);
  for (const Precision precision :
       {Precision::Fp32, Precision::Tf32, Precision::Bf16, Precision::Fp16})
    EXPECT_EQ(resolve_cuda_precision(precision), precision);
}

TEST_F(CudaEngineTest, AnswersAsTheNetworksDefinitionSays) {
  const auto engine = open();
  for (const Region region : {Region::Full, Region::Lower}) {
    const std::vector<Sample> samples = batch({1, 2, 3});
    const Answers answers = run(*engine, samples, region);
    EXPECT_EQ(answers.first_valid_row, region == Region::Full ? 0 : 48);
    EXPECT_EQ(answers.end_valid_row, 96);
    EXPECT_GT(answers.milliseconds, 0);
    expect_right(answers, samples);
  }
}

TEST_F(CudaEngineTest, AnswersInEveryPrecisionNearThat) {
  const std::vector<Sample> samples = batch({1});
  const test::PlainNetwork plain(file_.path());
  const std::vector<double> expected = plain.answer(samples[0].crop.pixels, samples[0].mel);
  for (const auto &[precision, most] : test::kMostLevelsOff) {
    config_.precision = precision;
    const double levels = test::levels_off(run(*open(1), samples).images[0], expected);
    EXPECT_LE(levels, most) << to_string(precision);
    EXPECT_EQ(levels <= 255e-4, precision == Precision::Fp32) << to_string(precision);
  }
}

// A frame of the reference recording through the network at its full width.
TEST_F(CudaEngineTest, AnswersAsTheReferenceDoes) {
  const char *folder = std::getenv("W2L_TEST_DATA");
  if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  test::write_sample(file_.path(), {});
  auto arrays = test::load_npz(std::string(folder) + "/golden/e2e_25fps/net_batch0.npz");
  const std::vector<float> face = arrays.at("face").floats(), mel = arrays.at("mel").floats();
  const std::vector<float> expected = arrays.at("pred").floats();
  std::vector<std::uint8_t> crop(kCrop);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t p = 0; p < 96 * 96; ++p)
      crop[p * 3 + c] = static_cast<std::uint8_t>(std::lround(face[(c + 3) * 96 * 96 + p] * 255));
  const Answers answers = run(*open(1), {{{crop.data(), 96, 96}, mel.data()}});
  int wrong = 0;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t p = 0; p < 96 * 96; ++p)
      wrong += std::fabs(answers.images[0][p * 3 + c] + 0.5 - expected[c * 96 * 96 + p] * 255.0) >
               0.5 + 255e-4;
  EXPECT_EQ(wrong, 0);
}

TEST_F(CudaEngineTest, CopiesItsInputs) {
  const auto engine = open();
  test::SampleInput input(0), before(0);
  gpu_->hold(true);
  const auto ticket = engine->submit({input.sample()}, Region::Full, nullptr);
  std::fill(input.crop.begin(), input.crop.end(), 0);
  std::fill(input.mel.begin(), input.mel.end(), 0.0f);
  gpu_->hold(false);
  expect_right(engine->collect(ticket), {before.sample()});
}

// Copies ----------------------------------------------------------------------------------------

TEST_F(CudaEngineTest, CopiesOneBlockToTheGpuAndOneBackForABatch) {
  const auto engine = open();
  run(*engine, batch({1, 2}));
  EXPECT_EQ(uploads(), (Sizes{upload(2, 2)}));
  EXPECT_EQ(downloads(), (Sizes{2 * kCrop}));
  EXPECT_EQ(launches(), 2);  // the encoder, and the rest
  run(*engine, batch({1, 2}), Region::Lower);
  EXPECT_EQ(uploads().back(), upload(2, 0));  // no crops
  EXPECT_EQ(downloads().back(), kCrop);       // two halves
  EXPECT_EQ(launches(), 3);                   // no encoder
}

TEST_F(CudaEngineTest, PadsOddCountsToTheNextBucket) {
  const auto engine = open(8);
  EXPECT_EQ(repeated(*engine, {1, 2, 3}), 0);
  EXPECT_EQ(uploads().back(), upload(4, 4, 1));
  EXPECT_EQ(downloads().back(), 3 * kCrop);
  EXPECT_EQ(repeated(*engine, {1, 4, 2, 3, 5}), 3);
  EXPECT_EQ(uploads().back(), upload(8, 2));
  EXPECT_EQ(downloads().back(), 5 * kCrop);
  EXPECT_EQ(repeated(*engine, {6, 1, 7, 2, 8}), 2);
  EXPECT_EQ(uploads().back(), upload(8, 4, 1));
}

TEST_F(CudaEngineTest, CapturesAndAllocatesOnlyWhenOpening) {
  const auto engine = open();
  EXPECT_EQ(opened_.graphs, kLanes * 3 * 3);  // three buckets; encoder, whole and lower answers
  EXPECT_EQ(opened_.launches, kOpeningLaunches);
  EXPECT_EQ(opened_.streams, kLanes + 1);
  const int kernels = opened_.kernels;
  for (const std::vector<int> &faces : std::vector<std::vector<int>>{{1}, {1, 2, 3}, {4, 4, 5, 6}})
    for (const Region region : {Region::Full, Region::Lower}) run(*engine, batch(faces), region);
  run(*engine, {sized_.make(192, 192), sized_.make(3, 5), sized_.make(192, 100)});
  const FakeDriver::Counts now = gpu_->counts();
  EXPECT_EQ(now.graphs, opened_.graphs);
  EXPECT_EQ(now.allocations, opened_.allocations);
  EXPECT_EQ(now.host_allocations, opened_.host_allocations);
  EXPECT_EQ(now.streams, opened_.streams);
  EXPECT_EQ(now.events, opened_.events);
  EXPECT_GT(now.kernels, kernels);
}

TEST_F(CudaEngineTest, GivesBackAllThatItHadTaken) {
  open();
  EXPECT_EQ(gpu_->objects_alive(), 0u);
  const auto engine = open();
  engine->submit(batch({1}), Region::Full, nullptr);
  EXPECT_GT(gpu_->objects_alive(), 0u);
}

// Crops of other sizes ----------------------------------------------------------------------------

TEST_F(CudaEngineTest, AnswersCropsOfAnySizeAsIfTheyHadBeenResized) {
  const auto engine = open(8);
  for (const Region region : {Region::Full, Region::Lower}) {
    const std::vector<Sample> samples = {sized_.make(40, 57),  sized_.make(192, 192),
                                         sized_.make(96, 96),  sized_.make(1, 1),
                                         sized_.make(150, 99), sized_.make(191, 3)};
    const Answers answers = run(*engine, samples, region);
    EXPECT_EQ(answers.repeated_crops, 0);
    const Answers expected = run(*engine, sized_.resized(samples), region);
    EXPECT_EQ(expected.repeated_crops, 1);  // the one that has the size already
    EXPECT_EQ(answers.images, expected.images);
    expect_right(expected, sized_.resized(samples));
  }
}

TEST_F(CudaEngineTest, CopiesOnlyThePixelsThatThereAre) {
  const auto engine = open();
  run(*engine, {sized_.make(40, 57), sized_.make(192, 7), sized_.make(1, 1)});
  EXPECT_EQ(uploads(), (Sizes{upload_of_pixels(4, 4, 3 * (40 * 57 + 192 * 7 + 1))}));
}

TEST_F(CudaEngineTest, FindsACropAgainThatHasTheSameSize) {
  const auto engine = open();
  const Sample first = sized_.make(40, 60);
  Sample turned = first;
  std::swap(turned.crop.width, turned.crop.height);
  EXPECT_EQ(run(*engine, {first}).repeated_crops, 0);
  const Answers answers = run(*engine, {first, turned});
  EXPECT_EQ(answers.repeated_crops, 1);
  EXPECT_EQ(answers.images, run(*engine, sized_.resized({first, turned})).images);
  EXPECT_NE(answers.images[0], answers.images[1]);
  EXPECT_EQ(run(*engine, {turned, first}).repeated_crops, 2);
}

TEST_F(CudaEngineTest, TakesItsLargestBatchOfItsLargestCrops) {
  const auto engine = open(8);
  gpu_->hold(true);
  std::vector<Sample> samples[kLanes];
  std::vector<Engine::Ticket> tickets;
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int i = 0; i < 8; ++i) samples[lane].push_back(sized_.make(192, 192));
    tickets.push_back(engine->submit(samples[lane], Region::Lower, nullptr));
    gpu_->wait_for_launches(opened_.launches + 2 * (lane + 1));
  }
  gpu_->hold(false);
  const std::size_t bytes = upload_of_pixels(8, 8, 8 * 192 * 192 * 3);
  EXPECT_EQ(uploads(), (Sizes{bytes, bytes}));
  for (int lane = 0; lane < kLanes; ++lane) {
    const auto images = engine->collect(tickets[static_cast<std::size_t>(lane)]).images;
    EXPECT_EQ(images, run(*engine, sized_.resized(samples[lane]), Region::Lower).images);
  }
}

TEST_F(CudaEngineTest, RefusesCropsThatAreTooLargeOrEmpty) {
  const auto engine = open();
  Sample sample = sized_.make(192, 192);
  using Size = std::pair<int, int>;
  for (const auto &[width, height] : {Size{193, 5}, Size{5, 193}, Size{0, 5}, Size{5, -1}}) {
    sample.crop.width = width;
    sample.crop.height = height;
    const Error error = failure_of([&] {
      engine->submit({sized_.make(9, 9), sample}, Region::Full, nullptr);
    });
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
    EXPECT_EQ(std::string(error.what()),
              "a crop of " + std::to_string(width) + " x " + std::to_string(height) +
                  " pixels; the engine takes 1 x 1 to 192 x 192 (a bug in the caller)");
  }
}

// Crops that come again ---------------------------------------------------------------------------

TEST_F(CudaEngineTest, CountsRepeatedCropsAndAnswersThemAsNewOnes) {
  for (const Region region : {Region::Lower, Region::Full}) {
    const auto engine = open();
    EXPECT_EQ(repeated(*engine, {1, 2}, region), 0);
    EXPECT_EQ(repeated(*engine, {3, 2, 4}, region), 1);     // old and new ones in one batch
    EXPECT_EQ(repeated(*engine, {5, 5, 1, 5}, region), 3);  // a new one three times
    EXPECT_EQ(repeated(*engine, {1, 2, 4, 5}, region), 4);
  }
}

// Features have all their rows whatever is asked for.
TEST_F(CudaEngineTest, UsesFeaturesOfOneRegionForTheOther) {
  const auto engine = open();
  EXPECT_EQ(repeated(*engine, {1, 2}, Region::Lower), 0);
  EXPECT_EQ(repeated(*engine, {1, 2}, Region::Full), 2);
}

TEST_F(CudaEngineTest, RecognisesNothingWithoutACache) {
  config_.feature_cache_bytes = 0;
  const auto engine = open();
  EXPECT_EQ(repeated(*engine, {1, 1, 2}), 0);
  EXPECT_EQ(uploads().back(), upload(4, 4, 1));
  EXPECT_EQ(repeated(*engine, {1, 2}), 0);
  EXPECT_EQ(uploads().back(), upload(2, 2));
}

TEST_F(CudaEngineTest, KeepsWhatFitsTheBoundAndTheBatchesInFlightAtLeast) {
  config_.feature_cache_bytes = 1;
  const auto engine = open(1);  // a slot for each lane
  EXPECT_EQ(repeated(*engine, {1}), 0);
  EXPECT_EQ(repeated(*engine, {2}), 0);
  EXPECT_EQ(repeated(*engine, {2}), 1);
  EXPECT_EQ(repeated(*engine, {3}), 0);
  EXPECT_EQ(repeated(*engine, {4}), 0);  // one of the two before, and both of the others, are gone
  EXPECT_EQ(repeated(*engine, {1}), 0);
  const std::size_t little = gpu_->memory_in_use();
  config_.feature_cache_bytes = 8 * kMiB;
  const auto other = open(1);
  EXPECT_GT(gpu_->memory_in_use(), 2 * little + 7 * kMiB);
  EXPECT_LT(gpu_->memory_in_use(), 2 * little + 9 * kMiB);
}

// Side by side ------------------------------------------------------------------------------------

// Lane two's batch reads features that lane one's computes, and that is not waited for elsewhere.
TEST_F(CudaEngineTest, WaitsForFeaturesThatAnotherLaneComputes) {
  for (const auto order :
       {FakeDriver::Order::Lazy, FakeDriver::Order::OthersFirst, FakeDriver::Order::InTurns}) {
    const auto engine = open();
    gpu_->set_order(order);
    gpu_->hold(true);
    const std::vector<Sample> first = batch({1, 2}), second = batch({2, 3}), third = batch({2, 1});
    std::vector<Engine::Ticket> tickets;
    tickets.push_back(engine->submit(first, Region::Full, nullptr));
    gpu_->wait_for_launches(opened_.launches + 2);
    tickets.push_back(engine->submit(second, Region::Full, nullptr));
    gpu_->wait_for_launches(opened_.launches + 4);
    tickets.push_back(engine->submit(third, Region::Full, nullptr));
    gpu_->hold(false);
    const Answers last = engine->collect(tickets[2]);
    EXPECT_EQ(last.repeated_crops, 2);
    expect_right(last, third);
    const Answers middle = engine->collect(tickets[1]);
    EXPECT_EQ(middle.repeated_crops, 1);
    expect_right(middle, second);
    expect_right(engine->collect(tickets[0]), first);
  }
}

// The lanes' work is mixed as much as it can be, and each time something must make room.
TEST_F(CudaEngineTest, KeepsFeaturesAsLongAsALaunchInFlightReadsThem) {
  config_.feature_cache_bytes = 1;  // two slots
  const auto engine = open(1);
  gpu_->set_order(FakeDriver::Order::InTurns);
  run(*engine, batch({0}));
  run(*engine, batch({1}));
  for (int round = 1; round <= 6; ++round) {
    const std::vector<Sample> one = batch({2 * round}), other = batch({2 * round + 1});
    const int before = gpu_->counts().launches;
    gpu_->hold(true);
    const auto first = engine->submit(one, Region::Full, nullptr);
    gpu_->wait_for_launches(before + 2);
    const auto second = engine->submit(other, Region::Full, nullptr);
    gpu_->wait_for_launches(before + 4);
    gpu_->hold(false);
    expect_right(engine->collect(first), one);
    expect_right(engine->collect(second), other);
  }
}

TEST_F(CudaEngineTest, MergesBatchesThatWaitAtTheSameTime) {
  const auto engine = open(8);
  gpu_->hold(true);
  std::vector<std::vector<Sample>> samples;
  std::vector<Engine::Ticket> tickets;
  const auto submit = [&](const std::vector<int> &faces, Region region) {
    samples.push_back(batch(faces));
    tickets.push_back(engine->submit(samples.back(), region, nullptr));
  };
  for (int lane = 0; lane < kLanes; ++lane) {
    submit({1 + lane}, Region::Full);
    gpu_->wait_for_launches(opened_.launches + 2 * (lane + 1));
  }
  submit({3, 1}, Region::Full);  // these wait
  submit({3}, Region::Full);
  submit({4, 5}, Region::Full);
  submit({6}, Region::Lower);
  submit({7, 8, 9, 10, 11, 12, 13}, Region::Lower);
  submit({1, 1}, Region::Lower);  // nine would be too many
  gpu_->hold(false);
  std::vector<Answers> answers;
  for (const Engine::Ticket ticket : tickets) answers.push_back(engine->collect(ticket));
  for (std::size_t i = 0; i < tickets.size(); ++i) expect_right(answers[i], samples[i]);
  EXPECT_EQ(answers[2].repeated_crops, 1);
  EXPECT_EQ(answers[3].repeated_crops, 1);
  EXPECT_EQ(answers[4].repeated_crops, 0);
  EXPECT_EQ(uploads(),
            (Sizes{upload(1, 1), upload(1, 1), upload(8, 4, 1), upload(8, 8), upload(2, 0)}));
  EXPECT_EQ(downloads(), (Sizes{kCrop, kCrop, 5 * kCrop, 8 * kCrop / 2, 2 * kCrop / 2}));
}

TEST_F(CudaEngineTest, MergesNothingThatWouldBePaddedMore) {
  // 17 would be computed as 32.
  EXPECT_EQ(uploads_of_waiting({16, 1}),
            (Sizes{upload(1, 1), upload(1, 0), upload(16, 0), upload(1, 0)}));
}

// As those of live streams, whose speech comes in the same pieces.
TEST_F(CudaEngineTest, MergesManySmallBatchesThatFillALaunchTogether) {
  // Ten of them, not the two that fill eight places; then the other three, computed as 16.
  EXPECT_EQ(uploads_of_waiting(Sizes(13, 3)),
            (Sizes{upload(1, 1), upload(1, 0), upload(32, 0), upload(16, 0)}));
}

TEST_F(CudaEngineTest, CallsBackInTheOrderOfSubmission) {
  const auto engine = open();
  gpu_->hold(true);
  std::vector<int> done;  // callbacks never overlap, so it needs no lock
  std::vector<Engine::Ticket> tickets;
  for (int i = 0; i < 6; ++i)
    tickets.push_back(engine->submit(batch({i}), Region::Lower, [&done, i] { done.push_back(i); }));
  EXPECT_TRUE(std::is_sorted(tickets.begin(), tickets.end()));
  gpu_->hold(false);
  engine->collect(tickets[5]);
  EXPECT_EQ(done, (std::vector<int>{0, 1, 2, 3, 4, 5}));
  for (int i = 0; i < 5; ++i) engine->collect(tickets[static_cast<std::size_t>(i)]);
}

TEST_F(CudaEngineTest, ServesSeveralThreads) {
  const auto engine = open();
  const std::vector<Sample> faces = batch({1, 2, 3});
  std::vector<Answers> expected;
  for (const Sample &face : faces) expected.push_back(run(*engine, {face}));
  std::atomic<int> wrong{0};
  std::vector<std::thread> users;
  for (std::size_t user = 0; user < 3; ++user)
    users.emplace_back([&, user] {
      for (int i = 0; i < 5; ++i) {
        const auto given_up = engine->submit({faces[(user + 1) % 3]}, Region::Lower, nullptr);
        const auto ticket = engine->submit({faces[user]}, Region::Full, nullptr);
        engine->discard(given_up);
        if (engine->collect(ticket).images != expected[user].images) ++wrong;
      }
    });
  for (std::thread &user : users) user.join();
  EXPECT_EQ(wrong, 0);
}

// Tickets -----------------------------------------------------------------------------------------

TEST_F(CudaEngineTest, HasCalledBackAndFreedTheCallbackWhenCollectReturns) {
  const auto engine = open(1);
  const std::vector<Sample> sample = batch({1});
  for (int i = 0; i < 20; ++i) {
    auto owned = std::make_shared<int>(0);
    engine->collect(engine->submit(sample, Region::Lower, [owned] { ++*owned; }));
    EXPECT_EQ(*owned, 1);
    EXPECT_EQ(owned.use_count(), 1);
  }
}

TEST_F(CudaEngineTest, CollectsOnce) {
  const auto engine = open(1);
  const auto ticket = engine->submit(batch({1}), Region::Lower, nullptr);
  engine->collect(ticket);
  EXPECT_THROW(engine->collect(ticket), Error);
  EXPECT_THROW(engine->collect(ticket + 1), Error);
  engine->discard(ticket);  // nothing left to give up: no harm
}

TEST_F(CudaEngineTest, DropsADiscardedBatchThatHasNotStarted) {
  const auto engine = open(1);
  gpu_->hold(true);
  std::atomic<int> called{0};
  std::vector<Engine::Ticket> tickets;
  for (int lane = 0; lane < kLanes; ++lane) {
    tickets.push_back(engine->submit(batch({lane}), Region::Lower, [&] { ++called; }));
    gpu_->wait_for_launches(opened_.launches + 2 * (lane + 1));
  }
  auto owned = std::make_shared<int>(0);
  const auto dropped = engine->submit(batch({9}), Region::Lower, [owned] { ++*owned; });
  engine->discard(dropped);
  EXPECT_EQ(owned.use_count(), 1);
  gpu_->hold(false);
  engine->discard(tickets[1]);  // started: waits for it
  EXPECT_EQ(called, kLanes);
  engine->collect(tickets[0]);
  EXPECT_EQ(*owned, 0);
  EXPECT_EQ(launches(), 2 * kLanes);
}

// At each allocation in turn; the queue's own come with a certain number of batches only.
TEST_F(CudaEngineTest, TakesABatchAsAWholeOrNotAtAllWhereMemoryIsScarce) {
  const auto engine = open();
  for (int turn = 0; turn < 20; ++turn) {
    const std::vector<Sample> samples = batch({turn});
    int called = 0, failed = 0;
    std::optional<Engine::Ticket> ticket;
    while (!ticket) {
      test::allocations_left = failed;
      try {
        ticket = engine->submit(samples, Region::Full, [&called] { ++called; });
      } catch (const std::bad_alloc &) {
        ++failed;
      }
      test::allocations_left = test::kPlenty;
    }
    EXPECT_EQ(engine->collect(*ticket).images.size(), 1u);
    EXPECT_GE(failed, 3);
    EXPECT_EQ(called, 1);
  }
}

TEST_F(CudaEngineTest, TakesBatchesOf1ToItsLargest) {
  const auto engine = open(2);
  EXPECT_THROW(engine->submit({}, Region::Full, nullptr), Error);
  const Error error = failure_of([&] { engine->submit(batch({1, 2, 3}), Region::Full, nullptr); });
  EXPECT_EQ(error.code(), ErrorCode::Unsupported);
  EXPECT_EQ(std::string(error.what()), "a batch of 3 frames; use a batch-size of 1 to 2");
}

TEST_F(CudaEngineTest, DropsWhatHasNotStartedWhenDestroyed) {
  auto engine = open(1);
  gpu_->hold(true);
  std::atomic<int> called{0};
  for (int lane = 0; lane < kLanes; ++lane) {
    engine->submit(batch({lane}), Region::Lower, [&] { ++called; });
    gpu_->wait_for_launches(opened_.launches + 2 * (lane + 1));
  }
  engine->submit(batch({5}), Region::Lower, [&] { called += 100; });
  // So that it lets go only once the destructor has begun: it waits for the queue to be dropped.
  auto dropped = std::make_shared<int>();
  engine->submit(batch({6}), Region::Lower, [dropped] {});
  std::thread opener([&] {
    while (dropped.use_count() > 1) std::this_thread::yield();
    gpu_->hold(false);
  });
  engine.reset();
  opener.join();
  EXPECT_EQ(called, kLanes);
  EXPECT_EQ(launches(), 2 * kLanes);
  EXPECT_EQ(gpu_->objects_alive(), 0u);
}

TEST_F(CudaEngineTest, MayBeDestroyedByACallback) {
  auto engine = open(1);
  CudaEngine *raw = engine.get();
  const std::vector<Sample> samples = batch({1});
  raw->submit(samples, Region::Lower, [engine = std::move(engine)]() mutable { engine.reset(); });
  while (gpu_->objects_alive() > 0 || gpu_.use_count() > 1) std::this_thread::yield();
}

// When the GPU fails ------------------------------------------------------------------------------

TEST_F(CudaEngineTest, TakesSmallerBatchesWhenMemoryIsShort) {
  config_.feature_cache_bytes = 1;
  const std::size_t for_one = [&] {
    const auto engine = open(1);
    return gpu_->memory_in_use();
  }();
  const std::size_t for_eight = [&] {
    const auto engine = open(8);
    return gpu_->memory_in_use();
  }();
  ASSERT_LT(4 * for_one, for_eight);
  gpu_->set_memory(for_eight);
  EXPECT_EQ(open(32)->info().max_batch, 8);
  gpu_->set_memory(for_eight - 1);
  {
    const auto engine = open(32);
    EXPECT_EQ(engine->info().max_batch, 4);
    EXPECT_EQ(engine->info().preferred_batch, 4);
    EXPECT_EQ(repeated(*engine, {1, 2, 3, 4}), 0);
  }
  gpu_->set_memory(for_one);
  EXPECT_EQ(open(32)->info().max_batch, 1);
  gpu_->set_memory(for_one - 1);
  EXPECT_EQ(failure_of([&] { open(32); }).code(), ErrorCode::OutOfMemory);
  EXPECT_EQ(gpu_->objects_alive(), 0u);
}

TEST_F(CudaEngineTest, KeepsFewerFeaturesBeforeItTakesSmallerBatches) {
  config_.feature_cache_bytes = 64 * kMiB;
  const std::size_t without = [&] {
    EngineConfig config = config_;
    config_.feature_cache_bytes = 0;
    const auto engine = open(2);
    config_ = config;
    return gpu_->memory_in_use();
  }();
  gpu_->set_memory(without + 20 * kMiB);
  const auto engine = open(2);
  EXPECT_EQ(engine->info().max_batch, 2);
  EXPECT_GT(gpu_->memory_in_use(), without + 10 * kMiB);
}

TEST_F(CudaEngineTest, SaysWhatIsWrongWhenItIsOpened) {
  for (const auto call :
       {FakeDriver::Call::AllocateHost, FakeDriver::Call::Upload, FakeDriver::Call::Capture,
        FakeDriver::Call::Launch, FakeDriver::Call::Synchronize}) {
    for (int n = 1; n <= 3; ++n) {
      gpu_ = std::make_shared<FakeDriver>();
      gpu_->fail(call, n, Error(ErrorCode::UnusableDevice, "too old"));
      EXPECT_EQ(std::string(failure_of([&] { open(); }).what()), "too old");
      EXPECT_EQ(gpu_->objects_alive(), 0u);
    }
  }
  const auto no_gpu = [&]() -> std::shared_ptr<Driver> {
    throw Error(ErrorCode::NoDevice, "no GPU");
  };
  EXPECT_EQ(failure_of([&] { CudaEngine(config_, no_gpu); }).code(), ErrorCode::NoDevice);
}

TEST_F(CudaEngineTest, PassesOnWhatIsWrongWithACheckpoint) {
  file_.write("PK\3\4 and then nothing");
  EXPECT_EQ(failure_of([&] { open(); }).code(), ErrorCode::Format);
  EXPECT_EQ(gpu_->objects_alive(), 0u);
}

TEST_F(CudaEngineTest, DeliversNothingThatAGpuComputesAfterAFailure) {
  const auto engine = open(1);
  gpu_->hold(true);
  const auto first = engine->submit(batch({1}), Region::Full, nullptr);
  gpu_->wait_for_launches(opened_.launches + 2);
  const auto second = engine->submit(batch({2}), Region::Full, nullptr);
  gpu_->wait_for_launches(opened_.launches + 4);
  gpu_->fail(FakeDriver::Call::Synchronize, 1, Error(ErrorCode::Failed, "stopped"), true);
  gpu_->hold(false);
  EXPECT_EQ(failure_of([&] { engine->collect(second); }).code(), ErrorCode::Failed);
  EXPECT_EQ(failure_of([&] { engine->collect(first); }).code(), ErrorCode::Failed);
  const Error later = failure_of([&] { engine->submit(batch({3}), Region::Full, nullptr); });
  EXPECT_EQ(std::string(later.what()), "stopped");
}

TEST_F(CudaEngineTest, FailsAllBatchesOnceTheGpuIsLost) {
  const Error lost(ErrorCode::Failed, "cuda:0 stopped");
  for (const auto call : {FakeDriver::Call::Upload, FakeDriver::Call::Launch,
                          FakeDriver::Call::Download, FakeDriver::Call::Synchronize}) {
    gpu_ = std::make_shared<FakeDriver>();
    const auto engine = open(1);
    gpu_->hold(true);
    gpu_->fail(call, call == FakeDriver::Call::Launch ? 2 : 1, lost);
    std::vector<int> done;
    std::vector<Engine::Ticket> tickets;
    Error at_submit(ErrorCode::NotFound, "");
    try {
      for (int i = 0; i < 4; ++i)
        tickets.push_back(
            engine->submit(batch({i}), Region::Full, [&done, i] { done.push_back(i); }));
    } catch (const Error &error) {  // it may be known already
      at_submit = error;
    }
    gpu_->hold(false);
    ASSERT_GE(tickets.size(), 1u);
    EXPECT_TRUE(tickets.size() == 4 || at_submit.what() == std::string(lost.what()));
    for (const Engine::Ticket ticket : tickets) {
      const Error error = failure_of([&] { engine->collect(ticket); });
      EXPECT_EQ(error.code(), ErrorCode::Failed);
      EXPECT_EQ(std::string(error.what()), lost.what());
    }
    EXPECT_EQ(done.size(), tickets.size());
    EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
    const Error error = failure_of([&] { engine->submit(batch({9}), Region::Full, nullptr); });
    EXPECT_EQ(error.code(), ErrorCode::Failed);
    EXPECT_EQ(std::string(error.what()), lost.what());
  }
}

}  // namespace
}  // namespace w2l
