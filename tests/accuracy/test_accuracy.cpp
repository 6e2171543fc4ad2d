// gst-wav2lip tests: no precision of the CPU strays further from the network's definition than
// promised.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "accuracy.h"
#include "sample_checkpoints.h"
#include "temporary_file.h"

namespace w2l::test {
namespace {

void expect_bounds(const std::string &checkpoint) {
  const NetworkInputs inputs = demo_inputs(std::getenv("W2L_DEMO_DIR"), 3);
  const std::vector<Accuracy> results = measure_accuracy(checkpoint, inputs);
  ASSERT_GE(results.size(), 2u);
  for (const Accuracy &result : results) {
    SCOPED_TRACE(std::string(to_string(result.precision)) +
                 (result.region == Region::Lower ? ", lower" : ", full"));
    if (result.precision == Precision::Fp32) {
      EXPECT_GE(result.psnr, 110);
      EXPECT_LE(result.largest_levels, 1);
    } else {
      EXPECT_GE(result.psnr, 50);
    }
  }
}

TEST(Accuracy, IsWithinBoundsForFormulaWeights) {
  const TemporaryFile file;
  write_sample(file.path(), {});
  expect_bounds(file.path());
}

TEST(Accuracy, IsWithinBoundsForTheDemo) {
  expect_bounds(std::string(std::getenv("W2L_DEMO_DIR")) + "/wav2lip-demo.pth");
}

}  // namespace
}  // namespace w2l::test

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  gst_init(nullptr, nullptr);
  return RUN_ALL_TESTS();
}
