// gst-wav2lip tests: on a CPU without AVX-512, and on one without AVX, the CPU backend and its
// kernels meet no instruction that the CPU has not got, and give the same answers. The CPUs are
// qemu-user's, which knows no AVX-512 and stops at any other instruction that its CPU lacks.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "../app/subprocess.h"
#include "temporary_file.h"

namespace w2l {
namespace {

constexpr int kSkipped = 77;  // meson's exit status for it
constexpr int kIllegal = 128 + SIGILL;

struct Cpu {
  const char *model;             // qemu's name
  std::vector<std::string> has;  // instruction sets of w2l-run-engine
  std::vector<std::string> lacks;
  const char *kernels;  // Highway's name of the best that it can run
};

const Cpu kCpus[] = {{"Haswell", {"sse2", "avx2"}, {"avx512"}, "AVX2"},
                     {"Westmere", {"sse2"}, {"avx2", "avx512"}, "SSE4"}};

std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

test::Finished run_on(const Cpu &cpu, std::vector<std::string> command) {
  command.insert(command.begin(), {"qemu-x86_64", "-cpu", cpu.model});
  return test::run(command);
}

std::vector<std::string> engine_command(const std::string &precision, const std::string &out) {
  return {variable("W2L_RUN_ENGINE"), variable("W2L_DEMO_CHECKPOINT"), precision, out};
}

int most_different(const std::string &a, const std::string &b) {
  int most = a.size() == b.size() ? 0 : 255;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    most =
        std::max(most, std::abs(static_cast<std::uint8_t>(a[i]) - static_cast<std::uint8_t>(b[i])));
  return most;
}

// Of bytes, in dB.
double psnr(const std::string &a, const std::string &b) {
  if (a.size() != b.size() || a.empty()) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const int difference = static_cast<std::uint8_t>(a[i]) - static_cast<std::uint8_t>(b[i]);
    sum += difference * difference;
  }
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.size()) / sum);
}

class EmulatedCpu : public testing::TestWithParam<Cpu> {};

// Else all other tests here would pass on anything.
TEST_P(EmulatedCpu, StopsAtInstructionsThatItLacks) {
  const std::string engine = variable("W2L_RUN_ENGINE");
  for (const std::string &set : GetParam().has)
    EXPECT_EQ(run_on(GetParam(), {engine, "--execute", set}).status, 0) << set;
  for (const std::string &set : GetParam().lacks)
    EXPECT_EQ(run_on(GetParam(), {engine, "--execute", set}).status, kIllegal) << set;
}

TEST_P(EmulatedCpu, AnswersAsThisCpuDoesInFp32) {
  const test::TemporaryFile expected, actual;
  ASSERT_EQ(test::run(engine_command("fp32", expected.path())).status, 0);
  const test::Finished run = run_on(GetParam(), engine_command("fp32", actual.path()));
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(expected.read().size(), 2u * 96 * 96 * 3);
  EXPECT_LE(most_different(actual.read(), expected.read()), 1);
}

// What auto takes has to be there on any CPU.
TEST_P(EmulatedCpu, AnswersInBf16UnlessAskedForFp32) {
  const test::TemporaryFile expected, actual;
  ASSERT_EQ(test::run(engine_command("fp32", expected.path())).status, 0);
  const test::Finished run = run_on(GetParam(), engine_command("auto", actual.path()));
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "bf16\n");
  EXPECT_GE(psnr(actual.read(), expected.read()), 45);
}

// Some of the kernels' tests: all of them would take minutes.
TEST_P(EmulatedCpu, RunsTheKernelsOfItsInstructionSet) {
  std::string filter = "--gtest_filter=";
  for (const char *name : {"EqualsDirectConvolutionForAnyShape", "GivesZerosAndHugeNumbersInBf16"})
    filter += std::string("*.") + name + "/" + GetParam().kernels + ":";
  for (const char *test : {"W2L_IM2COL_TEST", "W2L_WINOGRAD_TEST"}) {
    const test::Finished run = run_on(GetParam(), {variable(test), filter});
    EXPECT_EQ(run.status, 0) << run.out;
    EXPECT_NE(run.out.find("[  PASSED  ] 2 tests"), std::string::npos) << run.out;
  }
}

INSTANTIATE_TEST_SUITE_P(Cpus, EmulatedCpu, testing::ValuesIn(kCpus),
                         [](const auto &info) { return std::string(info.param.model); });

}  // namespace
}  // namespace w2l

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  if (w2l::test::run({"qemu-x86_64", "--version"}).status != 0) {
    std::puts("qemu-x86_64 is not installed (package qemu-user)");
    return w2l::kSkipped;
  }
  return RUN_ALL_TESTS();
}
