// gst-wav2lip: what the CUDA runtime's error codes mean to a user. Codes are plain numbers here, so
// that it is tested without CUDA. CudaDriver calls it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "error.h"

namespace w2l {

constexpr int kLeastCapability = 80;  // 8.0

// `code` is a cudaError_t other than cudaSuccess, `text` what CUDA says about it, `device` the one
// that was asked for ("cuda:0"). After an error that Failed is for, nothing runs on it any more.
Error cuda_error(int code, const std::string &text, const std::string &device);

// `version` is what cudaDriverGetVersion() says: 12040 for CUDA 12.4, 0 without a driver. `runtime`
// is the version of the CUDA runtime in this build, CUDART_VERSION.
Error old_driver_error(int version, int runtime, const std::string &device);
// `count` GPUs are there; the one that was asked for is not one of them.
Error no_such_device_error(int count, const std::string &device);
// `capability` is 75 for 7.5.
Error old_device_error(int capability, const std::string &name, const std::string &device);

}  // namespace w2l
