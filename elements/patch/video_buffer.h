// gst-wav2lip: video buffers for w2lpatch: mapping that cannot be forgotten to undo, and packing of
// frames for elements that know nothing of strides.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

namespace w2l {

// Throws std::runtime_error when the buffer cannot be mapped.
class MappedFrame {
 public:
  MappedFrame(const GstVideoInfo &info, GstBuffer *buffer, GstMapFlags flags);
  ~MappedFrame();
  MappedFrame(const MappedFrame &) = delete;
  MappedFrame &operator=(const MappedFrame &) = delete;

  GstVideoFrame *get() { return &frame_; }

 private:
  GstVideoFrame frame_;
};

// Whether the planes lie in `buffer` where the caps alone say they do.
bool has_default_layout(GstBuffer *buffer, const GstVideoInfo &info);

// The same frame, timestamps, flags and metas in a new buffer of the default layout; NULL when
// `buffer` cannot be read.
GstBuffer *copy_in_default_layout(GstBuffer *buffer, const GstVideoInfo &info);

}  // namespace w2l
