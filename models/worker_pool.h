// gst-wav2lip: the threads of an engine. Batches go in by ticket, are cut into pieces that the
// workers take in order, and come out in order. Backends put their network behind it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "batch.h"

namespace w2l {

// A worker that is done with its piece of one batch goes on with the next batch at once: nobody
// waits for the slowest but the caller.
class WorkerPool {
 public:
  using Images = std::vector<std::vector<std::uint8_t>>;

  // Computes samples [first, first + count) and sets images[first ...]; there are batch.count
  // images already. Returns how many of the crops were repeated ones. Called by several threads at
  // once.
  using Run = std::function<int(const Batch &batch, int first, int count, Images &images)>;

  // `prepare` is called on each worker's thread, one worker after the other, so that settings of
  // a thread can be made there; its Run is used and destroyed on that thread. The constructor waits
  // for all of them and throws what one throws. A Run may throw too; what comes out of the
  // constructor and of collect() is always an Error.
  WorkerPool(int workers, int max_piece, std::function<Run(int worker)> prepare);

  // Waits for the pieces that are running. Batches not done are dropped, their on_done with them.
  ~WorkerPool();
  WorkerPool(const WorkerPool &) = delete;
  WorkerPool &operator=(const WorkerPool &) = delete;

  // As in Engine. `batch` has a count of at least 1.
  Engine::Ticket submit(Batch batch, std::function<void()> on_done);
  Answers collect(Engine::Ticket ticket);
  void discard(Engine::Ticket ticket);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace w2l
