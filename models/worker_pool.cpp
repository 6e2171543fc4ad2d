// gst-wav2lip: the threads of an engine. See worker_pool.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker_pool.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "engine_jobs.h"

namespace w2l {
namespace {

using Clock = std::chrono::steady_clock;

// Its failure is that of the first piece that failed.
struct Job : EngineJob {
  using EngineJob::EngineJob;

  int piece = 1;    // samples in a piece
  int next = 0;     // first sample that no worker has taken
  int running = 0;  // pieces being computed
  Clock::time_point start;

  bool taken() const { return next >= batch.count; }
  bool computed() const { return taken() && running == 0; }
};

using JobPtr = std::shared_ptr<Job>;

// What a piece has of one job.
struct Portion {
  JobPtr job;
  int count;
};

// A thread's own. There is room for the largest piece: no memory is asked for while the lock is
// held, where a lack of it could be no job's failure.
struct Worker {
  WorkerPool::Run run;
  std::vector<Portion> portions;
  WorkerPool::Piece piece;

  Worker(WorkerPool::Run run, int max_piece) : run(std::move(run)) {
    portions.reserve(static_cast<std::size_t>(max_piece));
    piece.reserve(static_cast<std::size_t>(max_piece));
  }
};

}  // namespace

// Shared with the threads: one of them outlives the pool when that is destroyed by an on_done.
struct WorkerPool::State {
  using Lock = std::unique_lock<std::mutex>;

  std::mutex mutex;
  std::condition_variable work;  // for the workers: a job came, or stop
  EngineJobs<Job> jobs;
  std::deque<JobPtr> waiting;      // with samples that no worker has taken
  std::deque<JobPtr> undelivered;  // in the order of submission
  int workers = 1, max_piece = 1;
  bool delivering = false;  // some worker is calling an on_done
  bool stop = false;
  std::vector<std::thread> threads;

  // All or nothing: a job that nobody computes would hold up those behind it for ever.
  Engine::Ticket add(const JobPtr &job) {
    const Engine::Ticket ticket = jobs.add(job);
    try {
      undelivered.push_back(job);
      waiting.push_back(job);
    } catch (...) {
      if (!undelivered.empty() && undelivered.back() == job) undelivered.pop_back();
      jobs.take(ticket);
      throw;
    }
    return ticket;
  }

  void loop(Worker &worker) {
    Lock lock(mutex);
    for (;;) {
      work.wait(lock, [this] { return stop || !waiting.empty(); });
      if (stop) return;
      take_piece(worker);
      lock.unlock();
      const std::exception_ptr failure = compute(worker);
      lock.lock();
      finish_piece(worker, failure);
      deliver(lock);
    }
  }

  // A part of the oldest job, and with the last part of it as many whole jobs as fit into a share.
  void take_piece(Worker &worker) {
    const int most = std::min(share(waiting_samples()), max_piece);
    const Job &oldest = *waiting.front();
    const int first_row = oldest.batch.first_row;
    take(std::min(oldest.piece, oldest.batch.count - oldest.next), worker);
    while (!waiting.empty()) {
      const Job &next = *waiting.front();
      const int samples = static_cast<int>(worker.piece.size()) + next.batch.count;
      if (next.next > 0 || next.batch.first_row != first_row || samples > most) break;
      take(next.batch.count, worker);
    }
  }

  // The next `count` samples of the oldest job.
  void take(int count, Worker &worker) {
    const JobPtr job = waiting.front();
    if (job->next == 0) job->start = Clock::now();
    worker.portions.push_back({job, count});
    for (int i = 0; i < count; ++i, ++job->next)
      worker.piece.push_back(
          {&job->batch, job->next, &job->answers.images[static_cast<std::size_t>(job->next)]});
    ++job->running;
    if (job->taken()) waiting.pop_front();
  }

  // Each job gets what the piece has of it.
  static void finish_piece(Worker &worker, const std::exception_ptr &failure) {
    auto sample = worker.piece.begin();
    for (const Portion &portion : worker.portions) {
      Job &job = *portion.job;
      for (int i = 0; i < portion.count; ++i, ++sample)
        job.answers.repeated_crops += sample->repeated;
      if (failure && !job.failure) job.failure = failure;
      --job.running;
    }
    worker.piece.clear();
    worker.portions.clear();
  }

  int waiting_samples() const {
    int samples = 0;
    for (const JobPtr &job : waiting) samples += job->batch.count - job->next;
    return samples;
  }

  // Of so many samples, for each worker.
  int share(int samples) const { return (samples + workers - 1) / workers; }

  static std::exception_ptr compute(Worker &worker) {
    try {
      worker.run(worker.piece);
    } catch (...) {
      return as_engine_error(std::current_exception());
    }
    return nullptr;
  }

  // Tells the owners of what is computed, oldest first and one at a time, without the lock.
  void deliver(Lock &lock) {
    if (delivering) return;  // that worker will look again
    delivering = true;
    while (!undelivered.empty() && undelivered.front()->computed()) {
      const JobPtr job = undelivered.front();
      undelivered.pop_front();
      const std::chrono::duration<double, std::milli> elapsed = Clock::now() - job->start;
      job->answers.milliseconds = elapsed.count();
      jobs.deliver(*job, lock);
    }
    delivering = false;
  }

  // Starts a worker and waits until it is prepared.
  static void start(const std::shared_ptr<State> &state,
                    const std::function<Run(int worker)> &prepare, int index) {
    std::promise<void> prepared;
    std::future<void> ready = prepared.get_future();
    state->threads.emplace_back([state, &prepare, index, promise = std::move(prepared)]() mutable {
      std::optional<Worker> worker;
      try {
        worker.emplace(prepare(index), state->max_piece);
      } catch (...) {
        promise.set_exception(as_engine_error(std::current_exception()));
        return;
      }
      promise.set_value();  // `prepare` is gone from here on
      state->loop(*worker);
    });
    ready.get();
  }

  void shut_down() {
    std::deque<JobPtr> dropped;  // destroyed after the lock is released
    {
      Lock lock(mutex);
      stop = true;
      dropped.swap(waiting);
      work.notify_all();
    }
    for (std::thread &thread : threads) {
      // The last owner of an engine may let go inside an on_done; a thread cannot join itself.
      if (thread.get_id() == std::this_thread::get_id())
        thread.detach();
      else
        thread.join();
    }
  }
};

WorkerPool::WorkerPool(int workers, int max_piece, std::function<Run(int worker)> prepare)
    : state_(std::make_shared<State>()) {
  out_of_memory_error();
  state_->workers = workers;
  state_->max_piece = max_piece;
  try {
    for (int worker = 0; worker < workers; ++worker) State::start(state_, prepare, worker);
  } catch (...) {
    state_->shut_down();
    std::rethrow_exception(as_engine_error(std::current_exception()));
  }
}

WorkerPool::~WorkerPool() {
  state_->shut_down();
}

Engine::Ticket WorkerPool::submit(Batch batch, std::function<void()> on_done) {
  const auto job = std::make_shared<Job>(std::move(batch), std::move(on_done));
  job->answers.images.resize(static_cast<std::size_t>(job->batch.count));
  job->piece = std::min(state_->share(job->batch.count), state_->max_piece);
  std::lock_guard<std::mutex> lock(state_->mutex);
  const Engine::Ticket ticket = state_->add(job);
  state_->work.notify_all();
  return ticket;
}

Answers WorkerPool::collect(Engine::Ticket ticket) {
  State::Lock lock(state_->mutex);
  return state_->jobs.collect(ticket, lock);
}

void WorkerPool::discard(Engine::Ticket ticket) {
  JobPtr job;  // declared before the lock: destroyed, with its callback, after it
  State::Lock lock(state_->mutex);
  job = state_->jobs.take(ticket);
  if (!job) return;
  if (job->next == 0) {  // not started
    std::deque<JobPtr> &waiting = state_->waiting, &undelivered = state_->undelivered;
    waiting.erase(std::find(waiting.begin(), waiting.end(), job));
    undelivered.erase(std::find(undelivered.begin(), undelivered.end(), job));
    return;
  }
  state_->jobs.wait_for(*job, lock);
}

}  // namespace w2l
