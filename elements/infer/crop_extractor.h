// gst-wav2lip: cuts the face out of a mapped frame of any supported format and makes it the
// network's input. w2linfer calls it once a frame: live when the frame comes, else with its batch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "gstw2lbox.h"

namespace w2l {

class YuvToBgr;

// A face for the network: height x width x 3, packed BGR.
struct FaceCrop {
  int width = 0, height = 0;
  std::vector<std::uint8_t> pixels;
};

// Not thread-safe: one for each streaming thread.
class CropExtractor {
 public:
  // Chooses the conversion for `info` (one of GST_W2L_VIDEO_FORMATS, its colour matrix and range).
  // Throws std::invalid_argument for any other format.
  explicit CropExtractor(const GstVideoInfo &info);
  ~CropExtractor();
  CropExtractor(const CropExtractor &) = delete;
  CropExtractor &operator=(const CropExtractor &) = delete;

  // Writes size x size x 3 packed BGR to `out`: the box, converted and resized with OpenCV's
  // bilinear cv::resize (for BGR frames exactly what the reference does). Only pixels of the box
  // (and, in subsampled formats, chroma under it) are read. The box must lie inside the frame and
  // not be empty: false otherwise, and `out` is not written.
  bool extract(const GstVideoFrame &frame, const GstW2lBox &box, int size, std::uint8_t *out);

  // For an engine that resizes crops of up to `max_edge` x `max_edge` itself: all pixels of the box
  // if it is no larger, else what extract() makes of it. False as there.
  bool cut(const GstVideoFrame &frame, const GstW2lBox &box, int size, int max_edge,
           FaceCrop *crop);

 private:
  void convert(const GstVideoFrame &frame, const GstW2lBox &box, const std::vector<bool> &rows,
               std::uint8_t *out);

  GstVideoInfo info_;
  std::unique_ptr<YuvToBgr> yuv_;  // of Y'CbCr formats only
  std::vector<std::uint8_t> bgr_;  // the box before resizing, reused from frame to frame
};

}  // namespace w2l
