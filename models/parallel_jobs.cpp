// gst-wav2lip: independent jobs on a few threads. See parallel_jobs.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "parallel_jobs.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace w2l {
namespace {

// The kernel counts a thread for a moment longer than join() waits.
void wait_until_gone(long thread) {
  constexpr int kMostTries = 10000;  // in case that another thread has got its number
  for (int i = 0; i < kMostTries && syscall(SYS_tgkill, getpid(), thread, 0) == 0; ++i)
    std::this_thread::yield();
}

}  // namespace

// C++'s own hardware_concurrency() counts all that are there.
int usable_cpus() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) return CPU_COUNT(&cpus);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));  // more than 1024
}

int startable_threads(int wanted) {
  const auto others = static_cast<std::size_t>(std::max(1, wanted) - 1);
  std::vector<std::thread> running;
  std::vector<long> numbers(others);
  running.reserve(others);
  std::promise<void> counted;
  const std::shared_future<void> end = counted.get_future().share();
  try {
    for (long &number : numbers)
      running.emplace_back([&number, &end] {
        number = syscall(SYS_gettid);
        end.wait();
      });
  } catch (...) {  // no more threads
  }
  counted.set_value();
  for (std::thread &thread : running) thread.join();
  for (std::size_t i = 0; i < running.size(); ++i) wait_until_gone(numbers[i]);
  return 1 + static_cast<int>(running.size());
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
