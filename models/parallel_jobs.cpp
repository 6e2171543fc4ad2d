// gst-wav2lip: independent jobs on a few threads. See parallel_jobs.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "parallel_jobs.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace w2l {

// C++'s own hardware_concurrency() counts all that are there.
int usable_cpus() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) return CPU_COUNT(&cpus);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));  // more than 1024
}

void run_jobs(int threads, int count, const std::function<void(int)> &job) {
  std::atomic<int> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      for (int i = next++; i < count; i = next++) job(i);
    } catch (...) {
      next = count;
      std::lock_guard<std::mutex> lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> running;
  for (int i = 0; i < std::min(threads, count); ++i) {
    try {
      running.emplace_back(work);
    } catch (...) {  // no more threads, or no memory
      if (running.empty()) throw;
      break;  // those that run do it all
    }
  }
  for (std::thread &thread : running) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace w2l
