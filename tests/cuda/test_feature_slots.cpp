// gst-wav2lip tests: which crop's features lie in which slot.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "feature_slots.h"

namespace w2l {
namespace {

TEST(HashBytes, TellsBytesApartWhereverTheyDiffer) {
  std::set<std::size_t> hashes;
  std::size_t count = 0;
  for (const std::size_t size : {0, 1, 7, 8, 31, 32, 33, 100}) {
    std::string bytes(size, '\0');
    hashes.insert(hash_bytes(bytes));
    ++count;
    for (char &byte : bytes)
      for (const char other : {'\1', '\x80'}) {
        const char before = std::exchange(byte, other);
        hashes.insert(hash_bytes(bytes));
        ++count;
        byte = before;
      }
  }
  EXPECT_EQ(hashes.size(), count);
}

using Slots = std::vector<std::int32_t>;
constexpr std::size_t kCropBytes = 6;

// Of a pixel for every three letters, in a row.
std::vector<Crop> crops(const std::vector<std::string_view> &letters) {
  std::vector<Crop> result;
  for (const std::string_view text : letters)
    result.push_back({reinterpret_cast<const std::uint8_t *>(text.data()),
                      static_cast<int>(text.size() / 3), 1});
  return result;
}

FeatureSlots four_slots(bool recognise = true) {
  return FeatureSlots(4, kCropBytes, recognise);
}

TEST(FeatureSlots, AreTakenInOrderAndFoundAgain) {
  FeatureSlots slots = four_slots();
  const auto first = slots.lease(crops({"aaa", "bbb"}), 1);
  EXPECT_EQ(first.slots, (Slots{0, 1}));
  EXPECT_EQ(first.new_slots, (Slots{0, 1}));
  EXPECT_EQ(first.new_samples, (std::vector<int>{0, 1}));
  EXPECT_EQ(first.repeated, (std::vector<bool>{false, false}));
  EXPECT_TRUE(first.read_from.empty());
  slots.give_back(first);
  const auto second = slots.lease(crops({"ccc", "bbb", "aaa"}), 2);
  EXPECT_EQ(second.slots, (Slots{2, 1, 0}));
  EXPECT_EQ(second.new_slots, (Slots{2}));
  EXPECT_EQ(second.new_samples, (std::vector<int>{0}));
  EXPECT_EQ(second.repeated, (std::vector<bool>{false, true, true}));
}

TEST(FeatureSlots, ComputeACropOnceThatComesTwice) {
  FeatureSlots slots = four_slots();
  const auto lease = slots.lease(crops({"aaa", "bbb", "aaa", "aaa"}), 1);
  EXPECT_EQ(lease.slots, (Slots{0, 1, 0, 0}));
  EXPECT_EQ(lease.new_slots, (Slots{0, 1}));
  EXPECT_EQ(lease.repeated, (std::vector<bool>{false, false, true, true}));
  EXPECT_TRUE(lease.read_from.empty());  // but by itself
}

TEST(FeatureSlots, SayWhichLaunchComputesWhatIsRead) {
  FeatureSlots slots = four_slots();
  slots.lease(crops({"aaa"}), 7);
  slots.lease(crops({"bbb"}), 8);
  EXPECT_EQ(slots.lease(crops({"ccc", "bbb"}), 9).read_from, (std::vector<std::uint64_t>{8}));
}

TEST(FeatureSlots, AreComparedByTheirBytes) {
  FeatureSlots slots(4, kCropBytes, true, [](std::string_view) { return 1; });
  slots.lease(crops({"aaa", "bbb"}), 1);
  const auto lease = slots.lease(crops({"bbb", "ccc", "aaa"}), 2);
  EXPECT_EQ(lease.slots, (Slots{1, 2, 0}));
  EXPECT_EQ(lease.new_slots, (Slots{2}));
}

TEST(FeatureSlots, AreComparedByTheirSizeToo) {
  FeatureSlots slots(4, kCropBytes, true, [](std::string_view) { return 1; });
  Crop wide = crops({"aaabbb"}).front(), high = wide;
  std::swap(high.width, high.height);
  slots.lease(crops({"aaa"}), 1);
  slots.lease({wide}, 2);
  const auto lease = slots.lease({high, wide, crops({"aaa"}).front()}, 3);
  EXPECT_EQ(lease.slots, (Slots{2, 1, 0}));
  EXPECT_EQ(lease.repeated, (std::vector<bool>{false, true, true}));
  FeatureSlots others(4, kCropBytes, true, [](std::string_view) { return 1; });
  others.lease({high}, 1);
  EXPECT_FALSE(others.lease(crops({"aaa"}), 2).repeated[0]);  // its first row
}

TEST(FeatureSlots, OfLaunchesInFlightKeepTheirCrops) {
  FeatureSlots slots = four_slots();
  const auto kept = slots.lease(crops({"aaa", "bbb"}), 1);
  for (char c = 'c'; c <= 'z'; ++c) {
    const std::string one(3, c), other = std::string(2, c) + "-";
    const auto lease = slots.lease(crops({one, other}), 2);
    for (const std::int32_t slot : lease.slots) EXPECT_GE(slot, 2);
    slots.give_back(lease);
  }
  EXPECT_EQ(slots.lease(crops({"bbb", "aaa"}), 3).slots, (Slots{1, 0}));
}

TEST(FeatureSlots, AreUsedAsLongAsOneLaunchUsesThem) {
  FeatureSlots slots(1, kCropBytes, true);
  const auto one = slots.lease(crops({"aaa", "aaa"}), 1);
  const auto two = slots.lease(crops({"aaa"}), 2);
  slots.give_back(one);
  EXPECT_THROW(slots.lease(crops({"bbb"}), 3), std::logic_error);
  slots.give_back(two);
  EXPECT_EQ(slots.lease(crops({"bbb"}), 4).new_slots, (Slots{0}));
}

// What a launch needs is found before anything makes room.
TEST(FeatureSlots, ReplaceNothingThatTheSameLaunchReads) {
  FeatureSlots slots = four_slots();
  slots.give_back(slots.lease(crops({"aaa", "bbb", "ccc", "ddd"}), 1));
  for (int round = 0; round < 20; ++round) {
    const std::string fresh = "nw" + std::string(1, static_cast<char>('a' + round));
    const auto before = slots.lease(crops({"aaa", "bbb", "ccc"}), 2);
    EXPECT_EQ(before.new_slots.size(), 0u);
    slots.give_back(before);
    const auto lease = slots.lease(crops({fresh, "aaa", "bbb", "ccc"}), 3);
    EXPECT_EQ(lease.new_slots, (Slots{3}));
    slots.give_back(lease);
  }
}

// A loop that is longer than the slots: some of it is found in every lap.
TEST(FeatureSlots, AreReplacedByChance) {
  FeatureSlots slots(50, kCropBytes, true);
  int found = 0;
  for (int lap = 0; lap < 20; ++lap)
    for (int i = 0; i < 60; ++i) {
      const std::string crop = std::to_string(100 + i);
      const auto lease = slots.lease(crops({crop}), 1);
      found += lease.repeated[0] ? 1 : 0;
      slots.give_back(lease);
    }
  EXPECT_GT(found, 19 * 60 / 2);
  EXPECT_LT(found, 19 * 60);
}

TEST(FeatureSlots, AreEachSamplesOwnWhereNothingIsToBeFoundAgain) {
  FeatureSlots slots = four_slots(false);
  const auto lease = slots.lease(crops({"aaa", "aaa"}), 1);
  EXPECT_EQ(lease.new_slots, (Slots{0, 1}));
  EXPECT_EQ(lease.repeated, (std::vector<bool>{false, false}));
  const auto other = slots.lease(crops({"aaa", "bbb"}), 2);
  EXPECT_EQ(other.new_slots, (Slots{2, 3}));
  slots.give_back(lease);
  const auto third = slots.lease(crops({"aaa", "bbb"}), 3);
  EXPECT_EQ(std::set<int>(third.new_slots.begin(), third.new_slots.end()), (std::set<int>{0, 1}));
}

}  // namespace
}  // namespace w2l
