// gst-wav2lip: the engine of libw2l-cpu.so: a network behind threads of its own.
// backend.cpp makes it for open_engine().
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "engine.h"
#include "worker_pool.h"

namespace w2l {

class CpuEngine final : public Engine {
 public:
  // Loads config.model on the engine's first thread and waits for it. `use_amx`: where the CPU
  // has it. Throws Error.
  CpuEngine(const EngineConfig &config, bool use_amx);

  const EngineInfo &info() const override { return info_; }
  Ticket submit(const std::vector<Sample> &batch, Region region,
                std::function<void()> on_done) override;
  Answers collect(Ticket ticket) override { return pool_.collect(ticket); }
  void discard(Ticket ticket) override { pool_.discard(ticket); }

 private:
  EngineInfo info_;
  WorkerPool pool_;
};

}  // namespace w2l
