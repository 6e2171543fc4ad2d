// gst-wav2lip tests: libw2l-cuda.so on this computer's GPU, against the same network by plain loops.
// Skipped, with the reason, where there is no GPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "engine.h"
#include "plain_network.h"
#include "sample_checkpoints.h"
#include "sample_inputs.h"
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

  // The most that a byte of the valid rows is from the truth, in levels.
  double error(const Answers &answers, const std::vector<Sample> &samples) const {
    const test::PlainNetwork plain(file_.path());
    double largest = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const std::vector<double> expected = plain.answer(samples[i].crop, samples[i].mel);
      for (std::size_t p = static_cast<std::size_t>(answers.first_valid_row) * 96 * 3;
           p < expected.size(); ++p)
        // A byte stands for all values that are truncated to it.
        largest =
            std::max(largest, std::fabs(answers.images[i][p] + 0.5 - expected[p] * 255) - 0.5);
    }
    return largest;
  }

  test::TemporaryFile file_;
  EngineConfig config_;
  std::string reason_;
};

// What each precision may be off, in levels; as with the kernels' twins (test_cuda_engine.cpp).
constexpr std::pair<Precision, double> kErrors[] = {
    {Precision::Fp32, 255e-4}, {Precision::Tf32, 2}, {Precision::Fp16, 2}, {Precision::Bf16, 16}};

TEST_F(CudaDevice, AnswersAsThePlainNetworkInEveryPrecision) {
  for (const auto &[precision, most] : kErrors) {
    const std::shared_ptr<Engine> engine = open(precision);
    if (!engine) GTEST_SKIP() << reason_;
    const std::vector<test::SampleInput> inputs = test::sample_inputs(5);
    const std::vector<Sample> samples = test::samples_of(inputs);
    for (const Region region : {Region::Full, Region::Lower}) {
      const Answers answers = engine->collect(engine->submit(samples, region, nullptr));
      EXPECT_LE(error(answers, samples), most) << to_string(precision);
      EXPECT_EQ(answers.repeated_crops, region == Region::Full ? 0 : 5);
    }
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
