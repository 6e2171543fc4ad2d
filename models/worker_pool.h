// gst-wav2lip: the threads of an engine. Batches go in by ticket, are cut or put together into
// pieces that the workers take in order, and come out in order. Backends put their network behind
// it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "batch.h"

namespace w2l {

// A worker that is done with its piece goes on with what waits at once: nobody waits for the
// slowest but the caller. Small batches that wait together, of several live streams for example,
// are computed together, which takes less time; each worker takes its share of them.
class WorkerPool {
 public:
  // One sample of a piece.
  struct Work {
    const Batch *batch;
    int sample;                        // of the batch's
    std::vector<std::uint8_t> *image;  // where its answer goes
    bool repeated = false;             // to be set if its crop has been there before
  };
  using Piece = std::vector<Work>;

  // Computes a piece of 1 to max_piece samples, all with the same first_row. Called by several
  // threads at once.
  using Run = std::function<void(Piece &piece)>;

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
