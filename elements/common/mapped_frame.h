// gst-wav2lip: a mapped video frame that cannot be forgotten to unmap.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <stdexcept>

namespace w2l {

class MappedFrame {
 public:
  // Throws std::runtime_error(failure) when the buffer cannot be mapped.
  MappedFrame(const GstVideoInfo &info, GstBuffer *buffer, GstMapFlags flags, const char *failure) {
    // Without a reference of its own, so that the buffer stays writable while it is mapped.
    const int all_flags = flags | static_cast<int>(GST_VIDEO_FRAME_MAP_FLAG_NO_REF);
    if (!gst_video_frame_map(&frame_, &info, buffer, static_cast<GstMapFlags>(all_flags)))
      throw std::runtime_error(failure);
  }
  ~MappedFrame() { gst_video_frame_unmap(&frame_); }
  MappedFrame(const MappedFrame &) = delete;
  MappedFrame &operator=(const MappedFrame &) = delete;

  GstVideoFrame *get() { return &frame_; }

 private:
  GstVideoFrame frame_;
};

}  // namespace w2l
