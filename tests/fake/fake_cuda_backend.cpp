// gst-wav2lip tests: a CUDA backend on a computer whose GPU is as $W2L_FAKE_GPU says: "good" (but
// it computes nothing), "old", "full" (no memory left), or none at all.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>
#include <string>

#include "engine.h"

namespace {

class IdleEngine final : public w2l::Engine {
 public:
  explicit IdleEngine(const w2l::EngineConfig &config) { info_.device = config.device; }
  const w2l::EngineInfo &info() const override { return info_; }
  Ticket submit(const std::vector<w2l::Sample> &, w2l::Region, std::function<void()>) override {
    throw w2l::Error(w2l::ErrorCode::Failed, "nothing is computed here");
  }
  w2l::Answers collect(Ticket) override { return {}; }
  void discard(Ticket) override {}

 private:
  w2l::EngineInfo info_;
};

std::shared_ptr<w2l::Engine> open_fake(const w2l::EngineConfig &config) {
  const char *gpu = std::getenv("W2L_FAKE_GPU");
  const std::string state = gpu ? gpu : "";
  if (state == "good") return std::make_shared<IdleEngine>(config);
  if (state == "old")
    throw w2l::Error(w2l::ErrorCode::UnusableDevice, config.device + " is too old");
  if (state == "full")
    throw w2l::Error(w2l::ErrorCode::OutOfMemory, config.device + " is out of memory");
  throw w2l::Error(w2l::ErrorCode::NoDevice, config.device + " is not there");
}

}  // namespace

extern "C" const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend{w2l::Backend::kAbiVersion, open_fake};
  return &backend;
}
