// gst-wav2lip: from a user's numbers or a detector's rectangle to the region of the face meta.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "box_math.h"

#include <algorithm>

#include "facecache_error.h"

namespace w2l {

namespace {

bool all_non_negative(const std::vector<int> &numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](int n) { return n >= 0; });
}

[[noreturn]] void fail(const std::string &message) {
  throw FaceCacheError(FaceCacheError::Code::Settings, message);
}

}  // namespace

GstW2lBox parse_box(const std::vector<int> &numbers) {
  if (numbers.size() != 4 || !all_non_negative(numbers))
    fail("box " + to_string(numbers) + " is not four numbers of 0 or more: give <x1,y1,x2,y2>");
  const GstW2lBox box{numbers[0], numbers[1], numbers[2], numbers[3]};
  if (is_empty(box))
    fail("box " + to_string(box) +
         " is inverted or empty: give <x1,y1,x2,y2> with x1 < x2, y1 < y2");
  return box;
}

Pads parse_pads(const std::vector<int> &numbers) {
  if (numbers.size() != 4 || !all_non_negative(numbers))
    fail("pads " + to_string(numbers) +
         " are not four numbers of 0 or more: give <top,bottom,left,right>");
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

void require_inside(const GstW2lBox &box, int width, int height) {
  if (box.x1 >= 0 && box.y1 >= 0 && box.x2 <= width && box.y2 <= height) return;
  fail("box " + to_string(box) + " reaches outside the " + std::to_string(width) + "x" +
       std::to_string(height) + " frame: keep it within " +
       to_string(GstW2lBox{0, 0, width, height}));
}

GstW2lBox padded_region(const cv::Rect2d &face, const Pads &pads, int width, int height) {
  // Clipped first: a conversion to int truncates towards zero and overflows on large values.
  const auto edge = [](double value, int limit) {
    return static_cast<int>(std::clamp(value, 0.0, static_cast<double>(limit)));
  };
  const int x1 = edge(face.x, width), x2 = edge(face.x + face.width, width);
  const int y1 = edge(face.y, height), y2 = edge(face.y + face.height, height);
  if (x1 >= x2 || y1 >= y2) return {0, 0, 0, 0};  // pads do not make a face out of nothing

  // Written as differences to the edge, so that no pad overflows.
  return {x1 - std::min(x1, pads.left), y1 - std::min(y1, pads.top),
          x2 + std::min(width - x2, pads.right), y2 + std::min(height - y2, pads.bottom)};
}

bool is_empty(const GstW2lBox &box) {
  return box.x1 >= box.x2 || box.y1 >= box.y2;
}

double iou(const cv::Rect2d &a, const cv::Rect2d &b) {
  const double common = (a & b).area();
  const double all = a.area() + b.area() - common;
  return all > 0.0 ? common / all : 0.0;
}

std::string to_string(const std::vector<int> &numbers) {
  std::string text = "<";
  for (const int n : numbers) {
    if (text.size() > 1) text += ",";
    text += std::to_string(n);
  }
  return text + ">";
}

std::string to_string(const GstW2lBox &box) {
  return to_string(std::vector<int>{box.x1, box.y1, box.x2, box.y2});
}

}  // namespace w2l
