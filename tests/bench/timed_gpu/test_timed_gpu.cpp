// gst-wav2lip tests: the GPU that only takes its time, opened as elements open a real one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <vector>

#include "engine.h"
#include "sample_checkpoints.h"
#include "sample_inputs.h"
#include "temporary_file.h"
#include "timed_driver.h"

namespace w2l {
namespace {

class TimedGpu : public testing::Test {
 protected:
  TimedGpu() {
    test::SampleOptions options;
    options.divide = 16;
    test::write_sample(file_.path(), options);
    EngineConfig config;
    config.model = file_.path();
    config.device = "cuda";
    engine_ = open_engine(config);
  }

  std::vector<Sample> faces(int count) {
    std::vector<Sample> samples;
    for (int face = 0; face < count; ++face) {
      inputs_.push_back(std::make_unique<test::SampleInput>(face));
      samples.push_back(inputs_.back()->sample());
    }
    return samples;
  }

  Answers run(int count, Region region) {
    return engine_->collect(engine_->submit(faces(count), region, nullptr));
  }

  test::TemporaryFile file_;
  std::shared_ptr<Engine> engine_;
  std::vector<std::unique_ptr<test::SampleInput>> inputs_;
};

TEST_F(TimedGpu, IsTakenForAGpu) {
  EXPECT_EQ(engine_->info().device, "cuda:0");
  EXPECT_EQ(engine_->info().precision, Precision::Fp16);
}

TEST_F(TimedGpu, AnswersAreGrey) {
  const Answers answers = run(3, Region::Lower);
  ASSERT_EQ(answers.images.size(), 3U);
  EXPECT_EQ(answers.first_valid_row, 48);
  for (const std::vector<std::uint8_t> &image : answers.images) {
    ASSERT_EQ(image.size(), 96U * 96 * 3);
    EXPECT_EQ(image.front(), 0);
    EXPECT_EQ(image[48 * 96 * 3], 128);
    EXPECT_EQ(image.back(), 128);
  }
}

// No less: nobody wakes up before it is time.
TEST_F(TimedGpu, AnswersTakeTheirTime) {
  EXPECT_GE(run(1, Region::Full).milliseconds, bench::launch_milliseconds(1, false, false));
  EXPECT_GE(run(100, Region::Full).milliseconds, bench::launch_milliseconds(100, false, false));
  EXPECT_GE(run(100, Region::Lower).milliseconds, bench::launch_milliseconds(100, true, true));
}

TEST_F(TimedGpu, LaunchesTakeTurns) {
  const std::vector<Sample> samples = faces(128);
  const auto begin = std::chrono::steady_clock::now();
  const Engine::Ticket first = engine_->submit(samples, Region::Full, nullptr);
  const Engine::Ticket second = engine_->submit(samples, Region::Full, nullptr);
  engine_->collect(first);
  engine_->collect(second);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took.count(), bench::launch_milliseconds(128, false, false) +
                              bench::launch_milliseconds(128, false, true));
}

TEST(TimedGpuTimes, LessWorkTakesLessTime) {
  double before = 0;
  for (int images = 1; images <= 128; images *= 2) {
    const double whole = bench::launch_milliseconds(images, false, false);
    const double lower = bench::launch_milliseconds(images, true, false);
    EXPECT_GT(whole, before);
    EXPECT_LT(lower, whole);
    EXPECT_LT(bench::launch_milliseconds(images, true, true), lower);
    EXPECT_GT(bench::launch_milliseconds(images, true, true), 0);
    before = whole;
  }
  EXPECT_EQ(bench::launch_milliseconds(65, false, false), before);
}

}  // namespace
}  // namespace w2l
