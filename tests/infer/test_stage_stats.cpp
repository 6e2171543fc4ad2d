// gst-wav2lip: StageStats: the percentiles and totals that w2linfer's stats property shows.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stage_stats.h"

#include <gtest/gtest.h>

namespace w2l {
namespace {

TEST(StageStats, IsZeroBeforeTheFirstSample) {
  StageStats stats;
  EXPECT_EQ(stats.percentile(0.5), 0);
  EXPECT_EQ(stats.total(), 0);
  EXPECT_EQ(stats.count(), 0u);
}

TEST(StageStats, PercentilesAreSamplesInOrderOfSize) {
  StageStats stats;
  for (int i = 100; i >= 1; --i) stats.add(i);
  EXPECT_EQ(stats.percentile(0), 1);
  EXPECT_EQ(stats.percentile(0.5), 51);
  EXPECT_EQ(stats.percentile(0.95), 96);
  EXPECT_EQ(stats.percentile(1), 100);
  EXPECT_EQ(stats.total(), 5050);
  EXPECT_EQ(stats.count(), 100u);
}

TEST(StageStats, OneSampleIsEveryPercentile) {
  StageStats stats;
  stats.add(7);
  for (double fraction : {0.0, 0.5, 0.95, 1.0}) EXPECT_EQ(stats.percentile(fraction), 7);
}

TEST(StageStats, PercentilesForgetWhatTotalsRemember) {
  StageStats stats;
  stats.add(1000);
  for (std::size_t i = 0; i < StageStats::kSamples; ++i) stats.add(1);
  EXPECT_EQ(stats.percentile(1), 1) << "the oldest sample has left";
  EXPECT_EQ(stats.total(), 1512);
  EXPECT_EQ(stats.count(), 513u);
}

}  // namespace
}  // namespace w2l
