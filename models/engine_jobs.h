// gst-wav2lip: the batches of an engine from submit() to collect() or discard(), found by ticket.
// WorkerPool and CudaEngine have jobs that know more.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "batch.h"

namespace w2l {

struct EngineJob {
  EngineJob(Batch batch, std::function<void()> on_done)
      : batch(std::move(batch)), on_done(std::move(on_done)) {
    answers.first_valid_row = this->batch.first_row;
    answers.end_valid_row = this->batch.end_row;
  }

  Batch batch;
  std::function<void()> on_done;
  Answers answers;
  std::exception_ptr failure;
  bool done = false;  // computed, and on_done has returned
};

// Of one engine, whose lock is held wherever one is asked for or a method is called.
template <typename Job>
class EngineJobs {
 public:
  using Lock = std::unique_lock<std::mutex>;
  using JobPtr = std::shared_ptr<Job>;
  using Jobs = std::map<Engine::Ticket, JobPtr>;

  Engine::Ticket add(JobPtr job) {
    jobs_.emplace(++last_ticket_, std::move(job));
    return last_ticket_;
  }

  // As in Engine.
  Answers collect(Engine::Ticket ticket, Lock &lock) {
    const JobPtr job = take(ticket);
    if (!job)
      throw Error(ErrorCode::Failed, "ticket " + std::to_string(ticket) +
                                         " is unknown or was taken already (a bug in the caller)");
    wait_for(*job, lock);
    if (job->failure) std::rethrow_exception(job->failure);
    return std::move(job->answers);
  }

  // Null if nobody has the ticket any more.
  JobPtr take(Engine::Ticket ticket) {
    const auto found = jobs_.find(ticket);
    if (found == jobs_.end()) return nullptr;
    JobPtr job = std::move(found->second);
    jobs_.erase(found);
    return job;
  }
  Jobs take_all() { return std::exchange(jobs_, {}); }

  void wait_for(const Job &job, Lock &lock) {
    progress_.wait(lock, [&job] { return job.done; });
  }

  // Tells the job's owner that it is computed, without the lock.
  void deliver(Job &job, Lock &lock) {
    lock.unlock();
    // The callback is destroyed here too, before anybody can see the job done: whoever waits in
    // collect() or discard() may free what it refers to.
    if (job.on_done) std::exchange(job.on_done, nullptr)();
    lock.lock();
    job.done = true;
    progress_.notify_all();
  }

 private:
  Jobs jobs_;  // that nobody has taken yet
  Engine::Ticket last_ticket_ = 0;
  std::condition_variable progress_;  // a job is done
};

}  // namespace w2l
