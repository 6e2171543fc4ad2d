// gst-wav2lip: what libw2l-cuda.so exports; models/backend_loader.cpp opens it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backend_loader.h"
#include "cuda_driver.h"
#include "cuda_engine.h"
#include "cuda_network.h"
#include "kernel_check.h"

namespace {

std::shared_ptr<w2l::Engine> open_cuda(const w2l::EngineConfig &config) {
  return std::make_shared<w2l::CudaEngine>(config, [&config] {
    const std::shared_ptr<w2l::Driver> driver =
        w2l::open_cuda_driver(w2l::parse_device(config.device).index);
    w2l::check_kernels(*driver, w2l::number_of(w2l::resolve_cuda_precision(config.precision)),
                       config.device);
    return driver;
  });
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend = {w2l::Backend::kAbiVersion, open_cuda};
  return &backend;
}
