// gst-wav2lip tests: what errors of CUDA become.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <string>

#include "cuda_error.h"

namespace w2l {
namespace {

void expect(const Error &error, ErrorCode code, const std::string &text) {
  EXPECT_EQ(error.code(), code) << error.what();
  EXPECT_EQ(std::string(error.what()), text);
}

TEST(CudaError, OutOfMemorySaysWhatTakesLess) {
  expect(cuda_error(2, "out of memory", "cuda:1"), ErrorCode::OutOfMemory,
         "cuda:1 is out of memory; close other programs that use it, use a smaller "
         "feature-cache-size, or use device=cpu");
}

TEST(CudaError, NoGpuIsNoDevice) {
  expect(cuda_error(100, "no CUDA-capable device is detected", "cuda:0"), ErrorCode::NoDevice,
         "cuda:0 is not there: this computer has no NVIDIA GPU, or hides it; look at nvidia-smi "
         "and CUDA_VISIBLE_DEVICES, or use device=cpu");
}

TEST(CudaError, NoDriverIsNoDeviceButAnOldOneIsUnusable) {
  expect(old_driver_error(0, 13000, "cuda:0"), ErrorCode::NoDevice,
         "cuda:0 has no NVIDIA driver (libcuda.so.1 is missing); install driver 580 or later, or "
         "use device=cpu");
  expect(old_driver_error(12040, 13000, "cuda:0"), ErrorCode::UnusableDevice,
         "cuda:0 has an NVIDIA driver for CUDA 12.4, which is too old; install driver 580 or "
         "later, or use device=cpu");
  expect(old_driver_error(11040, 12080, "cuda:0"), ErrorCode::UnusableDevice,
         "cuda:0 has an NVIDIA driver for CUDA 11.4, which is too old; install driver 525 or "
         "later, or use device=cpu");
  for (const int code : {35, 36, 222, 804})
    EXPECT_EQ(cuda_error(code, "", "cuda:0").code(), ErrorCode::UnusableDevice) << code;
}

TEST(CudaError, AWrongIndexSaysWhichThereAre) {
  expect(no_such_device_error(1, "cuda:1"), ErrorCode::NoDevice,
         "cuda:1 is not there: the only GPU is cuda:0; use one that is, or device=cpu");
  expect(no_such_device_error(4, "cuda:9"), ErrorCode::NoDevice,
         "cuda:9 is not there: the GPUs are cuda:0 to cuda:3; use one that is, or device=cpu");
  EXPECT_EQ(std::string(no_such_device_error(0, "cuda:0").what()),
            cuda_error(100, "", "cuda:0").what());
}

TEST(CudaError, AnOldGpuIsUnusable) {
  expect(old_device_error(75, "Tesla T4", "cuda:0"), ErrorCode::UnusableDevice,
         "cuda:0 (Tesla T4) has compute capability 7.5, but 8.0 is needed; use another device, or "
         "device=cpu");
  EXPECT_EQ(cuda_error(209, "", "cuda:0").code(), ErrorCode::UnusableDevice);
}

TEST(CudaError, ALostGpuHasFailed) {
  for (const int code : {46, 214, 700, 715, 716, 719}) {
    const Error error = cuda_error(code, "", "cuda:3");
    EXPECT_EQ(error.code(), ErrorCode::Failed) << code;
    EXPECT_EQ(std::string(error.what()).rfind("cuda:3 ", 0), 0u) << error.what();
  }
}

TEST(CudaError, AnyOtherIsPassedOnInOneLine) {
  expect(cuda_error(999, "unknown error.\nmore of it", "cuda:0"), ErrorCode::Failed,
         "cuda:0 failed: unknown error (CUDA error 999); check the GPU with nvidia-smi, start "
         "again, or use device=cpu");
}

TEST(CudaError, EveryMessageIsOneLineWithAFix) {
  for (int code = 1; code < 1000; ++code) {
    const std::string text = cuda_error(code, "text", "cuda:0").what();
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_NE(text.find("; "), std::string::npos) << text;
    EXPECT_NE(text.find("device=cpu"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace w2l
