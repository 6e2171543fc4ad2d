// gst-wav2lip tests: where intermediate results lie in one piece of memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <random>

#include "arena_layout.h"

namespace w2l {
namespace {

using Offsets = std::vector<std::size_t>;

TEST(ArenaLayout, UsesAPlaceAgainWhenNobodyReadsItAnyMore) {
  // A chain of layers: each reads what the one before has written.
  const ArenaLayout layout = lay_out({{640, 0, 1}, {640, 1, 2}, {640, 2, 3}, {640, 3, 4}});
  EXPECT_EQ(layout.offsets, (Offsets{0, 640, 0, 640}));
  EXPECT_EQ(layout.bytes, 1280u);
}

TEST(ArenaLayout, PlacesLargeOnesFirstAndSmallOnesInGaps) {
  const ArenaLayout layout = lay_out({{64, 0, 9}, {1024, 0, 4}, {512, 5, 9}, {512, 5, 9}});
  EXPECT_EQ(layout.offsets, (Offsets{1024, 0, 0, 512}));
  EXPECT_EQ(layout.bytes, 1088u);
}

TEST(ArenaLayout, AlignsToLinesOfTheCache) {
  const ArenaLayout layout = lay_out({{100, 0, 0}, {1, 0, 0}});
  EXPECT_EQ(layout.offsets, (Offsets{0, 128}));
  EXPECT_EQ(layout.bytes, 192u);
}

TEST(ArenaLayout, IsEmptyForNothing) {
  EXPECT_EQ(lay_out({}).bytes, 0u);
}

TEST(ArenaLayout, NeverPlacesTwoThatLiveAtTheSameTimeOverEachOther) {
  std::mt19937 random(1);
  const auto any = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> lifetimes;
    std::size_t sum = 0;
    for (int i = 0; i < 40; ++i) {
      const int first = any(0, 30);
      lifetimes.push_back({static_cast<std::size_t>(any(1, 5000)), first, first + any(0, 6)});
      sum += (lifetimes.back().bytes + 63) / 64 * 64;
    }
    const ArenaLayout layout = lay_out(lifetimes);
    EXPECT_LT(layout.bytes, sum);
    for (std::size_t a = 0; a < lifetimes.size(); ++a) {
      EXPECT_EQ(layout.offsets[a] % 64, 0u);
      EXPECT_LE(layout.offsets[a] + lifetimes[a].bytes, layout.bytes);
      for (std::size_t b = 0; b < a; ++b) {
        const bool together =
            lifetimes[a].first <= lifetimes[b].last && lifetimes[b].first <= lifetimes[a].last;
        const bool apart = layout.offsets[a] + lifetimes[a].bytes <= layout.offsets[b] ||
                           layout.offsets[b] + lifetimes[b].bytes <= layout.offsets[a];
        EXPECT_TRUE(apart || !together);
      }
    }
  }
}

}  // namespace
}  // namespace w2l
