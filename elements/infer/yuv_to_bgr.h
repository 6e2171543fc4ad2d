// gst-wav2lip: converts a box of an 8-bit Y'CbCr frame to BGR, in the matrix, range and chroma
// siting of its caps. CropExtractor calls it for the crop only, never for a whole frame.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <cstdint>
#include <vector>

#include "gstw2lbox.h"
#include "yuv_rows.h"

namespace w2l {

// Chroma between samples is interpolated linearly (a nearest sample would shift colours by half a
// pixel and make steps of them where a small face is enlarged), but never from beyond the samples
// under the box. Fixed point, within 0.51 levels of the exact value.
class YuvToBgr {
 public:
  // Any 8-bit format with a plane for Y and one or two for CbCr.
  explicit YuvToBgr(const GstVideoInfo &info);

  // Writes the box as packed BGR rows to `out`, leaving out the rows (counted from the box's top)
  // that are not `wanted`. The box lies inside the frame and is not empty.
  void convert(const GstVideoFrame &frame, const GstW2lBox &box, const std::vector<bool> &wanted,
               std::uint8_t *out);

 private:
  static ChromaTaps taps(bool subsampled, bool cosited, int parity);
  static YuvWeights weights(double y, double cb, double cr, double y_offset);
  void load_chroma(const GstVideoFrame &frame, int component, const GstW2lBox &box, int row,
                   std::vector<std::int16_t> &out);

  YuvMatrix matrix_{};
  int x_shift_, y_shift_;           // log2 of the chroma subsampling
  ChromaTaps across_[2], down_[2];  // for even and odd columns and rows

  std::vector<std::int16_t> blended_;  // a chroma row between two of the frame's, times 4
  std::vector<std::int16_t> cb_, cr_;  // at luma's width, times 16
};

}  // namespace w2l
