// gst-wav2lip: what libw2l-cuda.so exports; models/backend_loader.cpp opens it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backend_loader.h"
#include "cuda_driver.h"
#include "cuda_engine.h"
#include "cuda_network.h"
#include "kernel_check.h"

namespace {

std::shared_ptr<w2l::Driver> open_driver(const w2l::EngineConfig &config) {
  try {
    const std::shared_ptr<w2l::Driver> driver =
        w2l::open_cuda_driver(w2l::parse_device(config.device).index);
    w2l::check_kernels(*driver, w2l::number_of(w2l::resolve_cuda_precision(config.precision)),
                       config.device);
    return driver;
  } catch (const w2l::Error &error) {
    // What fails before any work of the user's is a GPU to be passed over.
    if (error.code() != w2l::ErrorCode::Failed) throw;
    throw w2l::Error(w2l::ErrorCode::UnusableDevice, error.what());
  }
}

std::shared_ptr<w2l::Engine> open_cuda(const w2l::EngineConfig &config) {
  return std::make_shared<w2l::CudaEngine>(config, [&config] { return open_driver(config); });
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend = {w2l::Backend::kAbiVersion, open_cuda};
  return &backend;
}
