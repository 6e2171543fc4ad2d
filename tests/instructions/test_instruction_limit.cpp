// gst-wav2lip tests: W2L_MAX_ISA. A limit holds for the rest of the process.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instruction_limit.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdlib>
#include <string>

#include "../app/subprocess.h"
#include "error.h"
#include "temporary_file.h"
#include "winograd_kernels.h"

namespace w2l {
namespace {

TEST(InstructionLimit, LeavesEverythingAsItIsWithoutAName) {
  const std::int64_t before = hwy::SupportedTargets();
  limit_instructions(nullptr);
  limit_instructions("");
  EXPECT_EQ(hwy::SupportedTargets(), before);
}

TEST(InstructionLimit, RefusesNamesThatItDoesNotKnow) {
  const std::int64_t before = hwy::SupportedTargets();
  try {
    limit_instructions("avx9");
    FAIL() << "took avx9";
  } catch (const Error &error) {
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
    EXPECT_STREQ(error.what(),
                 "W2L_MAX_ISA=avx9 is no limit for this kind of CPU; use avx512, avx2, sse4");
  }
  EXPECT_EQ(hwy::SupportedTargets(), before);
}

TEST(InstructionLimit, LeavesOutAmxWithAnyName) {
  EXPECT_TRUE(allows_amx(nullptr));
  EXPECT_TRUE(allows_amx(""));
  EXPECT_FALSE(allows_amx("avx512"));
  EXPECT_FALSE(allows_amx("sse4"));
}

TEST(InstructionLimit, KeepsTheKernelsToOlderInstructions) {
  const std::int64_t before = hwy::SupportedTargets();
  limit_instructions("avx512");
  EXPECT_EQ(hwy::SupportedTargets(), before);
  limit_instructions("avx2");
  EXPECT_EQ(hwy::SupportedTargets() & (HWY_AVX2 - 1), 0);
  limit_instructions("sse4");
  EXPECT_EQ(hwy::SupportedTargets() & (HWY_SSE4 - 1), 0);
  // Chosen for good when they are used first, which is here.
  EXPECT_STREQ(best_winograd_kernels().target, "SSE4");
}

TEST(InstructionLimit, IsReadWhenAnEngineOpens) {
  const test::TemporaryFile out;
  const auto run_engine = [&](const std::string &limit) {
    return test::run({"env", "W2L_MAX_ISA=" + limit, std::getenv("W2L_RUN_ENGINE"),
                      std::getenv("W2L_DEMO_CHECKPOINT"), "fp32", out.path()});
  };
  const test::Finished limited = run_engine("sse4");
  EXPECT_EQ(limited.status, 0) << limited.err;
  const test::Finished wrong = run_engine("avx9");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.err.find("use avx512, avx2, sse4"), std::string::npos) << wrong.err;
}

}  // namespace
}  // namespace w2l
