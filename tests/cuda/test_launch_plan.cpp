// gst-wav2lip tests: which batches share a launch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "lane.h"

namespace w2l {
namespace {

using Counts = std::vector<int>;

// Samples of each launch, until nothing waits.
Counts launches(std::vector<WaitingBatch> waiting, int max_batch = 128) {
  Counts counts;
  while (!waiting.empty()) {
    const std::size_t batches = batches_to_launch(waiting, max_batch);
    EXPECT_GE(batches, 1U);
    EXPECT_LE(batches, waiting.size());
    int samples = 0;
    for (std::size_t i = 0; i < batches; ++i) {
      EXPECT_EQ(waiting[i].first_row, waiting[0].first_row);
      samples += waiting[i].samples;
    }
    EXPECT_LE(samples, max_batch);
    counts.push_back(samples);
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(batches));
  }
  return counts;
}

Counts launches_of(const Counts &samples, int max_batch = 128) {
  std::vector<WaitingBatch> waiting;
  for (const int count : samples) waiting.push_back({count, 48});
  return launches(waiting, max_batch);
}

int cost(const Counts &counts) {
  int sum = 0;
  for (const int count : counts) sum += kLaunchCost + bucket_of(count);
  return sum;
}

// By trying all ways to cut them.
int least_cost(const Counts &samples, int max_batch) {
  int least = std::numeric_limits<int>::max();
  for (unsigned cuts = 0; cuts < 1U << (samples.size() - 1); ++cuts) {
    Counts counts{0};
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (i > 0 && (cuts >> (i - 1) & 1)) counts.push_back(0);
      counts.back() += samples[i];
    }
    if (*std::max_element(counts.begin(), counts.end()) <= max_batch)
      least = std::min(least, cost(counts));
  }
  return least;
}

TEST(LaunchPlan, NothingWaits) {
  EXPECT_EQ(batches_to_launch({}, 128), 0U);
}

TEST(LaunchPlan, OneLaunchForAFewSmallBatches) {
  EXPECT_EQ(launches_of({1}), (Counts{1}));
  EXPECT_EQ(launches_of({3, 3}), (Counts{6}));
  EXPECT_EQ(launches_of({1, 1, 1, 1, 1, 1, 1, 1}), (Counts{8}));
  EXPECT_EQ(launches_of({3, 3, 3}), (Counts{9}));  // computed as 16, sooner than as 8 and 4
}

// The one that waited first has its answer no later for it.
TEST(LaunchPlan, NothingIsAddedThatWouldBePaddedMore) {
  EXPECT_EQ(launches_of({1, 16}), (Counts{1, 16}));
  EXPECT_EQ(launches_of({16, 1}), (Counts{16, 1}));
  EXPECT_EQ(launches_of({64, 3}), (Counts{64, 3}));
}

TEST(LaunchPlan, ManySmallBatchesFillLaunchesTogether) {
  EXPECT_EQ(launches_of(Counts(13, 3)), (Counts{30, 9}));
  EXPECT_EQ(launches_of(Counts(42, 3)), (Counts{126}));
  EXPECT_EQ(launches_of(Counts(128, 1)), (Counts{128}));
}

TEST(LaunchPlan, LaunchesAreNoLargerThanAllowed) {
  EXPECT_EQ(launches_of({4, 4, 4}, 8), (Counts{8, 4}));
  EXPECT_EQ(launches_of({128, 128, 1}), (Counts{128, 128, 1}));
}

TEST(LaunchPlan, ABatchThatIsTooLargeIsALaunchOfItsOwn) {
  EXPECT_EQ(batches_to_launch({{9, 0}, {1, 0}}, 8), 1U);
  EXPECT_EQ(batches_to_launch({{1, 0}, {9, 0}, {9, 0}}, 8), 1U);
}

TEST(LaunchPlan, OtherRowsNeedAnotherLaunch) {
  EXPECT_EQ(launches({{3, 0}, {3, 0}, {3, 48}, {3, 0}}), (Counts{6, 3, 3}));
}

TEST(LaunchPlan, NoOtherCutIsCheaper) {
  std::mt19937 random{7};
  for (int round = 0; round < 300; ++round) {
    Counts samples(1 + random() % 12);
    for (int &count : samples) count = 1 + static_cast<int>(random() % (round % 2 ? 8 : 32));
    EXPECT_EQ(cost(launches_of(samples, 32)), least_cost(samples, 32)) << "round " << round;
  }
}

}  // namespace
}  // namespace w2l
