// gst-wav2lip: from a user's numbers or a detector's rectangle to the region of the face meta.
// w2lfacecache calls it; no GStreamer objects, no pixels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core/types.hpp>
#include <string>
#include <vector>

#include "gstw2lbox.h"

namespace w2l {

// Pixels added to the face on each side; the defaults are the reference's.
struct Pads {
  int top = 0, bottom = 10, left = 0, right = 0;
};

// The numbers of the `box` property, <x1,y1,x2,y2>: FaceCacheError (Settings) unless there are
// four, none is negative, x1 < x2 and y1 < y2.
GstW2lBox parse_box(const std::vector<int> &numbers);

// The numbers of the `pads` property, <top,bottom,left,right>: four, none negative.
Pads parse_pads(const std::vector<int> &numbers);

// FaceCacheError (Settings) unless the box lies inside a frame of this size.
void require_inside(const GstW2lBox &box, int width, int height);

// What the reference does to a detection: edges clipped to the frame and truncated to whole
// pixels, then widened by the pads, which stop at the frame's edges.
GstW2lBox padded_region(const cv::Rect2d &face, const Pads &pads, int width, int height);

bool is_empty(const GstW2lBox &box);

// Intersection over union, 0..1.
double iou(const cv::Rect2d &a, const cv::Rect2d &b);

// "<1,2,3,4>", as the properties are written.
std::string to_string(const std::vector<int> &numbers);
std::string to_string(const GstW2lBox &box);

}  // namespace w2l
