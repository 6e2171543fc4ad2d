// gst-wav2lip tests: the GPU that only takes its time, opened as elements open a real one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "engine.h"
#include "sample_checkpoints.h"
#include "sample_inputs.h"
#include "temporary_file.h"

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

  Answers run(int faces, Region region) {
    std::vector<std::unique_ptr<test::SampleInput>> inputs;
    std::vector<Sample> samples;
    for (int face = 0; face < faces; ++face) {
      inputs.push_back(std::make_unique<test::SampleInput>(face));
      samples.push_back(inputs.back()->sample());
    }
    return engine_->collect(engine_->submit(samples, region, nullptr));
  }

  test::TemporaryFile file_;
  std::shared_ptr<Engine> engine_;
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

// What an H100 takes, not less: it never waits for less time than it means to.
TEST_F(TimedGpu, AnswersTakeTheirTime) {
  EXPECT_GE(run(1, Region::Full).milliseconds, 0.35);
  EXPECT_GE(run(100, Region::Full).milliseconds, 4.57);
  EXPECT_GE(run(100, Region::Lower).milliseconds, 2.9);  // of the same faces
}

}  // namespace
}  // namespace w2l
