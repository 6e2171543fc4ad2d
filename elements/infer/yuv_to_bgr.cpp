// gst-wav2lip: YuvToBgr, see yuv_to_bgr.h: chroma rows are brought to luma's resolution in plain
// loops that compilers vectorise; the matrix runs on OpenCV's universal intrinsics (SSE2, NEON,
// ...) with a scalar form of the same integers for a row's last pixels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "yuv_to_bgr.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core/hal/intrin.hpp>

#include "gstw2lvideo.h"

namespace w2l {
namespace {

// Samples enter the matrix times 16, which interpolated chroma fills without rounding; weights are
// times 2^13, the most that the largest (2.28, blue from Cb) leaves room for in 16 bits.
constexpr int kSampleBits = 4;
constexpr int kWeightBits = 13;
constexpr int kShift = kSampleBits + kWeightBits;

// The two samples that vertical interpolation mixes, one weight for a whole row.
template <int kStep>
void blend_rows(const std::uint8_t *near, const std::uint8_t *far, int near_weight, int far_weight,
                int count, std::int16_t *out) {
  for (int i = 0; i < count; ++i)
    out[i] = static_cast<std::int16_t>(near_weight * near[i * kStep] + far_weight * far[i * kStep]);
}

std::uint8_t round_and_clamp(std::int32_t value) {
  return static_cast<std::uint8_t>(
      std::min(255, std::max(0, (value + (1 << (kShift - 1))) >> kShift)));
}

}  // namespace

YuvToBgr::YuvToBgr(const GstVideoInfo &info) {
  GstW2lColorMatrix m;
  gst_w2l_color_matrix_init(&m, &info);
  // The inverse of gst_w2l_color_matrix: first R and B, then G from luma.
  const double luma = 1.0 / m.y_scale, blue = 1.0 / m.cb_scale, red = 1.0 / m.cr_scale;
  blue_ = weights(luma, blue, 0.0, m.y_offset);
  green_ = weights(luma, -m.kb / m.kg * blue, -m.kr / m.kg * red, m.y_offset);
  red_ = weights(luma, 0.0, red, m.y_offset);

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

YuvToBgr::Taps YuvToBgr::taps(bool subsampled, bool cosited, int parity) {
  if (!subsampled || (cosited && parity == 0)) return {4, 0, 0};
  if (cosited) return {2, 2, 1};
  return {3, 1, parity == 0 ? -1 : 1};
}

YuvToBgr::Weights YuvToBgr::weights(double y, double cb, double cr, double y_offset) {
  const auto fixed = [](double weight) {
    return static_cast<std::int16_t>(std::lround(weight * (1 << kWeightBits)));
  };
  Weights w{fixed(y), fixed(cb), fixed(cr), 0};
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

  const Taps &down = down_[row & y_shift_];
  const int near_row = row >> y_shift_;
  const int far_row =
      std::min(std::max(near_row + down.step, box.y1 >> y_shift_), (box.y2 - 1) >> y_shift_);
  const std::uint8_t *near = data + near_row * static_cast<std::ptrdiff_t>(stride) + left * step;
  const std::uint8_t *far = data + far_row * static_cast<std::ptrdiff_t>(stride) + left * step;
  blended_.resize(count + 2);  // one more at each end, for horizontal interpolation
  std::int16_t *blended = blended_.data() + 1;
  if (step == 2)
    blend_rows<2>(near, far, down.near, down.far, count, blended);
  else
    blend_rows<1>(near, far, down.near, down.far, count, blended);

  out.resize(static_cast<std::size_t>(count) << x_shift_);
  std::int16_t *target = out.data();
  if (!x_shift_) {
    for (int i = 0; i < count; ++i) target[i] = static_cast<std::int16_t>(4 * blended[i]);
    return;
  }
  blended[-1] = blended[0];
  blended[count] = blended[count - 1];
  const Taps even = across_[0], odd = across_[1];
  for (int i = 0; i < count; ++i) {
    target[2 * i] =
        static_cast<std::int16_t>(even.near * blended[i] + even.far * blended[i + even.step]);
    target[2 * i + 1] =
        static_cast<std::int16_t>(odd.near * blended[i] + odd.far * blended[i + odd.step]);
  }
}

void YuvToBgr::convert_row(const std::uint8_t *luma, const std::int16_t *cb, const std::int16_t *cr,
                           int width, std::uint8_t *out) const {
  int x = 0;
#if CV_SIMD128
  // Pairs of samples meet pairs of weights in one multiply-and-add; see the scalar form below.
  const auto pair = [](std::int16_t a, std::int16_t b) {
    const std::int16_t lanes[8] = {a, b, a, b, a, b, a, b};
    return cv::v_load(lanes);
  };
  const cv::v_int16x8 blue_weights = pair(blue_.y, blue_.cb), red_weights = pair(red_.y, red_.cr),
                      green_weights = pair(green_.y, green_.cb), green_cr = pair(green_.cr, 0),
                      zero = cv::v_setzero_s16();
  const cv::v_int32x4 blue_bias = cv::v_setall_s32(blue_.bias),
                      green_bias = cv::v_setall_s32(green_.bias),
                      red_bias = cv::v_setall_s32(red_.bias);

  // Eight pixels, still 16 bits wide.
  const auto convert8 = [&](const cv::v_uint16x8 &y8, int at, cv::v_int16x8 &b, cv::v_int16x8 &g,
                            cv::v_int16x8 &r) {
    const cv::v_int16x8 y = cv::v_reinterpret_as_s16(cv::v_shl<kSampleBits>(y8));
    const cv::v_int16x8 u = cv::v_load(cb + at), v = cv::v_load(cr + at);
    cv::v_int16x8 yu0, yu1, yv0, yv1, v0, v1;
    cv::v_zip(y, u, yu0, yu1);
    cv::v_zip(y, v, yv0, yv1);
    cv::v_zip(v, zero, v0, v1);
    b = cv::v_rshr_pack<kShift>(cv::v_dotprod(yu0, blue_weights, blue_bias),
                                cv::v_dotprod(yu1, blue_weights, blue_bias));
    r = cv::v_rshr_pack<kShift>(cv::v_dotprod(yv0, red_weights, red_bias),
                                cv::v_dotprod(yv1, red_weights, red_bias));
    g = cv::v_rshr_pack<kShift>(
        cv::v_dotprod(yu0, green_weights, cv::v_dotprod(v0, green_cr, green_bias)),
        cv::v_dotprod(yu1, green_weights, cv::v_dotprod(v1, green_cr, green_bias)));
  };

  for (; x + 16 <= width; x += 16) {
    cv::v_uint16x8 y0, y1;
    cv::v_expand(cv::v_load(luma + x), y0, y1);
    cv::v_int16x8 b0, g0, r0, b1, g1, r1;
    convert8(y0, x, b0, g0, r0);
    convert8(y1, x + 8, b1, g1, r1);
    cv::v_store_interleave(out + 3 * x, cv::v_pack_u(b0, b1), cv::v_pack_u(g0, g1),
                           cv::v_pack_u(r0, r1));
  }
#endif
  const auto apply = [](const Weights &w, int y, int u, int v) {
    return round_and_clamp(w.y * y + w.cb * u + w.cr * v + w.bias);
  };
  for (; x < width; ++x) {
    const int y = luma[x] << kSampleBits;
    out[3 * x] = apply(blue_, y, cb[x], cr[x]);
    out[3 * x + 1] = apply(green_, y, cb[x], cr[x]);
    out[3 * x + 2] = apply(red_, y, cb[x], cr[x]);
  }
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
    convert_row(luma + row * stride + box.x1, cb_.data() + first, cr_.data() + first, width, out);
  }
}

}  // namespace w2l
