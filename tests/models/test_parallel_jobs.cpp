// gst-wav2lip tests: independent jobs on a few threads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "no_threads.h"
#include "parallel_jobs.h"

namespace w2l {
namespace {

TEST(ParallelJobs, EachRunsOnce) {
  for (const int threads : {1, 3, 8})
    for (const int count : {0, 1, 5, 100}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      run_jobs(threads, count, [&](int i) { ++calls[static_cast<std::size_t>(i)]; });
      for (const std::atomic<int> &called : calls) EXPECT_EQ(called, 1);
    }
}

TEST(ParallelJobs, OnOneThreadTheOneThatThrowsIsTheLast) {
  std::vector<int> called;
  EXPECT_THROW(run_jobs(1, 10,
                        [&](int i) {
                          called.push_back(i);
                          if (i == 3) throw std::runtime_error("broken");
                        }),
               std::runtime_error);
  EXPECT_EQ(called, (std::vector<int>{0, 1, 2, 3}));
}

TEST(ParallelJobs, SeveralMayThrow) {
  EXPECT_THROW(run_jobs(4, 100, [](int) { throw std::runtime_error("broken"); }),
               std::runtime_error);
}

TEST(StartableThreads, AreAllThatAreWantedWithoutALimit) {
  for (const int wanted : {1, 2, 5}) EXPECT_EQ(startable_threads(wanted), wanted);
}

void exit_with_startable_threads() {
  test::forbid_threads();
  std::_Exit(startable_threads(4));
}

TEST(StartableThreadsDeathTest, AreTheCallingOneWhereNoOtherCanBeStarted) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_startable_threads(), testing::ExitedWithCode(1), "");
}

}  // namespace
}  // namespace w2l
