// gst-wav2lip: a video frame on the heap for tests of the blend kernels: odd strides, every byte
// with a known value, so that a test can name each byte that changed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <cstdint>
#include <string>
#include <vector>

namespace w2l_test {

// Padding after each row, not a multiple of anything.
constexpr int kRowPadding = 13;

class TestFrame {
 public:
  TestFrame(GstVideoFormat format, int width, int height, const char *colorimetry = nullptr) {
    gst_video_info_set_format(&info_, format, width, height);
    if (colorimetry) gst_video_colorimetry_from_string(&info_.colorimetry, colorimetry);
    gsize offset = 0;
    for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES(&info_); plane++) {
      info_.stride[plane] += kRowPadding;
      info_.offset[plane] = offset;
      offset += static_cast<gsize>(info_.stride[plane]) * plane_rows(plane);
    }
    info_.size = offset;
    bytes_.resize(offset);
    for (gsize i = 0; i < offset; i++) bytes_[i] = background(i);
    frame_.info = info_;
    for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES(&info_); plane++)
      frame_.data[plane] = bytes_.data() + info_.offset[plane];
  }

  // What byte `i` holds before anything is painted.
  static std::uint8_t background(gsize i) { return static_cast<std::uint8_t>(i * 89 + (i >> 7)); }

  GstVideoFrame *frame() { return &frame_; }
  const GstVideoInfo &info() const { return info_; }
  const std::vector<std::uint8_t> &bytes() const { return bytes_; }

  // Where component `c` of the site (x, y) of its own grid lies in bytes().
  gsize index(int c, int x, int y) const {
    return GST_VIDEO_INFO_COMP_OFFSET(&info_, c) +
           static_cast<gsize>(y) * GST_VIDEO_INFO_COMP_STRIDE(&info_, c) +
           static_cast<gsize>(x) * GST_VIDEO_INFO_COMP_PSTRIDE(&info_, c);
  }
  std::uint8_t at(int c, int x, int y) const { return bytes_[index(c, x, y)]; }

 private:
  int plane_rows(guint plane) const {
    for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&info_); c++)
      if (GST_VIDEO_INFO_COMP_PLANE(&info_, c) == plane)
        return GST_VIDEO_INFO_COMP_HEIGHT(&info_, c);
    return 0;
  }

  GstVideoInfo info_;
  GstVideoFrame frame_{};
  std::vector<std::uint8_t> bytes_;
};

// Every format of GST_W2L_VIDEO_FORMATS.
inline std::vector<GstVideoFormat> all_formats() {
  return {
      GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_YV12, GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_NV21,
      GST_VIDEO_FORMAT_Y42B, GST_VIDEO_FORMAT_Y444, GST_VIDEO_FORMAT_RGB,  GST_VIDEO_FORMAT_BGR,
      GST_VIDEO_FORMAT_RGBx, GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_xRGB, GST_VIDEO_FORMAT_xBGR,
      GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_BGRA, GST_VIDEO_FORMAT_ARGB, GST_VIDEO_FORMAT_ABGR};
}

}  // namespace w2l_test
