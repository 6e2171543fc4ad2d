// gst-wav2lip tests: a CUDA backend on a computer whose GPU is of no use, as $W2L_FAKE_GPU says:
// "old", "full" (no memory left), or none at all.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>
#include <string>

#include "engine.h"

namespace {

std::shared_ptr<w2l::Engine> open_none(const w2l::EngineConfig &config) {
  const char *gpu = std::getenv("W2L_FAKE_GPU");
  const std::string state = gpu ? gpu : "";
  if (state == "old")
    throw w2l::Error(w2l::ErrorCode::UnusableDevice, config.device + " is too old");
  if (state == "full")
    throw w2l::Error(w2l::ErrorCode::OutOfMemory, config.device + " is out of memory");
  throw w2l::Error(w2l::ErrorCode::NoDevice, config.device + " is not there");
}

}  // namespace

extern "C" const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend{w2l::Backend::kAbiVersion, open_none};
  return &backend;
}
