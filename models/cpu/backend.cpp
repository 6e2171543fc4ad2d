// gst-wav2lip: what libw2l-cpu.so exports; models/backend_loader.cpp opens it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_engine.h"

namespace {

std::shared_ptr<w2l::Engine> open_cpu(const w2l::EngineConfig &config) {
  return std::make_shared<w2l::CpuEngine>(config);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend = {w2l::Backend::kAbiVersion, open_cpu};
  return &backend;
}
