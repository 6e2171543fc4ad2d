// gst-wav2lip: what libw2l-cuda.so exports; models/backend_loader.cpp opens it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backend_loader.h"
#include "cuda_driver.h"
#include "cuda_engine.h"

namespace {

std::shared_ptr<w2l::Engine> open_cuda(const w2l::EngineConfig &config) {
  const int index = w2l::parse_device(config.device).index;
  return std::make_shared<w2l::CudaEngine>(config,
                                           [index] { return w2l::open_cuda_driver(index); });
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend = {w2l::Backend::kAbiVersion, open_cuda};
  return &backend;
}
