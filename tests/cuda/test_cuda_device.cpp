// gst-wav2lip tests: libw2l-cuda.so on this computer's GPU, against the same network by plain
// loops. Skipped, with the reason, where there is no GPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "engine.h"
#include "plain_network.h"
#include "sample_checkpoints.h"
#include "sample_inputs.h"
#include "sized_crops.h"
#include "temporary_file.h"

namespace w2l {
namespace {

class CudaDevice : public testing::Test {
 protected:
  CudaDevice() {
    test::SampleOptions options;
    options.divide = 16;
    test::write_sample(file_.path(), options);
    config_.model = file_.path();
    config_.device = "cuda";
  }

  // Null, and the test is skipped, where there is no GPU. Other failures are the test's.
  std::shared_ptr<Engine> open(Precision precision) {
    config_.precision = precision;
    try {
      return open_engine(config_);
    } catch (const Error &error) {
      if (error.code() != ErrorCode::NoDevice) throw;
      reason_ = error.what();
      return nullptr;
    }
  }

  // Of all valid rows.
  double levels_off(const Answers &answers, const std::vector<Sample> &samples) const {
    const test::PlainNetwork plain(file_.path());
    double largest = 0;
    for (std::size_t i = 0; i < samples.size(); ++i)
      largest = std::max(
          largest,
          test::levels_off(answers.images[i], plain.answer(samples[i].crop.pixels, samples[i].mel),
                           static_cast<std::size_t>(answers.first_valid_row) * 96 * 3));
    return largest;
  }

  test::TemporaryFile file_;
  EngineConfig config_;
  std::string reason_;
};

TEST_F(CudaDevice, AnswersAsThePlainNetworkInEveryPrecision) {
  for (const auto &[precision, most] : test::kMostLevelsOff) {
    const std::shared_ptr<Engine> engine = open(precision);
    if (!engine) GTEST_SKIP() << reason_;
    const std::vector<test::SampleInput> inputs = test::sample_inputs(5);
    const std::vector<Sample> samples = test::samples_of(inputs);
    for (const Region region : {Region::Full, Region::Lower}) {
      const Answers answers = engine->collect(engine->submit(samples, region, nullptr));
      EXPECT_LE(levels_off(answers, samples), most) << to_string(precision);
      EXPECT_EQ(answers.repeated_crops, region == Region::Full ? 0 : 5);
    }
  }
}

TEST_F(CudaDevice, AnswersCropsOfAnySizeAsIfTheyHadBeenResized) {
  for (const auto &[precision, most] : test::kMostLevelsOff) {
    const std::shared_ptr<Engine> engine = open(precision);
    if (!engine) GTEST_SKIP() << reason_;
    test::SizedCrops crops;
    const int edge = engine->info().max_crop_edge;
    std::vector<Sample> samples = {crops.make(edge, edge), crops.make(1, 1), crops.make(edge, 1),
                                   crops.make(1, edge), crops.make(96, 96)};
    for (int i = 1; i <= 64; ++i) samples.push_back(crops.make(3 * i, edge + 1 - 2 * i));
    const std::vector<Sample> resized = crops.resized(samples);
    const Answers answers = engine->collect(engine->submit(samples, Region::Full, nullptr));
    const Answers expected = engine->collect(engine->submit(resized, Region::Full, nullptr));
    EXPECT_EQ(answers.repeated_crops, 0);
    // The same numbers went through the same kernels.
    for (std::size_t i = 0; i < samples.size(); ++i)
      EXPECT_EQ(answers.images[i], expected.images[i])
          << samples[i].crop.width << " x " << samples[i].crop.height << " in "
          << to_string(precision);
    EXPECT_LE(levels_off(expected, {resized.begin(), resized.begin() + 5}), most);
  }
}

TEST_F(CudaDevice, AnswersDoNotDependOnTheBatch) {
  const std::shared_ptr<Engine> engine = open(Precision::Fp32);
  if (!engine) GTEST_SKIP() << reason_;
  const std::vector<test::SampleInput> inputs = test::sample_inputs(40);
  const std::vector<Sample> samples = test::samples_of(inputs);
  std::vector<Engine::Ticket> tickets;
  for (const Sample &sample : samples)
    tickets.push_back(engine->submit({sample}, Region::Full, nullptr));
  const Answers together = engine->collect(engine->submit(samples, Region::Full, nullptr));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::vector<std::uint8_t> alone = engine->collect(tickets[i]).images[0];
    int different = 0;
    for (std::size_t p = 0; p < alone.size(); ++p)
      different += std::abs(alone[p] - together.images[i][p]) > 1;
    EXPECT_EQ(different, 0) << "sample " << i;
  }
}

}  // namespace
}  // namespace w2l
