// gst-wav2lip: one NVIDIA GPU by the CUDA runtime. backend.cpp opens it for CudaEngine.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "driver.h"

namespace w2l {

// Throws Error: NoDevice without a GPU or a driver, UnusableDevice where these are too old.
std::shared_ptr<Driver> open_cuda_driver(int index);

}  // namespace w2l
