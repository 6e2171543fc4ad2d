// gst-wav2lip: BoxSmoother against the batch definition of the reference's smoothing, and against
// its recorded boxes where W2L_TEST_DATA names them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "box_smoother.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <random>
#include <string>
#include <vector>

static bool operator==(const GstW2lBox &a, const GstW2lBox &b) {
  return a.x1 == b.x1 && a.y1 == b.y1 && a.x2 == b.x2 && a.y2 == b.y2;
}

static std::ostream &operator<<(std::ostream &out, const GstW2lBox &box) {
  return out << '[' << box.x1 << ", " << box.y1 << ", " << box.x2 << ", " << box.y2 << ']';
}

namespace w2l {
namespace {

using Boxes = std::vector<GstW2lBox>;

Boxes smooth(const Boxes &run) {
  BoxSmoother smoother;
  Boxes result;
  for (const GstW2lBox &box : run)
    for (const GstW2lBox &final_box : smoother.push(box)) result.push_back(final_box);
  for (const GstW2lBox &final_box : smoother.finish()) result.push_back(final_box);
  return result;
}

// Python: for i in range(n): window = b[n-5:] if i + 5 > n else b[i:i+5]; b[i] = mean(window)
Boxes define(Boxes boxes) {
  const int n = static_cast<int>(boxes.size());
  for (int i = 0; i < n; ++i) {
    int begin = i, end = i + 5;
    if (i + 5 > n) {
      begin = n - 5 < 0 ? std::max(0, n + (n - 5)) : n - 5;
      end = n;
    }
    double sum[4] = {};
    for (int j = begin; j < end; ++j) {
      sum[0] += boxes[j].x1;
      sum[1] += boxes[j].y1;
      sum[2] += boxes[j].x2;
      sum[3] += boxes[j].y2;
    }
    const int count = end - begin;
    boxes[i] = {static_cast<int>(sum[0] / count), static_cast<int>(sum[1] / count),
                static_cast<int>(sum[2] / count), static_cast<int>(sum[3] / count)};
  }
  return boxes;
}

GstW2lBox box_at(int x) {
  return {x, 2 * x, x + 100, 2 * x + 50};
}

TEST(BoxSmoother, BoxIsReturnedWithTheFourthOneAfterIt) {
  BoxSmoother smoother;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(smoother.push(box_at(10 * i)).empty());
    EXPECT_EQ(smoother.pending(), i + 1);
  }
  EXPECT_EQ(smoother.push(box_at(40)), Boxes{box_at(20)});  // mean of 0, 10, 20, 30, 40
  EXPECT_EQ(smoother.pending(), 4);
  EXPECT_EQ(smoother.push(box_at(54)), (Boxes{{30, 61, 130, 111}}));  // 30.8, 61.6: truncated
  EXPECT_EQ(smoother.pending(), 4);
}

TEST(BoxSmoother, EndUsesBoxesThatAreSmoothedAlready) {
  BoxSmoother smoother;
  for (int x : {0, 10, 20, 30, 40}) smoother.push(box_at(x));
  // 0 became 20; then mean(20 10 20 30 40) = 24, mean(20 24 20 30 40) = 26.8 (of 2x: 53), ...
  EXPECT_EQ(smoother.finish(),
            (Boxes{{24, 48, 124, 98}, {26, 53, 126, 103}, {28, 56, 128, 106}, {27, 55, 127, 105}}));
  EXPECT_EQ(smoother.pending(), 0);
}

TEST(BoxSmoother, ShortRunsFollowPythonsNegativeIndex) {
  EXPECT_EQ(smooth({}), Boxes{});
  EXPECT_EQ(smooth({box_at(7)}), Boxes{box_at(7)});
  EXPECT_EQ(smooth({box_at(0), box_at(10)}), (Boxes{box_at(5), {7, 15, 107, 65}}));
  EXPECT_EQ(smooth({box_at(0), box_at(10), box_at(20)}),
            (Boxes{box_at(15), box_at(15), {17, 35, 117, 85}}));
  EXPECT_EQ(smooth({box_at(0), box_at(10), box_at(20), box_at(30)}), Boxes(4, box_at(30)));
}

TEST(BoxSmoother, EqualsTheDefinitionOnRandomRuns) {
  std::mt19937 random(1);
  for (int length = 0; length <= 20; ++length) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      Boxes run(length);
      for (GstW2lBox &box : run) {
        const int x = static_cast<int>(random() % 4000), y = static_cast<int>(random() % 2000);
        box = {x, y, x + 1 + static_cast<int>(random() % 500),
               y + 1 + static_cast<int>(random() % 500)};
      }
      ASSERT_EQ(smooth(run), define(run)) << length << " boxes";
    }
  }
}

TEST(BoxSmoother, RunsDoNotTouchEachOther) {
  const Boxes run{box_at(3), box_at(14), box_at(15), box_at(92), box_at(65), box_at(35)};
  BoxSmoother smoother;
  for (int x = 1000; x < 1007; ++x) smoother.push(box_at(x));
  smoother.reset();
  EXPECT_EQ(smoother.pending(), 0);
  for (int lap = 0; lap < 2; ++lap) {
    Boxes result;
    for (const GstW2lBox &box : run)
      for (const GstW2lBox &final_box : smoother.push(box)) result.push_back(final_box);
    for (const GstW2lBox &final_box : smoother.finish()) result.push_back(final_box);
    EXPECT_EQ(result, define(run)) << "lap " << lap;
  }
}

TEST(BoxSmoother, EqualsTheReference) {
  const char *folder = std::getenv("W2L_TEST_DATA");
  if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  std::ifstream file(std::string(folder) + "/golden/smoothing.json");
  const nlohmann::json cases = nlohmann::json::parse(file);
  ASSERT_EQ(cases.size(), 3u);
  for (const nlohmann::json &one : cases) {
    const int width = one["frame"][0], height = one["frame"][1];
    const std::vector<int> pads = one["pads_tblr"];
    Boxes padded, expected;
    for (const std::vector<int> raw : one["raw_xyxy"])
      padded.push_back({std::max(0, raw[0] - pads[2]), std::max(0, raw[1] - pads[0]),
                        std::min(width, raw[2] + pads[3]), std::min(height, raw[3] + pads[1])});
    for (const std::vector<int> box : one["padded_smoothed_xyxy"])
      expected.push_back({box[0], box[1], box[2], box[3]});
    EXPECT_EQ(smooth(padded), expected) << padded.size() << " boxes";
  }
}

}  // namespace
}  // namespace w2l
