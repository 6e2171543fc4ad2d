// gst-wav2lip: what libw2l-cpu.so exports; models/backend_loader.cpp opens it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>

#include "cpu_engine.h"
#include "instruction_limit.h"

namespace {

std::shared_ptr<w2l::Engine> open_cpu(const w2l::EngineConfig &config) {
  const char *limit = std::getenv("W2L_MAX_ISA");
  w2l::limit_instructions(limit);
  return std::make_shared<w2l::CpuEngine>(config, w2l::allows_amx(limit));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend = {w2l::Backend::kAbiVersion, open_cpu};
  return &backend;
}
