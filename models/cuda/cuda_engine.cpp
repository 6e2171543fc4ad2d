// gst-wav2lip: the engine of libw2l-cuda.so. See cuda_engine.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda_engine.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "cuda_network.h"
#include "engine_jobs.h"
#include "launch_plan.h"
#include "range.h"

namespace w2l {
namespace {

using Clock = std::chrono::steady_clock;

// Launches that are planned to choose the batches of the next one, if they are full ones.
constexpr int kLaunchesAhead = 2;

struct Job : EngineJob {
  using EngineJob::EngineJob;

  bool started = false;
};

using JobPtr = std::shared_ptr<Job>;

struct Launch {
  std::vector<JobPtr> jobs;
  int samples = 0;
  std::uint64_t number = 0;
  Lane *lane = nullptr;
  FeatureSlots::Lease lease;
  Clock::time_point start;
  std::exception_ptr failure;
};

}  // namespace

// Shared with the threads: one of them outlives the engine when that is destroyed by an on_done.
struct CudaEngine::State {
  using Lock = std::unique_lock<std::mutex>;

  EngineInfo info;
  std::unique_ptr<CudaNetwork> network;  // destroyed by the thread that delivers

  std::mutex mutex;
  std::condition_variable work;      // for the starting thread: a batch, a free lane, or stop
  std::condition_variable launched;  // for the delivering thread
  EngineJobs<Job> jobs;
  std::deque<JobPtr> waiting;   // in the order of submission
  std::deque<Launch> launches;  // in the order of submission, too
  std::vector<Lane *> free_lanes;
  std::exception_ptr broken;  // why nothing can be computed any more
  std::uint64_t last_launch = 0;
  bool stop = false, starter_ended = false;
  std::thread starter, deliverer;

  // The starting thread ----------------------------------------------------------------------

  void start_launches() {
    Lock lock(mutex);
    for (;;) {
      work.wait(lock,
                [this] { return stop || (!waiting.empty() && (broken || !free_lanes.empty())); });
      if (stop) break;
      Launch launch = take_waiting();
      if (broken) {
        launch.failure = broken;
      } else {
        launch.lane = free_lanes.back();
        free_lanes.pop_back();
        lock.unlock();
        start(launch);
        lock.lock();
        if (launch.failure && !broken) broken = launch.failure;
      }
      launches.push_back(std::move(launch));
      launched.notify_one();
    }
    starter_ended = true;
    launched.notify_one();
  }

  // What is to be computed together.
  Launch take_waiting() {
    Launch launch;
    launch.number = ++last_launch;
    for (std::size_t left = jobs_to_launch(); left > 0; --left) {
      const JobPtr &job = waiting.front();
      job->started = true;
      launch.samples += job->batch.count;
      launch.jobs.push_back(job);
      waiting.pop_front();
    }
    return launch;
  }

  // Of those that wait, as many as matter to the next launch are looked at.
  std::size_t jobs_to_launch() const {
    std::vector<WaitingBatch> batches;
    int samples = 0;
    for (const JobPtr &job : waiting) {
      batches.push_back({job->batch.count, job->batch.first_row});
      samples += job->batch.count;
      if (samples >= kLaunchesAhead * info.max_batch) break;
    }
    return batches_to_launch(batches, info.max_batch);
  }

  void start(Launch &launch) {
    const TraceRange range{"engine: launch"};
    launch.start = Clock::now();
    try {
      const std::vector<Crop> crops = crops_of(launch);
      launch.lease = network->slots().lease(crops, launch.number);
      LaunchInput input;
      input.first_row = launch.jobs.front()->batch.first_row;
      input.slots = launch.lease.slots;
      input.new_slots = launch.lease.new_slots;
      for (const int sample : launch.lease.new_samples)
        input.new_crops.push_back(crops[static_cast<std::size_t>(sample)]);
      input.mels = mels_of(launch);
      launch.lane->start(input, lanes_read_from(launch));
    } catch (...) {
      launch.failure = as_engine_error(std::current_exception());
    }
  }

  static std::vector<Crop> crops_of(const Launch &launch) {
    std::vector<Crop> crops;
    for (const JobPtr &job : launch.jobs)
      for (int i = 0; i < job->batch.count; ++i) crops.push_back(job->batch.crop(i));
    return crops;
  }

  static std::vector<const float *> mels_of(const Launch &launch) {
    std::vector<const float *> mels;
    for (const JobPtr &job : launch.jobs)
      for (int i = 0; i < job->batch.count; ++i) mels.push_back(job->batch.mel(i));
    return mels;
  }

  // Of other launches in flight whose features this one reads.
  std::vector<Driver::Event *> lanes_read_from(const Launch &launch) {
    const std::vector<std::uint64_t> &numbers = launch.lease.read_from;
    std::vector<Driver::Event *> events;
    Lock lock(mutex);
    for (const Launch &other : launches)
      if (other.lane && std::find(numbers.begin(), numbers.end(), other.number) != numbers.end())
        events.push_back(other.lane->encoded());
    return events;
  }

  // The delivering thread --------------------------------------------------------------------

  void deliver_launches() {
    Clock::time_point last_end;
    Lock lock(mutex);
    for (;;) {
      launched.wait(lock, [this] { return !launches.empty() || (stop && starter_ended); });
      if (launches.empty()) break;
      Launch &launch = launches.front();  // the other thread only adds behind it
      if (broken && !launch.failure) launch.failure = broken;
      lock.unlock();
      if (!launch.failure) finish(launch, last_end);
      lock.lock();
      if (launch.failure && !broken) broken = launch.failure;
      const Launch ended = std::move(launch);
      launches.pop_front();
      if (ended.lane) free_lanes.push_back(ended.lane);
      work.notify_one();
      for (const JobPtr &job : ended.jobs) {
        job->failure = ended.failure;
        jobs.deliver(*job, lock);
      }
    }
    lock.unlock();
    network.reset();
  }

  void finish(Launch &launch, Clock::time_point &last_end) {
    try {
      {
        const TraceRange range{"engine: wait"};
        launch.lane->finish();
      }
      const Clock::time_point end = Clock::now();
      // Before it began on the GPU, there was the launch before.
      const std::chrono::duration<double, std::milli> elapsed =
          end - std::max(launch.start, last_end);
      last_end = end;
      network->slots().give_back(launch.lease);
      take_answers(launch, elapsed.count());
    } catch (...) {
      launch.failure = as_engine_error(std::current_exception());
    }
  }

  void take_answers(Launch &launch, double milliseconds) {
    const TraceRange range{"engine: output"};
    int sample = 0;
    for (const JobPtr &job : launch.jobs) {
      job->answers.milliseconds = milliseconds;
      job->answers.images.resize(static_cast<std::size_t>(job->batch.count));
      for (std::vector<std::uint8_t> &image : job->answers.images) {
        // Rows that were not computed are zero; the others are written once.
        const std::uint8_t *picture = launch.lane->picture(sample);
        const std::size_t bytes = launch.lane->picture_bytes();
        image.reserve(picture_bytes());
        image.resize(picture_bytes() - bytes);
        image.insert(image.end(), picture, picture + bytes);
        job->answers.repeated_crops +=
            launch.lease.repeated[static_cast<std::size_t>(sample)] ? 1 : 0;
        ++sample;
      }
    }
  }

  std::size_t picture_bytes() const {
    const auto edge = static_cast<std::size_t>(info.crop_size);
    return edge * edge * 3;
  }

  // --------------------------------------------------------------------------------------------

  // Starts the threads and waits until the network is loaded on the first one.
  static void start_threads(const std::shared_ptr<State> &state, const EngineConfig &config,
                            const OpenDriver &open_driver, int max_batch) {
    std::promise<void> prepared;
    std::future<void> ready = prepared.get_future();
    state->starter = std::thread([&, state, promise = std::move(prepared)]() mutable {
      try {
        state->prepare(config, open_driver, max_batch);
      } catch (...) {
        promise.set_exception(as_engine_error(std::current_exception()));
        return;
      }
      promise.set_value();  // what it refers to is gone from here on
      state->start_launches();
    });
    ready.get();
    state->deliverer = std::thread([state] { state->deliver_launches(); });
  }

  void prepare(const EngineConfig &config, const OpenDriver &open_driver, int max_batch) {
    network = std::make_unique<CudaNetwork>(open_driver(), config, max_batch);
    info = network->info();
    for (const std::unique_ptr<Lane> &lane : network->lanes()) free_lanes.push_back(lane.get());
  }

  void shut_down() {
    {
      EngineJobs<Job>::Jobs untaken;  // destroyed after the lock is released
      std::deque<JobPtr> dropped;
      Lock lock(mutex);
      stop = true;
      untaken = jobs.take_all();
      dropped.swap(waiting);
      work.notify_all();
      launched.notify_all();
    }
    for (std::thread *thread : {&starter, &deliverer}) {
      if (!thread->joinable()) continue;
      // The last owner of an engine may let go inside an on_done; a thread cannot join itself.
      if (thread->get_id() == std::this_thread::get_id())
        thread->detach();
      else
        thread->join();
    }
  }
};

CudaEngine::CudaEngine(const EngineConfig &config, const OpenDriver &open_driver, int max_batch)
    : state_(std::make_shared<State>()) {
  out_of_memory_error();
  try {
    State::start_threads(state_, config, open_driver, max_batch);
  } catch (...) {
    state_->shut_down();
    std::rethrow_exception(as_engine_error(std::current_exception()));
  }
}

CudaEngine::~CudaEngine() {
  state_->shut_down();
}

const EngineInfo &CudaEngine::info() const {
  return state_->info;
}

Engine::Ticket CudaEngine::submit(const std::vector<Sample> &batch, Region region,
                                  std::function<void()> on_done) {
  const auto job =
      std::make_shared<Job>(copy_batch(state_->info, batch, region), std::move(on_done));
  State::Lock lock(state_->mutex);
  if (state_->broken) std::rethrow_exception(state_->broken);
  state_->waiting.push_back(job);
  try {
    const Ticket ticket = state_->jobs.add(job);
    state_->work.notify_one();
    return ticket;
  } catch (...) {  // all or nothing
    state_->waiting.pop_back();
    throw;
  }
}

Answers CudaEngine::collect(Ticket ticket) {
  State::Lock lock(state_->mutex);
  return state_->jobs.collect(ticket, lock);
}

void CudaEngine::discard(Ticket ticket) {
  JobPtr job;  // declared before the lock: destroyed, with its callback, after it
  State::Lock lock(state_->mutex);
  job = state_->jobs.take(ticket);
  if (!job) return;
  if (!job->started) {
    std::deque<JobPtr> &waiting = state_->waiting;
    waiting.erase(std::find(waiting.begin(), waiting.end(), job));
    return;
  }
  state_->jobs.wait_for(*job, lock);
}

}  // namespace w2l
