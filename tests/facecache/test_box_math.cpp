// gst-wav2lip: the numbers of box and pads, and from a detection to a region.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <climits>
#include <functional>

#include "box_math.h"
#include "facecache_error.h"

using w2l::FaceCacheError;
using w2l::Pads;

namespace {

std::string error_of(const std::function<void()> &call) {
  try {
    call();
  } catch (const FaceCacheError &error) {
    EXPECT_EQ(error.code(), FaceCacheError::Code::Settings);
    return error.what();
  }
  return "no error";
}

void expect_box(const GstW2lBox &box, int x1, int y1, int x2, int y2) {
  EXPECT_EQ(w2l::to_string(box), w2l::to_string(GstW2lBox{x1, y1, x2, y2}));
}

}  // namespace

TEST(Box, TakesFourNumbersInOrder) {
  expect_box(w2l::parse_box({10, 20, 110, 140}), 10, 20, 110, 140);
}

TEST(Box, RefusesWrongNumbersAndSaysHowToWriteThem) {
  EXPECT_EQ(error_of([] {
              w2l::parse_box({1, 2, 3});
            }),
            "box <1,2,3> is not four numbers of 0 or more: give <x1,y1,x2,y2>");
  EXPECT_EQ(error_of([] {
              w2l::parse_box({-1, 2, 3, 4});
            }),
            "box <-1,2,3,4> is not four numbers of 0 or more: give <x1,y1,x2,y2>");
  EXPECT_EQ(error_of([] {
              w2l::parse_box({110, 20, 10, 140});
            }),
            "box <110,20,10,140> is inverted or empty: give <x1,y1,x2,y2> with x1 < x2, y1 < y2");
  EXPECT_EQ(error_of([] {
              w2l::parse_box({10, 20, 110, 20});
            }),
            "box <10,20,110,20> is inverted or empty: give <x1,y1,x2,y2> with x1 < x2, y1 < y2");
}

TEST(Box, MayFillTheFrameButNotLeaveIt) {
  w2l::require_inside({0, 0, 320, 240}, 320, 240);
  EXPECT_EQ(error_of([] {
              w2l::require_inside({0, 0, 321, 240}, 320, 240);
            }),
            "box <0,0,321,240> reaches outside the 320x240 frame: keep it within <0,0,320,240>");
  EXPECT_NE(error_of([] { w2l::require_inside({0, 0, 320, 241}, 320, 240); }), "no error");
}

TEST(Pads, AreTopBottomLeftRight) {
  const Pads pads = w2l::parse_pads({1, 2, 3, 4});
  EXPECT_EQ(pads.top, 1);
  EXPECT_EQ(pads.bottom, 2);
  EXPECT_EQ(pads.left, 3);
  EXPECT_EQ(pads.right, 4);
  EXPECT_EQ(error_of([] {
              w2l::parse_pads({1, 2, 3});
            }),
            "pads <1,2,3> are not four numbers of 0 or more: give <top,bottom,left,right>");
  EXPECT_NE(error_of([] { w2l::parse_pads({0, -1, 0, 0}); }), "no error");
}

TEST(Region, TruncatesTheEdgesAndAddsTheReferencesPads) {
  // Edges 10.9, 20.9, 61.8, 81.8.
  expect_box(w2l::padded_region({10.9, 20.9, 50.9, 60.9}, Pads(), 320, 240), 10, 20, 61, 91);
  expect_box(w2l::padded_region({10.9, 20.9, 50.9, 60.9}, {1, 2, 3, 4}, 320, 240), 7, 19, 65, 83);
}

TEST(Region, IsClippedBeforeAndAfterThePads) {
  // A face over the top left corner: clipped at 0 first, so a pad cannot bring back what is cut.
  expect_box(w2l::padded_region({-20.0, -5.5, 50.0, 50.0}, {0, 10, 0, 5}, 320, 240), 0, 0, 35, 54);
  expect_box(w2l::padded_region({300.0, 200.0, 50.0, 35.0}, {300, 10, 0, 0}, 320, 240), 300, 0, 320,
             240);
  expect_box(w2l::padded_region({10, 10, 10, 10}, {INT_MAX, INT_MAX, INT_MAX, INT_MAX}, 320, 240),
             0, 0, 320, 240);
}

TEST(Region, OfAFaceOutsideTheFrameIsEmpty) {
  EXPECT_TRUE(w2l::is_empty(w2l::padded_region({400, 10, 50, 50}, {9, 9, 99, 9}, 320, 240)));
  EXPECT_TRUE(w2l::is_empty(w2l::padded_region({10, -60, 50, 50}, {9, 99, 9, 9}, 320, 240)));
}

TEST(Iou, IsCommonOverJointArea) {
  EXPECT_DOUBLE_EQ(w2l::iou({0, 0, 10, 10}, {0, 0, 10, 10}), 1.0);
  EXPECT_DOUBLE_EQ(w2l::iou({0, 0, 10, 10}, {5, 0, 10, 10}), 50.0 / 150.0);
  EXPECT_DOUBLE_EQ(w2l::iou({0, 0, 10, 10}, {10, 0, 10, 10}), 0.0);
  EXPECT_DOUBLE_EQ(w2l::iou({0, 0, 0, 0}, {0, 0, 0, 0}), 0.0);
}
