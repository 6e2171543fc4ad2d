// gst-wav2lip: small frames, faces and clips for the facecache tests.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test_frame.h"

#include <gst/app/gstappsink.h>

#include <opencv2/imgproc.hpp>
#include <stdexcept>

#include "face_detector.h"

namespace w2ltest {

Frame::Frame(GstVideoFormat format, int width, int height, int padding) {
  gst_video_info_set_format(&info_, format, width, height);
  gsize offset = 0;
  for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES(&info_); ++plane) {
    gint components[GST_VIDEO_MAX_COMPONENTS];
    gst_video_format_info_component(info_.finfo, plane, components);
    info_.stride[plane] += padding;
    info_.offset[plane] = offset;
    offset += static_cast<gsize>(info_.stride[plane]) *
              GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT(info_.finfo, components[0], height);
  }
  info_.size = offset;
  buffer_ = gst_buffer_new_allocate(nullptr, offset, nullptr);
  gst_buffer_memset(buffer_, 0, 0xEE, offset);  // padding that must never be read as a pixel
  if (!gst_video_frame_map(&frame_, &info_, buffer_, GST_MAP_READWRITE))
    throw std::runtime_error("cannot map the test frame");
}

Frame::~Frame() {
  gst_video_frame_unmap(&frame_);
  gst_buffer_unref(buffer_);
}

guint8 &Frame::at(int component, int x, int y) {
  auto *data = static_cast<guint8 *>(GST_VIDEO_FRAME_COMP_DATA(&frame_, component));
  return data[y * GST_VIDEO_FRAME_COMP_STRIDE(&frame_, component) +
              x * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame_, component)];
}

void Frame::fill(int component, guint8 value) {
  for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&frame_, component); ++y)
    for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&frame_, component); ++x)
      at(component, x, y) = value;
}

void Frame::draw(const cv::Mat &gray) {
  const bool rgb = GST_VIDEO_INFO_IS_RGB(&info_);
  for (int component = 0; component < 3; ++component) {
    if (!rgb && component > 0) {
      fill(component, 128);
      continue;
    }
    for (int y = 0; y < gray.rows; ++y)
      for (int x = 0; x < gray.cols; ++x) at(component, x, y) = gray.at<guint8>(y, x);
  }
}

void draw_face(cv::Mat &gray, cv::Point center, int size) {
  const auto point = [&](double x, double y) {
    return center + cv::Point(cvRound(x * size / 100), cvRound(y * size / 100));
  };
  const auto disc = [&](double x, double y, double rx, double ry, int level) {
    cv::ellipse(gray, point(x, y), cv::Size(cvRound(rx * size / 100), cvRound(ry * size / 100)), 0,
                0, 360, cv::Scalar(level), -1);
  };
  disc(0, -15, 52, 65, 50);  // hair
  disc(0, 0, 44, 58, 190);   // skin
  for (const int side : {-1, 1}) {
    disc(side * 19, -12, 13, 8, 90);  // eye socket
    disc(side * 19, -23, 13, 3, 60);  // brow
    disc(side * 19, -11, 5, 5, 30);   // eye
    disc(side * 24, 16, 11, 9, 205);  // cheek
  }
  cv::rectangle(gray, point(-4, -20), point(4, 12), cv::Scalar(215), -1);  // nose
  disc(0, 14, 8, 4, 150);                                                  // nostrils
  disc(0, 32, 18, 6, 70);                                                  // mouth
  cv::GaussianBlur(gray, gray, cv::Size(), 0.03 * size);
}

cv::Mat texture(int width, int height, double blob, unsigned seed) {
  cv::Mat gray(height, width, CV_8UC1);
  cv::RNG random(seed);
  random.fill(gray, cv::RNG::UNIFORM, 0, 256);
  cv::GaussianBlur(gray, gray, cv::Size(), blob);
  cv::normalize(gray, gray, 0, 255, cv::NORM_MINMAX);
  return gray;
}

std::string data_file(const std::string &path) {
  const char *folder = g_getenv("W2L_TEST_DATA");
  return folder ? std::string(folder) + "/" + path : "";
}

std::string yunet_file() {
  const std::string file = data_file(std::string("assets/models/") + w2l::yunet_model_name());
  if (!file.empty() && g_file_test(file.c_str(), G_FILE_TEST_IS_REGULAR)) return file;
  return w2l::find_yunet_model();
}

int each_frame(const std::string &file, const char *format,
               const std::function<void(const GstVideoFrame &, const GstVideoInfo &, int)> &use) {
  const std::string line = "filesrc location=\"" + file +
                           "\" ! decodebin ! videoconvert ! video/x-raw,format=" + format +
                           " ! appsink name=sink sync=false max-buffers=2";
  GstElement *pipeline = gst_parse_launch(line.c_str(), nullptr);
  GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  int count = 0;

  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  while (GstSample *sample = gst_app_sink_pull_sample(GST_APP_SINK(sink))) {
    GstVideoInfo info;
    GstVideoFrame frame;
    gst_video_info_from_caps(&info, gst_sample_get_caps(sample));
    if (gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ)) {
      use(frame, info, count++);
      gst_video_frame_unmap(&frame);
    }
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
  return count;
}

}  // namespace w2ltest
