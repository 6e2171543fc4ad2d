// gst-wav2lip tests: W2L_MAX_ISA. A limit holds for the rest of the process, so that each test sets
// its own. LibTorch reads its limits once: one test looks at them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instruction_limit.h"

#include <ATen/Version.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "../app/subprocess.h"
#include "cpu_precision.h"
#include "sample_checkpoints.h"
#include "temporary_file.h"

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
                 "W2L_MAX_ISA=avx9 is no limit for this kind of CPU; use avx2 or sse4");
  }
  EXPECT_EQ(hwy::SupportedTargets(), before);
}

TEST(InstructionLimit, Avx2IsNoMoreThanAvx2AndHasNoBf16) {
  setenv("ONEDNN_MAX_CPU_ISA", "AVX", 1);  // a user's own
  unsetenv("ATEN_CPU_CAPABILITY");
  limit_instructions("avx2");
  EXPECT_EQ(hwy::SupportedTargets() & (HWY_AVX2 - 1), 0);
  EXPECT_FALSE(cpu_has_bf16());
  EXPECT_STREQ(std::getenv("ONEDNN_MAX_CPU_ISA"), "AVX");
  EXPECT_NE(at::get_cpu_capability(), "AVX512");
}

TEST(InstructionLimit, Sse4IsNoMoreThanSse4) {
  unsetenv("ONEDNN_MAX_CPU_ISA");
  limit_instructions("sse4");
  EXPECT_EQ(hwy::SupportedTargets() & (HWY_SSE4 - 1), 0);
  EXPECT_STREQ(std::getenv("ONEDNN_MAX_CPU_ISA"), "SSE41");
}

// Without the limits that the tests above have left to LibTorch.
test::Finished run_engine(const std::string &checkpoint, const std::string &limit) {
  const test::TemporaryFile out;
  return test::run({"env", "-u", "ONEDNN_MAX_CPU_ISA", "-u", "ATEN_CPU_CAPABILITY",
                    "W2L_MAX_ISA=" + limit, "ONEDNN_VERBOSE=1", std::getenv("W2L_RUN_ENGINE"),
                    checkpoint, "auto", out.path()});
}

// What a user sees who sets the variable, down to oneDNN's own word for it.
TEST(InstructionLimit, IsReadWhenAnEngineOpens) {
  const std::string demo = std::getenv("W2L_DEMO_CHECKPOINT");
  const test::Finished limited = run_engine(demo, "sse4");
  EXPECT_EQ(limited.status, 0) << limited.err;
  EXPECT_NE(limited.out.find("isa:Intel SSE4.1"), std::string::npos) << limited.out;
  EXPECT_NE(limited.out.find("\nfp32\n"), std::string::npos) << limited.out;
  const test::Finished wrong = run_engine(demo, "avx9");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.err.find("use avx2 or sse4"), std::string::npos) << wrong.err;
}

// oneDNN repacks weights in each call, silently, when they were packed for another size of picture.
TEST(InstructionLimit, WeightsArePackedBeforehandForAllInstructions) {
  const test::TemporaryFile checkpoint;
  test::write_sample(checkpoint.path(), {});
  for (const char *limit : {"", "avx2", "sse4"}) {
    const test::Finished run = run_engine(checkpoint.path(), limit);
    EXPECT_EQ(run.status, 0) << run.err;
    const std::size_t opened = std::min(run.out.find("\nfp32\n"), run.out.find("\nbf16\n"));
    ASSERT_NE(opened, std::string::npos);
    EXPECT_NE(run.out.find(",exec,cpu,convolution,", opened), std::string::npos);
    const std::size_t repacked = run.out.find(",exec,cpu,reorder,", opened);
    EXPECT_EQ(repacked, std::string::npos)
        << limit << run.out.substr(std::min(repacked, run.out.size()), 200);
  }
}

}  // namespace
}  // namespace w2l
