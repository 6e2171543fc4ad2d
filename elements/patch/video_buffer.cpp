// gst-wav2lip: video buffers for w2lpatch; see video_buffer.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "video_buffer.h"

#include <stdexcept>

namespace w2l {

bool has_default_layout(GstBuffer *buffer, const GstVideoInfo &info) {
  const GstVideoMeta *meta = gst_buffer_get_video_meta(buffer);
  if (!meta) return true;
  for (guint plane = 0; plane < meta->n_planes; plane++) {
    bool same = meta->offset[plane] == GST_VIDEO_INFO_PLANE_OFFSET(&info, plane) &&
                meta->stride[plane] == GST_VIDEO_INFO_PLANE_STRIDE(&info, plane);
    if (!same) return false;
  }
  return true;
}

GstBuffer *copy_in_default_layout(GstBuffer *buffer, const GstVideoInfo &info) {
  GstBuffer *packed = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  if (!packed) return nullptr;
  // Rows may end in padding, which would carry old memory contents into files.
  gst_buffer_memset(packed, 0, 0, GST_VIDEO_INFO_SIZE(&info));
  int what = GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS | GST_BUFFER_COPY_META;
  gst_buffer_copy_into(packed, buffer, static_cast<GstBufferCopyFlags>(what), 0, -1);
  // It describes the old layout.
  if (GstVideoMeta *layout = gst_buffer_get_video_meta(packed))
    gst_buffer_remove_meta(packed, &layout->meta);
  try {
    MappedFrame source(info, buffer, GST_MAP_READ, kCannotBeMapped);
    MappedFrame target(info, packed, GST_MAP_WRITE, kCannotBeMapped);
    gst_video_frame_copy(target.get(), source.get());
    return packed;
  } catch (const std::runtime_error &) {
    gst_buffer_unref(packed);
    return nullptr;
  }
}

}  // namespace w2l
