// gst-wav2lip: YuvToBgr, see yuv_to_bgr.h: chroma rows are brought to luma's resolution, then the
// matrix makes pixels of three rows of samples (yuv_rows.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "yuv_to_bgr.h"

#include <algorithm>
#include <cmath>

#include "gstw2lvideo.h"

namespace w2l {

YuvToBgr::YuvToBgr(const GstVideoInfo &info) {
  GstW2lColorMatrix m;
  gst_w2l_color_matrix_init(&m, &info);
  // The inverse of gst_w2l_color_matrix: first R and B, then G from luma.
  const double luma = 1.0 / m.y_scale, blue = 1.0 / m.cb_scale, red = 1.0 / m.cr_scale;
  matrix_.blue = weights(luma, blue, 0.0, m.y_offset);
  matrix_.green = weights(luma, -m.kb / m.kg * blue, -m.kr / m.kg * red, m.y_offset);
  matrix_.red = weights(luma, 0.0, red, m.y_offset);

  const GstVideoChromaSite site = info.chroma_site;
  x_shift_ = GST_VIDEO_FORMAT_INFO_W_SUB(info.finfo, GST_VIDEO_COMP_U);
  y_shift_ = GST_VIDEO_FORMAT_INFO_H_SUB(info.finfo, GST_VIDEO_COMP_U);
  for (int parity = 0; parity < 2; ++parity) {
    // Where caps are silent, chroma lies where MPEG-2 and H.264 put it.
    across_[parity] = taps(
        x_shift_, site == GST_VIDEO_CHROMA_SITE_UNKNOWN || (site & GST_VIDEO_CHROMA_SITE_H_COSITED),
        parity);
    down_[parity] = taps(y_shift_, site & GST_VIDEO_CHROMA_SITE_V_COSITED, parity);
  }
}

ChromaTaps YuvToBgr::taps(bool subsampled, bool cosited, int parity) {
  if (!subsampled || (cosited && parity == 0)) return {4, 0, 0};
  if (cosited) return {2, 2, 1};
  return {3, 1, parity == 0 ? -1 : 1};
}

YuvWeights YuvToBgr::weights(double y, double cb, double cr, double y_offset) {
  const auto fixed = [](double weight) {
    return static_cast<std::int16_t>(std::lround(weight * (1 << kWeightBits)));
  };
  YuvWeights w{fixed(y), fixed(cb), fixed(cr), 0};
  // From the rounded weights, so that grey stays grey exactly.
  w.bias = -(w.y * static_cast<int>(y_offset) + (w.cb + w.cr) * 128) * (1 << kSampleBits);
  return w;
}

// The chroma of one row of the box, times 16, from the column that `box.x1 >> x_shift_` covers on.
void YuvToBgr::load_chroma(const GstVideoFrame &frame, int component, const GstW2lBox &box, int row,
                           std::vector<std::int16_t> &out) {
  const auto *data =
      static_cast<const std::uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(&frame, component));
  const int stride = GST_VIDEO_FRAME_COMP_STRIDE(&frame, component);
  const int step = GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, component);
  const int left = box.x1 >> x_shift_, count = ((box.x2 - 1) >> x_shift_) - left + 1;

  const ChromaTaps &down = down_[row & y_shift_];
  const int near_row = row >> y_shift_;
  const int far_row =
      std::min(std::max(near_row + down.step, box.y1 >> y_shift_), (box.y2 - 1) >> y_shift_);
  const std::uint8_t *near = data + near_row * static_cast<std::ptrdiff_t>(stride) + left * step;
  const std::uint8_t *far = data + far_row * static_cast<std::ptrdiff_t>(stride) + left * step;
  blended_.resize(count + 2);  // one more at each end, for horizontal interpolation
  std::int16_t *blended = blended_.data() + 1;
  mix_rows(near, far, down, step, count, blended);

  out.resize(static_cast<std::size_t>(count) << x_shift_);
  std::int16_t *target = out.data();
  if (!x_shift_) {
    for (int i = 0; i < count; ++i) target[i] = static_cast<std::int16_t>(4 * blended[i]);
    return;
  }
  blended[-1] = blended[0];
  blended[count] = blended[count - 1];
  double_columns(blended, across_[0], across_[1], count, target);
}

void YuvToBgr::convert(const GstVideoFrame &frame, const GstW2lBox &box,
                       const std::vector<bool> &wanted, std::uint8_t *out) {
  const auto *luma =
      static_cast<const std::uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(&frame, GST_VIDEO_COMP_Y));
  const std::ptrdiff_t stride = GST_VIDEO_FRAME_COMP_STRIDE(&frame, GST_VIDEO_COMP_Y);
  const int width = box.x2 - box.x1;
  const int first = box.x1 & x_shift_;  // an odd box starts at the second pixel of its chroma
  for (int row = box.y1; row < box.y2; ++row, out += 3 * static_cast<std::ptrdiff_t>(width)) {
    if (!wanted[row - box.y1]) continue;
    load_chroma(frame, GST_VIDEO_COMP_U, box, row, cb_);
    load_chroma(frame, GST_VIDEO_COMP_V, box, row, cr_);
    yuv_row_to_bgr({luma + row * stride + box.x1, cb_.data() + first, cr_.data() + first, width},
                   matrix_, out);
  }
}

}  // namespace w2l
