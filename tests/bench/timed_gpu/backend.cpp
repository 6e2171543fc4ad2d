// gst-wav2lip benchmark: a libw2l-cuda.so for machines without a GPU, to measure what the rest of a
// pipeline costs and allows. It is the CUDA engine on a driver that computes nothing: pictures are
// grey, and ready when those of a GPU of the given speed would be. Found by W2L_BACKEND_PATH.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backend_loader.h"
#include "cuda_engine.h"
#include "timed_driver.h"

namespace {

std::shared_ptr<w2l::Engine> open_timed(const w2l::EngineConfig &config) {
  return std::make_shared<w2l::CudaEngine>(
      config, [] { return std::make_shared<w2l::bench::TimedDriver>(); });
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend = {w2l::Backend::kAbiVersion, open_timed};
  return &backend;
}
