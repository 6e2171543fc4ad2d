// gst-wav2lip: the engine of libw2l-cuda.so: a network on one NVIDIA GPU. backend.cpp makes it for
// open_engine().
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>

#include "driver.h"
#include "engine.h"

namespace w2l {

constexpr int kMaxBatch = 128;

// One thread starts launches on lanes that are free, another waits for the oldest launch and
// delivers its answers. Batches that wait at the same time share a launch. Once the GPU has failed,
// everything that is in flight or submitted later fails with the same error.
class CudaEngine final : public Engine {
 public:
  using OpenDriver = std::function<std::shared_ptr<Driver>()>;

  // Opens the driver and loads config.model on a thread of the engine's, and waits for it: what a
  // GPU's driver keeps for a thread is none of the caller's. config.device is "cuda:N". `max_batch`
  // is a power of two. Throws Error.
  CudaEngine(const EngineConfig &config, const OpenDriver &open_driver, int max_batch = kMaxBatch);

  // Waits for the launches that are running. Batches not started are dropped, their on_done with
  // them.
  ~CudaEngine() override;
  CudaEngine(const CudaEngine &) = delete;
  CudaEngine &operator=(const CudaEngine &) = delete;

  const EngineInfo &info() const override;
  Ticket submit(const std::vector<Sample> &batch, Region region,
                std::function<void()> on_done) override;
  Answers collect(Ticket ticket) override;
  void discard(Ticket ticket) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace w2l
