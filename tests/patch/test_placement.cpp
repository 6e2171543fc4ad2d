// gst-wav2lip: tests of the geometry of a patch: usable rows, clipping, opacity.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <climits>

#include "placement.h"

using namespace w2l;

namespace {

PatchGeometry whole_patch(GstW2lBox box) {
  PatchGeometry patch;
  patch.box = box;
  patch.image_rows = 96;
  patch.valid = {0, 96};
  return patch;
}

void expect_region(const Placement &placement, int x1, int y1, int x2, int y2) {
  EXPECT_EQ(placement.region.x1, x1);
  EXPECT_EQ(placement.region.y1, y1);
  EXPECT_EQ(placement.region.x2, x2);
  EXPECT_EQ(placement.region.y2, y2);
}

TEST(RowsFromValid, WholeImageGivesWholeBox) {
  for (int height : {1, 5, 48, 96, 97, 400}) {
    RowRange rows = rows_from_valid(96, {0, 96}, height);
    EXPECT_EQ(rows.first, 0) << height;
    EXPECT_EQ(rows.end, height);
  }
}

TEST(RowsFromValid, SameSizeNeedsNoNeighbour) {
  RowRange rows = rows_from_valid(96, {48, 96}, 96);
  EXPECT_EQ(rows.first, 48);
  EXPECT_EQ(rows.end, 96);
  EXPECT_EQ(rows_from_valid(96, {0, 48}, 96).end, 48);
}

TEST(RowsFromValid, StretchedRowsNeedBothNeighbours) {
  // Box row 96 of 192 lies at image row 47.75, between 47 and 48; row 97 at 48.25.
  EXPECT_EQ(rows_from_valid(96, {48, 96}, 192).first, 97);
  EXPECT_EQ(rows_from_valid(96, {47, 96}, 192).first, 95);
  // Box row 150 of 300 lies at 47.66, 151 at 47.98, 152 at 48.3.
  EXPECT_EQ(rows_from_valid(96, {48, 96}, 300).first, 152);
}

TEST(RowsFromValid, LastRowsMirrorTheFirst) {
  RowRange rows = rows_from_valid(96, {0, 48}, 192);
  EXPECT_EQ(rows.first, 0);
  EXPECT_EQ(rows.end, 95);
}

TEST(RowsFromValid, ShrunkBoxUsesTheTwoRowsAroundItsCentre) {
  // Row 24 of 48 is the mean of image rows 48 and 49.
  EXPECT_EQ(rows_from_valid(96, {48, 96}, 48).first, 24);
  EXPECT_EQ(rows_from_valid(96, {49, 96}, 48).first, 25);
}

TEST(RowsFromValid, NothingValidGivesNothing) {
  EXPECT_TRUE(rows_from_valid(96, {96, 96}, 100).empty());
  EXPECT_TRUE(rows_from_valid(0, {0, 0}, 100).empty());
}

TEST(RowsToPaste, AutoTakesWhatIsUsable) {
  RowRange rows = rows_to_paste(MaskMode::kAuto, {52, 100}, 100);
  EXPECT_EQ(rows.first, 52);
  EXPECT_EQ(rows.end, 100);
}

TEST(RowsToPaste, LowerIsTheLowerHalf) {
  EXPECT_EQ(rows_to_paste(MaskMode::kLower, {0, 100}, 100).first, 50);
  EXPECT_EQ(rows_to_paste(MaskMode::kLower, {0, 101}, 101).first, 51);
  EXPECT_EQ(rows_to_paste(MaskMode::kLower, {52, 100}, 100).first, 52);
}

TEST(RowsToPaste, FullNeverExceedsWhatIsUsable) {
  EXPECT_EQ(rows_to_paste(MaskMode::kFull, {0, 100}, 100).first, 0);
  EXPECT_EQ(rows_to_paste(MaskMode::kFull, {52, 100}, 100).first, 52);
}

TEST(PlacePatch, InsideTheFrameIsTheBox) {
  Placement placement = place_patch(whole_patch({10, 20, 110, 140}), {}, 320, 180);
  expect_region(placement, 10, 20, 110, 140);
  EXPECT_FALSE(placement.clipped);
  EXPECT_TRUE(placement.visible());
  EXPECT_EQ(placement.opacity, 256);
}

TEST(PlacePatch, OverTheEdgeIsClipped) {
  Placement placement = place_patch(whole_patch({-10, -20, 330, 190}), {}, 320, 180);
  expect_region(placement, 0, 0, 320, 180);
  EXPECT_TRUE(placement.clipped);
  // The mask still spans the box: no soft edge along the frame's.
  EXPECT_EQ(placement.rows.first, 0);
  EXPECT_EQ(placement.rows.end, 210);
}

TEST(PlacePatch, EverySideClips) {
  for (GstW2lBox box : {GstW2lBox{-1, 20, 90, 140}, GstW2lBox{10, -1, 90, 140},
                        GstW2lBox{10, 20, 321, 140}, GstW2lBox{10, 20, 90, 181}})
    EXPECT_TRUE(place_patch(whole_patch(box), {}, 320, 180).clipped);
  EXPECT_FALSE(place_patch(whole_patch({0, 0, 320, 180}), {}, 320, 180).clipped);
}

TEST(PlacePatch, OutsideShowsNothingAndClipsNothing) {
  for (GstW2lBox box : {GstW2lBox{320, 0, 400, 90}, GstW2lBox{-80, 0, 0, 90},
                        GstW2lBox{0, 180, 90, 200}, GstW2lBox{0, -90, 90, 0}}) {
    Placement placement = place_patch(whole_patch(box), {}, 320, 180);
    EXPECT_FALSE(placement.visible());
    EXPECT_FALSE(placement.clipped);
  }
}

TEST(PlacePatch, PastedRowsOutsideShowNothing) {
  PatchGeometry patch = whole_patch({10, 130, 110, 230});
  patch.valid = {48, 96};
  EXPECT_FALSE(place_patch(patch, {}, 320, 180).visible());
}

TEST(PlacePatch, BrokenBoxesShowNothing) {
  for (GstW2lBox box :
       {GstW2lBox{50, 50, 50, 90}, GstW2lBox{50, 90, 90, 50},
        GstW2lBox{INT_MIN, INT_MIN, INT_MAX, INT_MAX}, GstW2lBox{0, 0, kMaxBoxSide + 1, 90}})
    EXPECT_FALSE(place_patch(whole_patch(box), {}, 320, 180).visible());
}

TEST(PlacePatch, OpacitiesMultiply) {
  PatchGeometry patch = whole_patch({10, 20, 110, 140});
  BlendSettings settings;
  patch.opacity = 0.5;
  settings.opacity = 0.5;
  EXPECT_EQ(place_patch(patch, settings, 320, 180).opacity, 64);
  settings.opacity = 0.0;
  EXPECT_FALSE(place_patch(patch, settings, 320, 180).visible());
  settings.opacity = 1.0;
  patch.opacity = 7.0;
  EXPECT_EQ(place_patch(patch, settings, 320, 180).opacity, 256);
  patch.opacity = -1.0;
  EXPECT_FALSE(place_patch(patch, settings, 320, 180).visible());
}

}  // namespace
