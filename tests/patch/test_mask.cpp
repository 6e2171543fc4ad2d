// gst-wav2lip: tests of the feathered mask.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cstdlib>

#include "mask.h"

using w2l::FeatherMask;
using w2l::kOpaque;
using w2l::RowRange;

namespace {

constexpr int kWidth = 200, kHeight = 240;
constexpr RowRange kLowerRows{122, 240};

FeatherMask lower_mask(double feather) {
  FeatherMask mask;
  mask.update(kWidth, kHeight, kLowerRows, feather);
  return mask;
}

TEST(FeatherMask, HardMaskIsOpaqueEverywhere) {
  FeatherMask mask = lower_mask(0.0);
  for (int y = kLowerRows.first; y < kLowerRows.end; y++)
    for (int x = 0; x < kWidth; x++) ASSERT_EQ(mask.row(y)[x], kOpaque) << x << "," << y;
}

TEST(FeatherMask, MouthIsOpaqueAndEveryEdgeIsNot) {
  FeatherMask mask = lower_mask(0.1);
  // A tight face box has the mouth at three quarters of its height.
  for (int x = kWidth * 3 / 10; x < kWidth * 7 / 10; x++) EXPECT_EQ(mask.row(180)[x], kOpaque);
  for (int x = 0; x < kWidth; x++) {
    EXPECT_LE(mask.row(kLowerRows.first)[x], 2);
    EXPECT_LE(mask.row(kLowerRows.end - 1)[x], 2);
  }
  for (int y = kLowerRows.first; y < kLowerRows.end; y++) {
    EXPECT_LE(mask.row(y)[0], 2);
    EXPECT_LE(mask.row(y)[kWidth - 1], 2);
  }
}

TEST(FeatherMask, LowerCornersAreRounded) {
  FeatherMask mask = lower_mask(0.1);
  // Well inside a rectangle, outside a jaw.
  EXPECT_EQ(mask.row(kHeight * 93 / 100)[kWidth * 12 / 100], 0);
  EXPECT_EQ(mask.row(kHeight * 93 / 100)[kWidth * 88 / 100], 0);
  // The same distance from the side is covered at the height of the cheeks.
  EXPECT_EQ(mask.row(150)[kWidth * 12 / 100], kOpaque);
}

TEST(FeatherMask, IsSymmetric) {
  FeatherMask mask = lower_mask(0.1);
  for (int y = kLowerRows.first; y < kLowerRows.end; y++)
    for (int x = 0; x < kWidth / 2; x++)
      ASSERT_NEAR(mask.row(y)[x], mask.row(y)[kWidth - 1 - x], 1) << x << "," << y;
}

TEST(FeatherMask, HasNoSteps) {
  // 20 pixels of soft edge: smoothstep is at most 1.5 / 20 steep, a little more where the
  // superellipse's terms add up.
  FeatherMask mask = lower_mask(0.1);
  for (int y = kLowerRows.first; y < kLowerRows.end - 1; y++)
    for (int x = 0; x < kWidth - 1; x++) {
      int here = mask.row(y)[x];
      ASSERT_LE(std::abs(mask.row(y)[x + 1] - here), 40) << x << "," << y;
      ASSERT_LE(std::abs(mask.row(y + 1)[x] - here), 40) << x << "," << y;
    }
}

TEST(FeatherMask, RisesTowardsTheMiddle) {
  FeatherMask mask = lower_mask(0.2);
  for (int y = kLowerRows.first; y < kLowerRows.end; y++)
    for (int x = 1; x < kWidth / 2; x++)
      ASSERT_GE(mask.row(y)[x], mask.row(y)[x - 1]) << x << "," << y;
}

TEST(FeatherMask, MoreFeatherNeverCoversMore) {
  FeatherMask wider = lower_mask(0.5);
  for (double feather : {0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.005, 0.0}) {
    FeatherMask mask = lower_mask(feather);
    for (int y = kLowerRows.first; y < kLowerRows.end; y++)
      for (int x = 0; x < kWidth; x++)
        ASSERT_GE(mask.row(y)[x], wider.row(y)[x]) << feather << ": " << x << "," << y;
    wider = mask;
  }
}

TEST(FeatherMask, LittleFeatherIsNearlyTheHardBox) {
  FeatherMask mask = lower_mask(0.005);
  EXPECT_EQ(mask.row(kLowerRows.first + 1)[2], kOpaque);
  EXPECT_EQ(mask.row(kHeight - 8)[8], kOpaque);
}

TEST(FeatherMask, UpperRowsAloneAreSoftOnAllSidesToo) {
  FeatherMask mask;
  mask.update(kWidth, kHeight, {0, 118}, 0.1);
  EXPECT_EQ(mask.row(59)[kWidth / 2], kOpaque);
  EXPECT_LE(mask.row(0)[kWidth / 2], 2);
  EXPECT_LE(mask.row(117)[kWidth / 2], 2);
}

TEST(FeatherMask, SamplesThatAreNotWrittenStayZero) {
  // xRGB: the first of four bytes is padding.
  FeatherMask pixels(4, 0xe), plane;
  pixels.update(50, 60, {30, 60}, 0.1);
  plane.update(50, 60, {30, 60}, 0.1);
  for (int y = 30; y < 60; y++)
    for (int x = 0; x < 50; x++) {
      ASSERT_EQ(pixels.row(y)[4 * x], 0);
      for (int c = 1; c < 4; c++) ASSERT_EQ(pixels.row(y)[4 * x + c], plane.row(y)[x]);
    }
}

TEST(FeatherMask, UpdatesWhenAnythingChanges) {
  FeatherMask mask = lower_mask(0.1);
  mask.update(kWidth, kHeight, kLowerRows, 0.0);
  EXPECT_EQ(mask.row(kLowerRows.first)[0], kOpaque);
  mask.update(kWidth / 2, kHeight, kLowerRows, 0.1);
  EXPECT_LE(mask.row(180)[kWidth / 2 - 1], 3);
  mask.update(kWidth / 2, kHeight, {0, kHeight}, 0.1);
  EXPECT_LE(mask.row(0)[kWidth / 4], 2);
  EXPECT_EQ(mask.row(122)[kWidth / 4], kOpaque);
}

}  // namespace
