// gst-wav2lip: small frames, faces and clips for the facecache tests.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <functional>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace w2ltest {

// A buffer with its own plane layout, mapped for as long as it lives.
class Frame {
 public:
  // `padding`: bytes added to every plane's stride beyond GStreamer's own layout.
  Frame(GstVideoFormat format, int width, int height, int padding = 0);
  ~Frame();
  Frame(const Frame &) = delete;
  Frame &operator=(const Frame &) = delete;

  const GstVideoFrame &operator*() const { return frame_; }
  const GstVideoInfo &info() const { return info_; }
  // Component (0 = Y or R, ...) of the sample at x, y of that component's plane.
  guint8 &at(int component, int x, int y);
  void fill(int component, guint8 value);
  // `gray` becomes the luma (Y'CbCr formats) or all of R, G, B; chroma 128.
  void draw(const cv::Mat &gray);

 private:
  GstVideoInfo info_;
  GstBuffer *buffer_;
  GstVideoFrame frame_;
};

// A drawn face that YuNet and the Haar cascade both take for one: grey levels, the head 1.16 * size
// high. Tight box: about 0.9 size wide and 1.22 size high around `center`.
void draw_face(cv::Mat &gray, cv::Point center, int size);

// Noise smoothed to blobs of about `blob` pixels: a texture with one best match everywhere.
cv::Mat texture(int width, int height, double blob, unsigned seed);

// Path of a file below W2L_TEST_DATA, "" when the variable is not set.
std::string data_file(const std::string &path);
// The YuNet model for this OpenCV in W2L_TEST_DATA or W2L_MODEL_PATH, "" when there is none.
std::string yunet_file();

// Decodes any file to frames of `format`, in order; the number of frames.
int each_frame(const std::string &file, const char *format,
               const std::function<void(const GstVideoFrame &, const GstVideoInfo &, int)> &use);

}  // namespace w2ltest
