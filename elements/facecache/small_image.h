// gst-wav2lip: reads a mapped frame, or a part of it, at a reduced size straight from its planes.
// FaceFollower makes the detector's picture with it, FaceTracker its patches; neither ever
// converts or copies the frame as a whole.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <array>
#include <opencv2/core.hpp>
#include <vector>

#include "gstw2lvideo.h"

namespace w2l {

// How it reduces: every output pixel owns a cell of the source (region size / output size) and is
// the rounded mean of an n x n grid of samples spread evenly over that cell, n = the cell's whole
// number of pixels, 1..4. A factor of exactly 1..4 is therefore the exact box filter, and a 4K
// frame costs no more reads than a factor of 4. Samples beyond the frame repeat its edge.
class SmallImage {
 public:
  // `info`: any of GST_W2L_VIDEO_FORMATS.
  explicit SmallImage(const GstVideoInfo &info);

  // The size of a picture of the whole frame whose longest side is at most `max_side`.
  cv::Size fit(int max_side) const;
  cv::Rect2d frame_rect() const;

  // 8-bit luma (CV_8UC1) of `region` (in pixels of the frame) at `size`. Y'CbCr formats give
  // their Y plane as it is; R'G'B' is weighted by the caps' matrix, full range.
  void luma(const GstVideoFrame &frame, const cv::Rect2d &region, cv::Size size, cv::Mat &out);

  // Full-range B'G'R' (CV_8UC3) of the whole frame at `size`.
  void bgr(const GstVideoFrame &frame, cv::Size size, cv::Mat &out);

 private:
  void sample(const GstVideoFrame &frame, int component, const cv::Rect2d &region, cv::Size size,
              cv::Mat &out);

  GstVideoInfo info_;
  GstW2lColorMatrix matrix_;
  std::array<cv::Mat, 3> parts_;             // sampled components, reused from frame to frame
  std::vector<std::size_t> columns_, rows_;  // byte offsets of the samples
  std::vector<unsigned> sums_;
};

}  // namespace w2l
