// gst-wav2lip: reads a mapped frame, or a part of it, at a reduced size straight from its planes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "small_image.h"

#include <algorithm>
#include <cmath>

namespace w2l {

namespace {

constexpr int kMaxTaps = 4;  // samples per output pixel and axis

// Keeps whole numbers whole where a sum of fractions ends at 3.9999...
constexpr double kRounding = 1e-6;

int taps_for(double cell) {
  return std::clamp(static_cast<int>(cell + kRounding), 1, kMaxTaps);
}

// Byte offsets of the `taps` samples of each of `count` cells along one axis. `shift` is the
// component's subsampling: position p of the frame is sample p >> shift of the plane.
void place_samples(double start, double length, int count, int taps, unsigned shift, int limit,
                   std::size_t stride, std::vector<std::size_t> &offsets) {
  const double cell = length / count;
  offsets.resize(static_cast<std::size_t>(count) * taps);
  for (int i = 0; i < count * taps; ++i) {
    const double position = start + (i / taps + (i % taps + 0.5) / taps) * cell;
    const int sample = static_cast<int>(std::floor(position + kRounding)) >> shift;
    offsets[i] = static_cast<std::size_t>(std::clamp(sample, 0, limit - 1)) * stride;
  }
}

// Adds the samples of one source row to the cells' sums.
template <int Taps>
void add_row(const guint8 *row, const std::size_t *columns, unsigned *sums, int width) {
  for (int x = 0; x < width; ++x, columns += Taps)
    for (int t = 0; t < Taps; ++t) sums[x] += row[columns[t]];
}

using AddRow = void (*)(const guint8 *, const std::size_t *, unsigned *, int);
constexpr AddRow kAddRow[kMaxTaps + 1] = {nullptr, add_row<1>, add_row<2>, add_row<3>, add_row<4>};

guint8 to_byte(double value) {
  return cv::saturate_cast<guint8>(value);
}

}  // namespace

SmallImage::SmallImage(const GstVideoInfo &info) : info_(info) {
  gst_w2l_color_matrix_init(&matrix_, &info_);
}

cv::Size SmallImage::fit(int max_side) const {
  const int width = GST_VIDEO_INFO_WIDTH(&info_), height = GST_VIDEO_INFO_HEIGHT(&info_);
  const double scale = std::min(1.0, static_cast<double>(max_side) / std::max(width, height));
  return {std::max(1, cvRound(width * scale)), std::max(1, cvRound(height * scale))};
}

cv::Rect2d SmallImage::frame_rect() const {
  return {0.0, 0.0, static_cast<double>(GST_VIDEO_INFO_WIDTH(&info_)),
          static_cast<double>(GST_VIDEO_INFO_HEIGHT(&info_))};
}

void SmallImage::sample(const GstVideoFrame &frame, int component, const cv::Rect2d &region,
                        cv::Size size, cv::Mat &out) {
  const auto *data = static_cast<const guint8 *>(GST_VIDEO_FRAME_COMP_DATA(&frame, component));
  const unsigned w_shift = GST_VIDEO_FORMAT_INFO_W_SUB(info_.finfo, component);
  const unsigned h_shift = GST_VIDEO_FORMAT_INFO_H_SUB(info_.finfo, component);
  const int taps_x = taps_for(region.width / size.width / (1 << w_shift));
  const int taps_y = taps_for(region.height / size.height / (1 << h_shift));

  place_samples(region.x, region.width, size.width, taps_x, w_shift,
                GST_VIDEO_FRAME_COMP_WIDTH(&frame, component),
                GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, component), columns_);
  place_samples(region.y, region.height, size.height, taps_y, h_shift,
                GST_VIDEO_FRAME_COMP_HEIGHT(&frame, component),
                GST_VIDEO_FRAME_COMP_STRIDE(&frame, component), rows_);

  out.create(size, CV_8UC1);
  const unsigned area = static_cast<unsigned>(taps_x * taps_y);
  for (int y = 0; y < size.height; ++y) {
    sums_.assign(size.width, area / 2);  // rounds to nearest
    for (int t = 0; t < taps_y; ++t)
      kAddRow[taps_x](data + rows_[static_cast<std::size_t>(y) * taps_y + t], columns_.data(),
                      sums_.data(), size.width);
    guint8 *line = out.ptr<guint8>(y);
    for (int x = 0; x < size.width; ++x) line[x] = static_cast<guint8>(sums_[x] / area);
  }
}

void SmallImage::luma(const GstVideoFrame &frame, const cv::Rect2d &region, cv::Size size,
                      cv::Mat &out) {
  if (!GST_VIDEO_INFO_IS_RGB(&info_)) {
    sample(frame, GST_VIDEO_COMP_Y, region, size, out);
    return;
  }
  for (int c = 0; c < 3; ++c) sample(frame, c, region, size, parts_[c]);
  out.create(size, CV_8UC1);
  for (int y = 0; y < size.height; ++y) {
    const guint8 *r = parts_[0].ptr<guint8>(y), *g = parts_[1].ptr<guint8>(y),
                 *b = parts_[2].ptr<guint8>(y);
    guint8 *line = out.ptr<guint8>(y);
    for (int x = 0; x < size.width; ++x)
      line[x] = to_byte(matrix_.kr * r[x] + matrix_.kg * g[x] + matrix_.kb * b[x]);
  }
}

void SmallImage::bgr(const GstVideoFrame &frame, cv::Size size, cv::Mat &out) {
  for (int c = 0; c < 3; ++c) sample(frame, c, frame_rect(), size, parts_[c]);
  if (GST_VIDEO_INFO_IS_RGB(&info_)) {
    const cv::Mat planes[] = {parts_[2], parts_[1], parts_[0]};
    cv::merge(planes, 3, out);
    return;
  }

  const float kr = static_cast<float>(matrix_.kr), kg = static_cast<float>(matrix_.kg),
              kb = static_cast<float>(matrix_.kb);
  const float y_offset = static_cast<float>(matrix_.y_offset);
  const float y_gain = static_cast<float>(1.0 / matrix_.y_scale);
  const float cb_gain = static_cast<float>(1.0 / matrix_.cb_scale);
  const float cr_gain = static_cast<float>(1.0 / matrix_.cr_scale);
  out.create(size, CV_8UC3);
  for (int y = 0; y < size.height; ++y) {
    const guint8 *luma = parts_[0].ptr<guint8>(y), *cb = parts_[1].ptr<guint8>(y),
                 *cr = parts_[2].ptr<guint8>(y);
    cv::Vec3b *line = out.ptr<cv::Vec3b>(y);
    for (int x = 0; x < size.width; ++x) {
      const float white = (luma[x] - y_offset) * y_gain;
      const float blue = white + (cb[x] - 128.0f) * cb_gain;
      const float red = white + (cr[x] - 128.0f) * cr_gain;
      const float green = (white - kr * red - kb * blue) / kg;
      line[x] = {cv::saturate_cast<guint8>(blue), cv::saturate_cast<guint8>(green),
                 cv::saturate_cast<guint8>(red)};
    }
  }
}

}  // namespace w2l
