// gst-wav2lip: what the gst-check suites of w2lpatch share: buffers made of a TestFrame, answers of
// one colour, the element's counters.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include <cstring>
#include <vector>

#include "gstw2l.h"
#include "test_frame.h"

namespace w2l_test {

inline GstCaps *caps_of(GstVideoFormat format, int width, int height) {
  return gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING,
                             gst_video_format_to_string(format), "width", G_TYPE_INT, width,
                             "height", G_TYPE_INT, height, "framerate", GST_TYPE_FRACTION, 25, 1,
                             nullptr);
}

// A buffer with the frame's bytes and padded rows, described by a GstVideoMeta.
inline GstBuffer *padded_buffer(const TestFrame &frame) {
  const auto &bytes = frame.bytes();
  GstBuffer *buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
  GstVideoInfo info = frame.info();
  gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
                                 GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info),
                                 GST_VIDEO_INFO_N_PLANES(&info), info.offset, info.stride);
  GST_BUFFER_PTS(buffer) = 0;
  GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
  return buffer;
}

// A buffer of the default layout, every byte `value`.
inline GstBuffer *filled_buffer(GstVideoFormat format, int width, int height, guint8 value) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, format, width, height);
  GstBuffer *buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_memset(buffer, 0, value, GST_VIDEO_INFO_SIZE(&info));
  GST_BUFFER_PTS(buffer) = 0;
  return buffer;
}

// Attaches an answer of one colour, `rows` of it valid up to the last.
inline GstW2lPatchMeta *add_patch(GstBuffer *buffer, GstW2lBox box, guint8 b, guint8 g, guint8 r,
                                  guint first_valid_row = 0) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_BGR, 96, 96);
  std::vector<guint8> pixels(96 * 96 * 3);
  for (std::size_t i = 0; i < pixels.size(); i += 3) {
    pixels[i] = b;
    pixels[i + 1] = g;
    pixels[i + 2] = r;
  }
  GstBuffer *image = gst_buffer_new_memdup(pixels.data(), pixels.size());
  GstW2lPatchMeta *meta =
      gst_buffer_add_w2l_patch_meta(buffer, &box, 0, image, &info, first_valid_row, 96);
  gst_buffer_unref(image);
  return meta;
}

inline std::vector<guint8> bytes_of(GstBuffer *buffer) {
  std::vector<guint8> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

// The address of the buffer's pixels: equal means that they were not copied.
inline const void *pixels_of(GstBuffer *buffer) {
  GstMapInfo map;
  fail_unless(gst_buffer_map(buffer, &map, GST_MAP_READ));
  const void *data = map.data;
  gst_buffer_unmap(buffer, &map);
  return data;
}

inline guint64 stat(GstElement *element, const char *name) {
  GstStructure *stats = nullptr;
  guint64 value = G_MAXUINT64;
  g_object_get(element, "stats", &stats, nullptr);
  fail_unless(gst_structure_get_uint64(stats, name, &value));
  gst_structure_free(stats);
  return value;
}

inline void expect_stats(GstElement *element, guint64 frames, guint64 patched, guint64 passed,
                         guint64 clipped) {
  fail_unless_equals_uint64(stat(element, "frames"), frames);
  fail_unless_equals_uint64(stat(element, "patched"), patched);
  fail_unless_equals_uint64(stat(element, "passed"), passed);
  fail_unless_equals_uint64(stat(element, "clipped"), clipped);
}

// A harness around a w2lpatch with a hard edge, for expectations in exact bytes.
inline GstHarness *hard_edged_harness(GstVideoFormat format, int width, int height) {
  GstHarness *h = gst_harness_new("w2lpatch");
  g_object_set(h->element, "feather", 0.0, nullptr);
  gst_harness_set_src_caps(h, caps_of(format, width, height));
  return h;
}

}  // namespace w2l_test
