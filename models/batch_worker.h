// gst-wav2lip: the thread of an engine. It takes batches in order, runs them one after the other,
// and hands the answers out by ticket. Backends put their network behind it; no Torch in here.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine.h"

namespace w2l {

// Copies of a batch's inputs, one sample after the other.
struct Batch {
  int count = 0;
  std::vector<std::uint8_t> crops;
  std::vector<float> mels;
  Region region = Region::Full;
};

class BatchWorker {
 public:
  using Run = std::function<Answers(const Batch &)>;

  // `prepare` and the Run that it returns are called, and the Run is destroyed, on the worker's
  // thread: thread-local settings stay with it. The constructor waits for `prepare` and throws
  // what it throws. The Run may throw too; what comes out of collect() is always an Error.
  explicit BatchWorker(std::function<Run()> prepare);

  // Waits for the batch that is running. Batches not started are dropped, their on_done with them.
  ~BatchWorker();
  BatchWorker(const BatchWorker &) = delete;
  BatchWorker &operator=(const BatchWorker &) = delete;

  // As in Engine. `batch` has a count of at least 1.
  Engine::Ticket submit(Batch batch, std::function<void()> on_done);
  Answers collect(Engine::Ticket ticket);
  void discard(Engine::Ticket ticket);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace w2l
