// gst-wav2lip tests: features of crops that were there before: found by their bytes alone, and
// never more of them than allowed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>

#include "feature_cache.h"

namespace w2l {
namespace {

// Two blocks: 4 x 2 pixels of 3 bytes, and one pixel of 5 bytes.
const std::vector<FeatureShape> kShapes = {{3, 4, 2}, {5, 1, 1}};

// Features whose bytes tell of which crop they are.
struct Face {
  std::string crop;
  std::vector<std::byte> large, small;

  explicit Face(int number) : crop("crop " + std::to_string(number)), large(24), small(5) {
    for (std::size_t i = 0; i < large.size(); ++i)
      large[i] = static_cast<std::byte>(number * 31 + static_cast<int>(i));
    std::fill(small.begin(), small.end(), static_cast<std::byte>(number));
  }

  FaceFeatures features() const { return {{large.data(), 0}, {small.data(), 0}}; }

  // Whether `entry` has the large block's rows from `top` on.
  bool is_in(const FeatureCache::EntryPtr &entry, int top) const {
    return entry && entry->features.size() == 2 && entry->features[0].top == top &&
           entry->features[1].top == 0 &&
           std::equal(large.begin() + top * 6, large.end(), entry->features[0].pixels) &&
           std::equal(small.begin(), small.end(), entry->features[1].pixels);
  }
};

constexpr std::size_t kPlenty = 1 << 20;

std::size_t worst_hash(std::string_view) {
  return 7;
}

// What one of them takes.
std::size_t entry_bytes() {
  FeatureCache cache(kShapes, 1, kPlenty);
  const Face face(1);
  cache.insert(face.crop, 0, face.features(), {0, 0});
  return cache.bytes();
}

TEST(FeatureCache, FindsWhatWasInserted) {
  FeatureCache cache(kShapes, 1, kPlenty);
  const Face first(1), second(2);
  EXPECT_EQ(cache.find(first.crop, 0), nullptr);
  cache.insert(first.crop, 0, first.features(), {0, 0});
  EXPECT_TRUE(first.is_in(cache.find(first.crop, 0), 0));
  EXPECT_EQ(cache.find(second.crop, 0), nullptr);
  cache.insert(second.crop, 0, second.features(), {0, 0});
  EXPECT_TRUE(first.is_in(cache.find(first.crop, 0), 0));
  EXPECT_TRUE(second.is_in(cache.find(second.crop, 0), 0));
}

TEST(FeatureCache, ComparesBytesAndNotHashes) {
  FeatureCache cache(kShapes, 1, kPlenty, worst_hash);
  for (int i = 0; i < 5; ++i) cache.insert(Face(i).crop, 0, Face(i).features(), {0, 0});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Face(i).is_in(cache.find(Face(i).crop, 0), 0)) << i;
  EXPECT_EQ(cache.find("crop 5", 0), nullptr);
}

TEST(FeatureCache, KeepsOnlyTheRowsThatAreRead) {
  FeatureCache cache(kShapes, 1, kPlenty);
  const Face face(1);
  cache.insert(face.crop, 48, face.features(), {3, 0});
  EXPECT_EQ(cache.bytes(), entry_bytes() - 18);
  EXPECT_TRUE(face.is_in(cache.find(face.crop, 48), 3));
  EXPECT_TRUE(face.is_in(cache.find(face.crop, 50), 3));
  EXPECT_EQ(cache.find(face.crop, 0), nullptr);  // they are not all there
  cache.insert(face.crop, 0, face.features(), {0, 0});
  EXPECT_TRUE(face.is_in(cache.find(face.crop, 0), 0));
  EXPECT_TRUE(face.is_in(cache.find(face.crop, 48), 0));
  EXPECT_EQ(cache.bytes(), entry_bytes());  // in place of the other
  cache.insert(face.crop, 48, face.features(), {3, 0});
  EXPECT_TRUE(face.is_in(cache.find(face.crop, 0), 0));  // has more than the new one
}

TEST(FeatureCache, NeverHoldsMoreThanItsLimit) {
  const std::size_t limit = 3 * entry_bytes() + 10;
  for (const FeatureCache::Hash &hash :
       {FeatureCache::Hash(std::hash<std::string_view>()), FeatureCache::Hash(worst_hash)}) {
    FeatureCache cache(kShapes, 1, limit, hash);
    for (int i = 0; i < 50; ++i) {
      const Face face(i % 9);
      cache.insert(face.crop, 0, face.features(), {0, 0});
      EXPECT_EQ(cache.bytes(), static_cast<std::size_t>(std::min(i + 1, 3)) * entry_bytes());
      EXPECT_TRUE(face.is_in(cache.find(face.crop, 0), 0));  // the newest is there at once
    }
  }
}

TEST(FeatureCache, FindsSomeOfAClipThatIsTwiceAsLongAsItsLimit) {
  constexpr int kKept = 100;
  FeatureCache cache(kShapes, 1, kKept * (entry_bytes() + 2));  // longer names come
  int found = 0;
  for (int lap = 0; lap < 10; ++lap)
    for (int i = 0; i < 2 * kKept; ++i) {
      const Face face(i);
      if (cache.find(face.crop, 0))
        ++found;
      else
        cache.insert(face.crop, 0, face.features(), {0, 0});
    }
  EXPECT_GT(found, 9 * 2 * kKept / 10);  // what was used longest ago would leave none
}

TEST(FeatureCache, WhatWasFoundStaysWhenItIsThrownOut) {
  FeatureCache cache(kShapes, 1, entry_bytes());
  const Face first(1), second(2);
  cache.insert(first.crop, 0, first.features(), {0, 0});
  const FeatureCache::EntryPtr found = cache.find(first.crop, 0);
  cache.insert(second.crop, 0, second.features(), {0, 0});
  EXPECT_EQ(cache.find(first.crop, 0), nullptr);
  EXPECT_TRUE(first.is_in(found, 0));
}

TEST(FeatureCache, HoldsNothingThatIsLargerThanItsLimit) {
  for (const std::size_t limit : {std::size_t{0}, entry_bytes() - 1}) {
    FeatureCache cache(kShapes, 1, limit);
    EXPECT_EQ(cache.enabled(), limit > 0);
    const Face face(1);
    cache.insert(face.crop, 0, face.features(), {0, 0});
    EXPECT_EQ(cache.find(face.crop, 0), nullptr);
    EXPECT_EQ(cache.bytes(), 0u);
  }
}

TEST(FeatureCache, MayBeUsedBySeveralThreads) {
  FeatureCache cache(kShapes, 1, 5 * entry_bytes());
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const Face face((i * static_cast<int>(t + 1)) % 9);
        const FeatureCache::EntryPtr entry = cache.find(face.crop, 0);
        if (entry && !face.is_in(entry, 0)) ++wrong[t];
        if (!entry) cache.insert(face.crop, 0, face.features(), {0, 0});
      }
    });
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
  EXPECT_LE(cache.bytes(), 5 * entry_bytes());
}

}  // namespace
}  // namespace w2l
