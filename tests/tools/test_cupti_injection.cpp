// gst-wav2lip tests: the CUPTI injection library, with this program in the place of NVIDIA's driver
// and a stand-in for CUPTI. W2L_GPU_ACTIVITIES, W2L_CUPTI_LIBRARY and CUDA_INJECTION64_PATH are
// set.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace {

// As the driver does at its first call; ends the process.
[[noreturn]] void run_program() {
  void *library = dlopen(std::getenv("CUDA_INJECTION64_PATH"), RTLD_NOW);
  auto start =
      library ? reinterpret_cast<int (*)()>(dlsym(library, "InitializeInjection")) : nullptr;
  std::exit(start ? (start() ? 0 : 3) : 2);
}

class CuptiInjection : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::getenv("W2L_GPU_ACTIVITIES");
    std::remove(path_.c_str());
  }
  std::string path_;
};

TEST_F(CuptiInjection, WritesEveryActivityWhenTheProgramEnds) {
  EXPECT_EXIT(run_program(), testing::ExitedWithCode(0), "");
  std::ifstream file(path_);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text,
            "kernel\t100\t250\twrite_all\n"
            "copy\t10\t20\tmemcpy\n"
            "copy\t30\t31\tmemset\n");
}

TEST_F(CuptiInjection, DoesNothingWithoutCupti) {
  EXPECT_EXIT(
      {
        setenv("W2L_CUPTI_LIBRARY", "/nowhere/libcupti.so", 1);
        run_program();
      },
      testing::ExitedWithCode(3), "");
  EXPECT_FALSE(std::ifstream(path_).is_open());
}

}  // namespace
