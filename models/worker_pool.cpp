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
#include <thread>
#include <utility>

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

  bool computed() const { return next >= batch.count && running == 0; }
};

using JobPtr = std::shared_ptr<Job>;

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

  void loop(const Run &run) {
    Lock lock(mutex);
    for (;;) {
      work.wait(lock, [this] { return stop || !waiting.empty(); });
      if (stop) return;
      const JobPtr job = waiting.front();
      const int first = job->next;
      const int count = std::min(job->piece, job->batch.count - first);
      if (first == 0) job->start = Clock::now();
      job->next += count;
      ++job->running;
      if (job->next >= job->batch.count) waiting.pop_front();
      lock.unlock();
      int repeated = 0;
      const std::exception_ptr failure = compute(run, *job, first, count, repeated);
      lock.lock();
      job->answers.repeated_crops += repeated;
      if (failure && !job->failure) job->failure = failure;
      --job->running;
      deliver(lock);
    }
  }

  static std::exception_ptr compute(const Run &run, Job &job, int first, int count, int &repeated) {
    try {
      repeated = run(job.batch, first, count, job.answers.images);
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
                    const std::function<Run(int worker)> &prepare, int worker) {
    std::promise<void> prepared;
    std::future<void> ready = prepared.get_future();
    state->threads.emplace_back([state, &prepare, worker, promise = std::move(prepared)]() mutable {
      Run run;
      try {
        run = prepare(worker);
      } catch (...) {
        promise.set_exception(as_engine_error(std::current_exception()));
        return;
      }
      promise.set_value();  // `prepare` is gone from here on
      state->loop(run);
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
  state_->workers = workers;
  state_->max_piece = max_piece;
  try {
    for (int worker = 0; worker < workers; ++worker) State::start(state_, prepare, worker);
  } catch (...) {
    state_->shut_down();
    throw;
  }
}

WorkerPool::~WorkerPool() {
  state_->shut_down();
}

Engine::Ticket WorkerPool::submit(Batch batch, std::function<void()> on_done) {
  const auto job = std::make_shared<Job>(std::move(batch), std::move(on_done));
  job->answers.images.resize(static_cast<std::size_t>(job->batch.count));
  const int share = (job->batch.count + state_->workers - 1) / state_->workers;
  job->piece = std::min(share, state_->max_piece);
  std::lock_guard<std::mutex> lock(state_->mutex);
  const Engine::Ticket ticket = state_->jobs.add(job);
  state_->undelivered.push_back(job);
  state_->waiting.push_back(job);
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
