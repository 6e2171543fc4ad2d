// gst-wav2lip: CropExtractor, see crop_extractor.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crop_extractor.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <stdexcept>
#include <string>

#include "yuv_to_bgr.h"

namespace w2l {
namespace {

bool is_inside(const GstW2lBox &box, const GstVideoFrame &frame) {
  return box.x1 >= 0 && box.y1 >= 0 && box.x1 < box.x2 && box.y1 < box.y2 &&
         box.x2 <= GST_VIDEO_FRAME_WIDTH(&frame) && box.y2 <= GST_VIDEO_FRAME_HEIGHT(&frame);
}

// The box of a packed RGB frame as it lies there, without a copy.
cv::Mat view_of(const GstVideoFrame &frame, const GstW2lBox &box) {
  const int pixel = GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, 0);
  const std::size_t stride = GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
  auto *data = static_cast<std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0));
  return {box.y2 - box.y1, box.x2 - box.x1, CV_8UC(pixel),
          data + box.y1 * stride + static_cast<std::size_t>(box.x1) * pixel, stride};
}

// Reorders the box of a packed RGB frame, dropping alpha or padding.
void swizzle(const GstVideoFrame &frame, const GstW2lBox &box, std::uint8_t *out) {
  const auto byte_of = [&frame](int component) {
    return static_cast<int>(GST_VIDEO_FRAME_COMP_POFFSET(&frame, component));
  };
  const int from_to[] = {byte_of(GST_VIDEO_COMP_B), 0, byte_of(GST_VIDEO_COMP_G), 1,
                         byte_of(GST_VIDEO_COMP_R), 2};
  const cv::Mat view = view_of(frame, box);
  cv::Mat bgr(view.size(), CV_8UC3, out);
  cv::mixChannels(&view, 1, &bgr, 1, from_to, 3);
}

// Bilinear resizing of `height` rows to `size` looks at two rows for each of its own: of a large
// face most rows are never read. One more on either side covers any rounding of OpenCV's.
std::vector<bool> rows_read(int height, int size) {
  std::vector<bool> read(height, false);
  for (int i = 0; i < size; ++i) {
    const int row = static_cast<int>(std::floor((i + 0.5) * height / size - 0.5));
    for (int near = row - 1; near <= row + 2; ++near)
      read[std::min(std::max(near, 0), height - 1)] = true;
  }
  return read;
}

}  // namespace

CropExtractor::CropExtractor(const GstVideoInfo &info) : info_(info) {
  switch (GST_VIDEO_INFO_FORMAT(&info)) {
    case GST_VIDEO_FORMAT_I420:
    case GST_VIDEO_FORMAT_YV12:
    case GST_VIDEO_FORMAT_NV12:
    case GST_VIDEO_FORMAT_NV21:
    case GST_VIDEO_FORMAT_Y42B:
    case GST_VIDEO_FORMAT_Y444:
      yuv_ = std::make_unique<YuvToBgr>(info);
      return;
    case GST_VIDEO_FORMAT_RGB:
    case GST_VIDEO_FORMAT_BGR:
    case GST_VIDEO_FORMAT_RGBx:
    case GST_VIDEO_FORMAT_BGRx:
    case GST_VIDEO_FORMAT_xRGB:
    case GST_VIDEO_FORMAT_xBGR:
    case GST_VIDEO_FORMAT_RGBA:
    case GST_VIDEO_FORMAT_BGRA:
    case GST_VIDEO_FORMAT_ARGB:
    case GST_VIDEO_FORMAT_ABGR:
      return;
    default:
      throw std::invalid_argument(std::string("cannot cut faces out of ") +
                                  GST_VIDEO_INFO_NAME(&info) +
                                  " video; put videoconvert before w2linfer");
  }
}

CropExtractor::~CropExtractor() = default;

// Packed BGR rows of the box; of Y'CbCr only the `rows` that are wanted.
void CropExtractor::convert(const GstVideoFrame &frame, const GstW2lBox &box,
                            const std::vector<bool> &rows, std::uint8_t *out) {
  if (yuv_)
    yuv_->convert(frame, box, rows, out);
  else
    swizzle(frame, box, out);
}

bool CropExtractor::extract(const GstVideoFrame &frame, const GstW2lBox &box, int size,
                            std::uint8_t *out) {
  g_return_val_if_fail(GST_VIDEO_FRAME_FORMAT(&frame) == GST_VIDEO_INFO_FORMAT(&info_), false);
  g_return_val_if_fail(size > 0, false);
  if (!is_inside(box, frame)) return false;

  const int width = box.x2 - box.x1, height = box.y2 - box.y1;
  cv::Mat bgr;
  if (GST_VIDEO_INFO_FORMAT(&info_) == GST_VIDEO_FORMAT_BGR) {
    bgr = view_of(frame, box);
  } else {
    bgr_.resize(static_cast<std::size_t>(width) * height * 3);
    bgr = cv::Mat(height, width, CV_8UC3, bgr_.data());
    convert(frame, box, rows_read(height, size), bgr_.data());
  }
  cv::Mat crop(size, size, CV_8UC3, out);
  cv::resize(bgr, crop, crop.size(), 0, 0, cv::INTER_LINEAR);
  return true;
}

bool CropExtractor::cut(const GstVideoFrame &frame, const GstW2lBox &box, int size, int max_edge,
                        FaceCrop *crop) {
  g_return_val_if_fail(GST_VIDEO_FRAME_FORMAT(&frame) == GST_VIDEO_INFO_FORMAT(&info_), false);
  if (!is_inside(box, frame)) return false;

  const int width = box.x2 - box.x1, height = box.y2 - box.y1;
  const bool whole = width <= max_edge && height <= max_edge;
  crop->width = whole ? width : size;
  crop->height = whole ? height : size;
  crop->pixels.resize(static_cast<std::size_t>(crop->width) * crop->height * 3);
  if (!whole) return extract(frame, box, size, crop->pixels.data());
  // All rows, read or not: engines tell crops apart by their bytes.
  convert(frame, box, std::vector<bool>(height, true), crop->pixels.data());
  return true;
}

}  // namespace w2l
