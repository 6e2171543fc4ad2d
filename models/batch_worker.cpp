// gst-wav2lip: the thread of an engine. See batch_worker.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "batch_worker.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <future>
#include <map>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

namespace w2l {
namespace {

struct Job {
  Batch batch;
  std::function<void()> on_done;
  Answers answers;
  std::exception_ptr failure;
  bool done = false;  // computed, and on_done has returned
};

// Nothing but an Error leaves an engine.
std::exception_ptr as_error(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error &) {
    return failure;
  } catch (const std::bad_alloc &) {
    return std::make_exception_ptr(
        Error(ErrorCode::OutOfMemory, "out of memory in the network; use a smaller batch-size"));
  } catch (const std::exception &error) {
    return std::make_exception_ptr(
        Error(ErrorCode::Failed, std::string("the network failed: ") + error.what()));
  } catch (...) {
    return std::make_exception_ptr(
        Error(ErrorCode::Failed, "the network failed for an unknown reason"));
  }
}

}  // namespace

// Shared with the thread, which outlives the BatchWorker when that is destroyed by an on_done.
struct BatchWorker::State {
  std::mutex mutex;
  std::condition_variable work;                         // for the thread: a job came, or stop
  std::condition_variable progress;                     // for callers: a job is done
  std::map<Engine::Ticket, std::shared_ptr<Job>> jobs;  // of all that nobody has taken yet
  std::deque<std::shared_ptr<Job>> waiting;
  Engine::Ticket last_ticket = 0;
  bool stop = false;
  std::thread thread;

  // Takes the next job; nullptr to end.
  std::shared_ptr<Job> next() {
    std::unique_lock<std::mutex> lock(mutex);
    work.wait(lock, [this] { return stop || !waiting.empty(); });
    if (stop) return nullptr;
    std::shared_ptr<Job> job = std::move(waiting.front());
    waiting.pop_front();
    return job;
  }

  void execute(const Run &run, Job &job) {
    const auto start = std::chrono::steady_clock::now();
    try {
      job.answers = run(job.batch);
    } catch (...) {
      job.failure = as_error(std::current_exception());
    }
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - start;
    job.answers.milliseconds = elapsed.count();
    job.batch = Batch();
    // The callback is destroyed here too, before anybody can see the job done: whoever waits in
    // collect() or discard() may free what it refers to.
    if (job.on_done) std::exchange(job.on_done, nullptr)();
    std::lock_guard<std::mutex> lock(mutex);
    job.done = true;
    progress.notify_all();
  }

  static void loop(const std::shared_ptr<State> &state, const Run &run) {
    while (std::shared_ptr<Job> job = state->next()) state->execute(run, *job);
  }
};

BatchWorker::BatchWorker(std::function<Run()> prepare) : state_(std::make_shared<State>()) {
  std::promise<void> prepared;
  std::future<void> ready = prepared.get_future();
  state_->thread = std::thread(
      [state = state_, prepare = std::move(prepare), prepared = std::move(prepared)]() mutable {
        Run run;
        try {
          run = std::exchange(prepare, nullptr)();
        } catch (...) {
          prepared.set_exception(std::current_exception());
          return;
        }
        prepared.set_value();
        State::loop(state, run);
      });
  try {
    ready.get();
  } catch (...) {
    state_->thread.join();
    std::rethrow_exception(as_error(std::current_exception()));
  }
}

BatchWorker::~BatchWorker() {
  std::deque<std::shared_ptr<Job>> dropped;
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stop = true;
    dropped.swap(state_->waiting);
    state_->work.notify_all();
  }
  // The last owner of an engine may let go inside an on_done; a thread cannot join itself.
  if (state_->thread.get_id() == std::this_thread::get_id())
    state_->thread.detach();
  else
    state_->thread.join();
}

Engine::Ticket BatchWorker::submit(Batch batch, std::function<void()> on_done) {
  auto job = std::make_shared<Job>();
  job->batch = std::move(batch);
  job->on_done = std::move(on_done);
  std::lock_guard<std::mutex> lock(state_->mutex);
  const Engine::Ticket ticket = ++state_->last_ticket;
  state_->jobs.emplace(ticket, job);
  state_->waiting.push_back(std::move(job));
  state_->work.notify_one();
  return ticket;
}

Answers BatchWorker::collect(Engine::Ticket ticket) {
  std::unique_lock<std::mutex> lock(state_->mutex);
  const auto found = state_->jobs.find(ticket);
  if (found == state_->jobs.end())
    throw Error(ErrorCode::Failed,
                "ticket " + std::to_string(ticket) +
                    " is unknown or was collected already (a bug in the caller)");
  const std::shared_ptr<Job> job = found->second;
  state_->jobs.erase(found);
  state_->progress.wait(lock, [&job] { return job->done; });
  if (job->failure) std::rethrow_exception(job->failure);
  return std::move(job->answers);
}

void BatchWorker::discard(Engine::Ticket ticket) {
  std::shared_ptr<Job> job;  // declared before the lock: destroyed, with its callback, after it
  std::unique_lock<std::mutex> lock(state_->mutex);
  const auto found = state_->jobs.find(ticket);
  if (found == state_->jobs.end()) return;
  job = found->second;
  state_->jobs.erase(found);
  for (auto place = state_->waiting.begin(); place != state_->waiting.end(); ++place) {
    if (*place != job) continue;
    state_->waiting.erase(place);
    return;
  }
  state_->progress.wait(lock, [&job] { return job->done; });
}

}  // namespace w2l
