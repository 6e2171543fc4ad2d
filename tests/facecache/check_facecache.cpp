// gst-wav2lip: the w2lfacecache element from outside, one harness per test.
// SPDX-License-Identifier: LGPL-2.1-or-later
// C++ headers first: gstcheck.h has a macro named "fail".
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "face_detector.h"
#include "gstw2lfacemeta.h"
#include "leak_check.h"
#include "test_frame.h"

#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

namespace {

std::string caps_of(const char *format, int width = 320, int height = 240,
                    const char *more = "interlace-mode=progressive") {
  return std::string("video/x-raw,format=") + format + ",width=" + std::to_string(width) +
         ",height=" + std::to_string(height) + ",framerate=25/1," + more;
}

// A harness with its own bus; what it posts is looked at by the test.
struct Rig {
  explicit Rig(const std::string &line) {
    GstElement *made = gst_parse_launch(line.c_str(), nullptr);
    harness = gst_harness_new_with_element(made, "sink", "src");
    gst_object_unref(made);
    gst_element_set_bus(element(), bus);
  }
  ~Rig() {
    gst_element_set_bus(element(), nullptr);
    gst_harness_teardown(harness);
    gst_object_unref(bus);
  }
  Rig(const Rig &) = delete;
  Rig &operator=(const Rig &) = delete;

  GstElement *element() const { return harness->element; }

  // The next message of that type as "domain-code: text", "" if there is none.
  std::string message(GstMessageType type) {
    GstMessage *message = gst_bus_pop_filtered(bus, type);
    if (!message) return "";
    GError *error = nullptr;
    if (type == GST_MESSAGE_ERROR) gst_message_parse_error(message, &error, nullptr);
    if (type == GST_MESSAGE_WARNING) gst_message_parse_warning(message, &error, nullptr);
    if (type == GST_MESSAGE_INFO) gst_message_parse_info(message, &error, nullptr);
    const std::string text = std::string(g_quark_to_string(error->domain)) + "-" +
                             std::to_string(error->code) + ": " + error->message;
    g_error_free(error);
    gst_message_unref(message);
    return text;
  }

  // "frames detected tracked missing detections"
  std::string stats() const {
    GstStructure *s = nullptr;
    g_object_get(element(), "stats", &s, nullptr);
    std::string text;
    for (const char *field : {"frames", "detected", "tracked", "missing", "detections"}) {
      guint64 value = 0;
      fail_unless(gst_structure_get_uint64(s, field, &value));
      text += (text.empty() ? "" : " ") + std::to_string(value);
    }
    gst_structure_free(s);
    return text;
  }

  GstHarness *harness = nullptr;
  GstBus *bus = gst_bus_new();
};

// A frame whose first plane shows `gray`; everything else is 128.
GstBuffer *make_buffer(const cv::Mat &gray, GstClockTime pts, GstVideoFormat format) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, format, gray.cols, gray.rows);
  GstBuffer *buffer = gst_buffer_new_allocate(nullptr, info.size, nullptr);
  gst_buffer_memset(buffer, 0, 128, info.size);
  for (int y = 0; y < gray.rows; ++y)
    gst_buffer_fill(buffer, y * info.stride[0], gray.ptr(y), gray.cols);
  GST_BUFFER_PTS(buffer) = pts;
  GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
  return buffer;
}

GstBuffer *i420(const cv::Mat &gray, int frame = 0) {
  return make_buffer(gray, frame * 40 * GST_MSECOND, GST_VIDEO_FORMAT_I420);
}

cv::Mat flat(int width = 320, int height = 240) {
  return {height, width, CV_8UC1, cv::Scalar(90)};
}

cv::Mat with_face(cv::Point center = {160, 120}, int size = 100) {
  cv::Mat gray = flat();
  w2ltest::draw_face(gray, center, size);
  return gray;
}

// "id flags x1,y1,x2,y2" of a buffer's meta, "none" without.
std::string meta_of(GstBuffer *buffer) {
  const GstW2lFaceMeta *meta = gst_buffer_get_w2l_face_meta(buffer);
  if (!meta) return "none";
  const GstW2lBox &b = meta->box;
  return std::to_string(meta->face_id) + " " + std::to_string(meta->flags) + " " +
         std::to_string(b.x1) + "," + std::to_string(b.y1) + "," + std::to_string(b.x2) + "," +
         std::to_string(b.y2);
}

// Pushes, pulls and looks at one frame.
std::string meta_after(Rig &rig, GstBuffer *buffer) {
  fail_unless_equals_int(gst_harness_push(rig.harness, buffer), GST_FLOW_OK);
  GstBuffer *out = gst_harness_pull(rig.harness);
  fail_unless(out != nullptr);
  const std::string text = meta_of(out);
  gst_buffer_unref(out);
  return text;
}

void expect(const std::string &actual, const std::string &expected) {
  fail_unless_equals_string(actual.c_str(), expected.c_str());
}

void expect_part(const std::string &actual, const std::string &part) {
  fail_unless(actual.find(part) != std::string::npos, "\"%s\" lacks \"%s\"", actual.c_str(),
              part.c_str());
}

constexpr char kSettings[] = "gst-resource-error-quark-13: ";   // GST_RESOURCE_ERROR_SETTINGS
constexpr char kStreamFailed[] = "gst-stream-error-quark-1: ";  // GST_STREAM_ERROR_FAILED

// Starts an element that must refuse to; its error message.
std::string start_error(const std::string &line) {
  GstElement *element = gst_parse_launch(line.c_str(), nullptr);
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(element, bus);
  fail_unless_equals_int(gst_element_set_state(element, GST_STATE_PAUSED),
                         GST_STATE_CHANGE_FAILURE);
  GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  fail_unless(message != nullptr);
  GError *error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  const std::string text = std::string(g_quark_to_string(error->domain)) + "-" +
                           std::to_string(error->code) + ": " + error->message;
  g_error_free(error);
  gst_message_unref(message);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_element_set_bus(element, nullptr);
  gst_object_unref(bus);
  gst_object_unref(element);
  return text;
}

}  // namespace

GST_START_TEST(a_box_becomes_the_meta_of_every_frame) {
  Rig rig("w2lfacecache box=\"<10,20,110,140>\"");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  for (int i = 0; i < 2; i++) {
    gst_harness_push(rig.harness, i420(flat(), i));
    GstBuffer *out = gst_harness_pull(rig.harness);
    expect(meta_of(out), "0 0 10,20,110,140");  // no pads, no flags
    fail_unless_equals_float(gst_buffer_get_w2l_face_meta(out)->score, 1.0);
    fail_unless_equals_uint64(GST_BUFFER_PTS(out), i * 40 * GST_MSECOND);
    gst_buffer_unref(out);
  }
  expect(rig.stats(), "2 0 0 0 0");
}
GST_END_TEST;

GST_START_TEST(box_and_pads_read_back_as_four_numbers) {
  Rig rig("w2lfacecache box=\"<10,20,110,140>\" pads=\"<1,2,3,4>\"");
  const int expected[2][4] = {{10, 20, 110, 140}, {1, 2, 3, 4}};
  const char *names[] = {"box", "pads"};
  for (int p = 0; p < 2; p++) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_ARRAY);
    g_object_get_property(G_OBJECT(rig.element()), names[p], &value);
    fail_unless_equals_int(gst_value_array_get_size(&value), 4);
    for (int i = 0; i < 4; i++)
      fail_unless_equals_int(g_value_get_int(gst_value_array_get_value(&value, i)), expected[p][i]);
    g_value_unset(&value);
  }
}
GST_END_TEST;

GST_START_TEST(a_wrong_box_is_refused_before_data_flows) {
  expect(start_error("w2lfacecache box=\"<110,20,10,140>\""),
         std::string(kSettings) +
             "box <110,20,10,140> is inverted or empty: give <x1,y1,x2,y2> with x1 < x2, y1 < y2");
  expect(start_error("w2lfacecache box=\"<-5,20,10,140>\""),
         std::string(kSettings) +
             "box <-5,20,10,140> is not four numbers of 0 or more: give <x1,y1,x2,y2>");
  expect(start_error("w2lfacecache pads=\"<1,2,3>\""),
         std::string(kSettings) +
             "pads <1,2,3> are not four numbers of 0 or more: give <top,bottom,left,right>");
}
GST_END_TEST;

GST_START_TEST(a_box_outside_the_frame_is_refused_with_the_first_frame) {
  Rig rig("w2lfacecache box=\"<10,20,330,140>\"");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  fail_unless_equals_int(gst_harness_push(rig.harness, i420(flat())), GST_FLOW_ERROR);
  expect(rig.message(GST_MESSAGE_ERROR),
         std::string(kSettings) +
             "box <10,20,330,140> reaches outside the 320x240 frame: keep it within <0,0,320,240>");
  fail_unless_equals_int(gst_harness_push(rig.harness, i420(flat())), GST_FLOW_ERROR);
  expect(rig.message(GST_MESSAGE_ERROR), "");  // said once
  fail_unless_equals_int(gst_harness_buffers_received(rig.harness), 0);
}
GST_END_TEST;

// videoflip announces the size before the turn, then the one after it.
GST_START_TEST(a_box_counts_in_the_frame_that_comes_not_in_caps_before_it) {
  Rig rig("w2lfacecache box=\"<10,20,110,300>\"");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420", 320, 240).c_str());
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420", 240, 320).c_str());
  expect(meta_after(rig, i420(flat(240, 320))), "0 0 10,20,110,300");
  expect(rig.message(GST_MESSAGE_ERROR), "");
}
GST_END_TEST;

GST_START_TEST(a_box_can_move_while_playing_but_not_out_of_the_frame) {
  Rig rig("w2lfacecache box=\"<10,20,110,140>\"");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  expect(meta_after(rig, i420(flat(), 0)), "0 0 10,20,110,140");
  gst_util_set_object_arg(G_OBJECT(rig.element()), "box", "<0,0,320,240>");
  expect(meta_after(rig, i420(flat(), 1)), "0 0 0,0,320,240");
  gst_util_set_object_arg(G_OBJECT(rig.element()), "box", "<0,0,320,241>");
  fail_unless_equals_int(gst_harness_push(rig.harness, i420(flat(), 2)), GST_FLOW_ERROR);
  expect_part(rig.message(GST_MESSAGE_ERROR),
              "box <0,0,320,241> reaches outside the 320x240 frame");
}
GST_END_TEST;

GST_START_TEST(a_box_taken_back_while_playing_makes_it_detect) {
  Rig rig("w2lfacecache detector=haar box=\"<10,20,110,140>\"");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  expect(meta_after(rig, i420(with_face(), 0)), "0 0 10,20,110,140");
  gst_util_set_object_arg(G_OBJECT(rig.element()), "box", "<>");
  expect_part(meta_after(rig, i420(with_face(), 1)), "0 1 ");
}
GST_END_TEST;

GST_START_TEST(a_shared_frame_is_not_copied) {
  for (const char *line : {"w2lfacecache box=\"<10,20,110,140>\"", "w2lfacecache detector=haar"}) {
    Rig rig(line);
    gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
    GstBuffer *in = i420(with_face());
    GstMemory *memory = gst_buffer_peek_memory(in, 0);
    const cv::Mat expected = with_face();

    gst_harness_push(rig.harness, gst_buffer_ref(in));
    GstBuffer *out = gst_harness_pull(rig.harness);
    fail_unless(out != in);  // somebody else holds it: the struct is copied,
    fail_unless(gst_buffer_peek_memory(out, 0) == memory);  // the pixels are not,
    expect(meta_of(in), "none");                            // and the other one's is left alone
    fail_unless(gst_buffer_get_w2l_face_meta(out) != nullptr);
    fail_unless_equals_int(gst_buffer_memcmp(in, 0, expected.data, 320 * 240), 0);
    gst_buffer_unref(out);
    gst_buffer_unref(in);

    in = i420(with_face(), 1);  // nobody else holds this one: it goes through itself
    gst_harness_push(rig.harness, in);
    out = gst_harness_pull(rig.harness);
    fail_unless(out == in);
    gst_buffer_unref(out);
  }
}
GST_END_TEST;

GST_START_TEST(a_detected_face_is_padded_clamped_and_tracked) {
  Rig rig("w2lfacecache detector=haar pads=\"<0,0,0,0>\" interval=3");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  int x1, y1, x2, y2;
  const std::string found = meta_after(rig, i420(with_face(), 0));
  fail_unless_equals_int(sscanf(found.c_str(), "0 1 %d,%d,%d,%d", &x1, &y1, &x2, &y2), 4);
  fail_unless(ABS(x1 - 116) <= 20 && ABS(y1 - 60) <= 15, "%s", found.c_str());
  fail_unless(ABS(x2 - 206) <= 20 && ABS(y2 - 182) <= 15, "%s", found.c_str());

  // The face moves by 5, 2: the box moves with it, to the pixel.
  const auto box = [&](int dx, int dy, int top, int bottom, int left, int right) {
    return std::to_string(x1 + dx - left) + "," + std::to_string(y1 + dy - top) + "," +
           std::to_string(x2 + dx + right) + "," + std::to_string(y2 + dy + bottom);
  };
  expect(meta_after(rig, i420(with_face({165, 122}), 1)), "0 2 " + box(5, 2, 0, 0, 0, 0));
  gst_util_set_object_arg(G_OBJECT(rig.element()), "pads", "<1,2,3,4>");
  expect(meta_after(rig, i420(with_face({162, 117}), 2)), "0 2 " + box(2, -3, 1, 2, 3, 4));
  gst_util_set_object_arg(G_OBJECT(rig.element()), "pads", "<999,999,999,999>");
  expect(meta_after(rig, i420(with_face(), 3)), "0 1 0,0,320,240");
  expect(rig.stats(), "4 2 2 0 2");
}
GST_END_TEST;

GST_START_TEST(every_format_finds_the_same_face) {
  std::string first;
  GstCaps *all = gst_caps_from_string(
      "video/x-raw,format={ I420, YV12, NV12, NV21, Y42B, Y444, RGB, BGR, RGBx, BGRx, xRGB, xBGR, "
      "RGBA, BGRA, ARGB, ABGR }");
  const GValue *formats = gst_structure_get_value(gst_caps_get_structure(all, 0), "format");
  for (guint i = 0; i < gst_value_list_get_size(formats); i++) {
    const char *name = g_value_get_string(gst_value_list_get_value(formats, i));
    GstVideoInfo info;
    gst_video_info_set_format(&info, gst_video_format_from_string(name), 320, 240);
    Rig rig("w2lfacecache detector=haar");
    gst_harness_set_src_caps_str(rig.harness, caps_of(name).c_str());
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, info.size, nullptr);
    GstVideoFrame frame;
    const cv::Mat gray = with_face();
    fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE));
    for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&info); c++)
      for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&frame, c); y++)
        for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&frame, c); x++)
          static_cast<guint8 *>(
              GST_VIDEO_FRAME_COMP_DATA(&frame, c))[y * GST_VIDEO_FRAME_COMP_STRIDE(&frame, c) +
                                                    x * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, c)] =
              c == 0 || GST_VIDEO_INFO_IS_RGB(&info) ? gray.at<guint8>(y, x) : 128;
    gst_video_frame_unmap(&frame);
    const std::string meta = meta_after(rig, buffer);
    expect_part(meta, "0 1 ");
    if (first.empty()) first = meta;
    expect(meta, first);  // grey: the luma is the same everywhere
  }
  gst_caps_unref(all);
}
GST_END_TEST;

GST_START_TEST(a_frame_without_a_face_passes_with_one_warning) {
  Rig rig("w2lfacecache detector=haar");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  for (int i = 0; i < 3; i++) {
    GstBuffer *in = i420(flat(), i + 1);
    gst_harness_push(rig.harness, in);
    GstBuffer *out = gst_harness_pull(rig.harness);
    fail_unless(out == in);
    expect(meta_of(out), "none");
    gst_buffer_unref(out);
  }
  expect(rig.message(GST_MESSAGE_WARNING),
         std::string(kStreamFailed) +
             "No face in frame 0 (at 0:00:00.040000000): frames without a face pass untouched. "
             "Give a box or lower min-score if there is one.");
  expect(rig.message(GST_MESSAGE_WARNING), "");
  expect(rig.stats(), "3 0 0 3 3");
}
GST_END_TEST;

GST_START_TEST(a_frame_without_a_face_stops_the_stream_if_told) {
  Rig rig("w2lfacecache detector=haar on-missing=error");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  expect_part(meta_after(rig, i420(with_face(), 0)), "0 1 ");
  fail_unless_equals_int(gst_harness_push(rig.harness, i420(flat(), 1)), GST_FLOW_ERROR);
  expect(rig.message(GST_MESSAGE_ERROR),
         std::string(kStreamFailed) +
             "No face in frame 1 (at 0:00:00.040000000): give a box, lower min-score, or let such "
             "frames pass with on-missing=pass.");
  fail_unless_equals_int(gst_harness_buffers_received(rig.harness), 1);
}
GST_END_TEST;

GST_START_TEST(black_frames_have_no_face) {
  const std::string model = w2ltest::yunet_file();
  std::vector<std::string> lines = {"w2lfacecache detector=haar"};
  if (!model.empty()) lines.push_back("w2lfacecache detector=yunet detector-model=" + model);
  for (const std::string &line : lines) {
    Rig rig(line);
    gst_harness_set_src_caps_str(rig.harness, caps_of("I420", 640, 360).c_str());
    const cv::Mat black(360, 640, CV_8UC1, cv::Scalar(16));
    for (int i = 0; i < 5; i++) expect(meta_after(rig, i420(black, i)), "none");
    expect(rig.stats(), "5 0 0 5 5");
  }
}
GST_END_TEST;

GST_START_TEST(of_two_faces_the_larger_is_taken_and_kept) {
  Rig rig("w2lfacecache detector=haar interval=2 pads=\"<0,0,0,0>\"");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  const auto two = [](int left, int right) {
    cv::Mat gray = flat();
    w2ltest::draw_face(gray, {80, 120}, left);
    w2ltest::draw_face(gray, {240, 120}, right);
    return gray;
  };
  for (int i = 0; i < 10; i++) {
    // From frame 4 on the left one is the larger.
    const std::string meta = meta_after(rig, i420(i < 4 ? two(70, 90) : two(110, 86), i));
    int id, flags, x1;
    fail_unless_equals_int(sscanf(meta.c_str(), "%d %d %d", &id, &flags, &x1), 3);
    fail_unless_equals_int(id, 0);
    fail_unless(x1 > 160, "frame %d: %s", i, meta.c_str());
  }
}
GST_END_TEST;

GST_START_TEST(detection_runs_every_interval_frames) {
  Rig rig("w2lfacecache detector=haar");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  std::string flags;
  for (int i = 0; i < 11; i++) flags += meta_after(rig, i420(with_face(), i)).at(2);
  expect(flags, "12222122221");  // 1 = detected, 2 = tracked
  expect(rig.stats(), "11 3 8 0 3");
}
GST_END_TEST;

GST_START_TEST(a_discont_a_flush_and_new_caps_forget_the_face) {
  Rig rig("w2lfacecache detector=haar pads=\"<0,0,0,0>\"");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  expect_part(meta_after(rig, i420(with_face(), 0)), "0 1 ");
  expect_part(meta_after(rig, i420(with_face(), 1)), "0 2 ");

  GstBuffer *discont = i420(with_face(), 2);
  GST_BUFFER_FLAG_SET(discont, GST_BUFFER_FLAG_DISCONT);
  expect_part(meta_after(rig, discont), "1 1 ");

  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(rig.harness, gst_event_new_flush_start());
  gst_harness_push_event(rig.harness, gst_event_new_flush_stop(TRUE));
  gst_harness_push_event(rig.harness, gst_event_new_segment(&segment));
  expect_part(meta_after(rig, i420(with_face(), 3)), "2 1 ");

  // Twice the size: the box is found where it now is.
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420", 640, 480).c_str());
  cv::Mat large = flat(640, 480);
  w2ltest::draw_face(large, {320, 240}, 200);
  const std::string meta = meta_after(rig, i420(large, 4));
  int id, flags, x1, y1, x2, y2;
  sscanf(meta.c_str(), "%d %d %d,%d,%d,%d", &id, &flags, &x1, &y1, &x2, &y2);
  fail_unless(id == 3 && flags == 1 && x2 - x1 > 160 && x2 - x1 < 240, "%s", meta.c_str());
}
GST_END_TEST;

GST_START_TEST(interlaced_and_hdr_video_passes_with_one_warning) {
  const char *kinds[][2] = {
      {"interlace-mode=interleaved", "interlaced video (put deinterlace before it)"},
      {"colorimetry=bt2100-pq", "PQ (HDR) video"},
      {"colorimetry=bt2100-hlg", "HLG (HDR) video"}};
  for (const auto &kind : kinds) {
    Rig rig("w2lfacecache box=\"<10,20,110,140>\" on-missing=error");
    gst_harness_set_src_caps_str(rig.harness, caps_of("I420", 320, 240, kind[0]).c_str());
    expect(meta_after(rig, i420(flat(), 0)), "none");
    expect(meta_after(rig, i420(flat(), 1)), "none");
    gst_harness_set_src_caps_str(rig.harness, caps_of("I420", 640, 480, kind[0]).c_str());
    expect(meta_after(rig, i420(flat(640, 480), 1)), "none");
    const std::string warning = rig.message(GST_MESSAGE_WARNING);
    expect_part(warning, std::string("Frames pass without a face: this is ") + kind[1]);
    expect(rig.message(GST_MESSAGE_WARNING), "");

    gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
    expect(meta_after(rig, i420(flat(), 2)), "0 0 10,20,110,140");
  }
}
GST_END_TEST;

GST_START_TEST(a_meta_from_upstream_is_left_alone) {
  for (const char *line : {"w2lfacecache box=\"<10,20,110,140>\"", "w2lfacecache detector=none"}) {
    Rig rig(line);
    gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
    GstBuffer *in = i420(flat());
    const GstW2lBox box{1, 2, 3, 4};
    gst_buffer_add_w2l_face_meta(in, &box, 7, 0.5, GST_W2L_FACE_FLAG_HELD);
    gst_harness_push(rig.harness, in);
    GstBuffer *out = gst_harness_pull(rig.harness);
    fail_unless_equals_int(gst_buffer_get_n_meta(out, GST_W2L_FACE_META_API_TYPE), 1);
    expect(meta_of(out), "7 4 1,2,3,4");
    gst_buffer_unref(out);
    expect(rig.stats(), "1 0 0 0 0");
  }
}
GST_END_TEST;

GST_START_TEST(without_a_detector_frames_without_a_meta_are_missing) {
  Rig rig("w2lfacecache detector=none");
  gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
  expect(meta_after(rig, i420(with_face())), "none");
  expect(rig.stats(), "1 0 0 1 0");
}
GST_END_TEST;

GST_START_TEST(a_wrong_model_is_an_error_when_it_starts) {
  expect_part(start_error("w2lfacecache detector=yunet detector-model=/nowhere/y.onnx"),
              "gst-resource-error-quark-3: detector-model \"/nowhere/y.onnx\" does not exist");
  gchar *file = g_build_filename(g_get_tmp_dir(), "w2l-not-a-cascade.xml", nullptr);
  fail_unless(g_file_set_contents(file, "no cascade", -1, nullptr));
  expect_part(start_error(std::string("w2lfacecache detector-model=") + file),
              "gst-resource-error-quark-5: detector-model \"");
  g_remove(file);
  g_free(file);
}
GST_END_TEST;

GST_START_TEST(auto_without_yunets_model_says_once_that_it_uses_haar) {
  g_unsetenv("W2L_MODEL_PATH");
  if (!w2l::find_yunet_model().empty()) {
    g_print("SKIP: a YuNet model is installed\n");
    return;
  }
  GstElement *element = gst_element_factory_make("w2lfacecache", nullptr);
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(element, bus);
  gst_element_set_state(element, GST_STATE_PAUSED);
  GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_INFO);
  fail_unless(message != nullptr);
  GError *info = nullptr;
  gst_message_parse_info(message, &info, nullptr);
  expect_part(info->message, "using detector=haar, because face_detection_yunet_");
  fail_unless(gst_bus_pop_filtered(bus, GST_MESSAGE_INFO) == nullptr);
  g_error_free(info);
  gst_message_unref(message);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_element_set_bus(element, nullptr);
  gst_object_unref(bus);
  gst_object_unref(element);
}
GST_END_TEST;

GST_START_TEST(it_starts_again_with_fresh_counters) {
  Rig rig("w2lfacecache detector=haar");
  for (int run = 0; run < 2; run++) {
    gst_harness_play(rig.harness);
    gst_harness_set_src_caps_str(rig.harness, caps_of("I420").c_str());
    expect_part(meta_after(rig, i420(with_face(), 0)), "0 1 ");
    expect(meta_after(rig, i420(flat(), 1)), "none");
    expect_part(rig.message(GST_MESSAGE_WARNING), "No face in frame 1 ");
    expect(rig.stats(), "2 1 0 1 2");
    gst_element_set_state(rig.element(), GST_STATE_NULL);
    gst_element_set_state(rig.element(), GST_STATE_PLAYING);
  }
}
GST_END_TEST;

static Suite *facecache_suite() {
  Suite *suite = suite_create("w2lfacecache");
  TCase *tc = tcase_create("element");
  tcase_add_checked_fixture(tc, w2l::test::start_leak_check, w2l::test::finish_leak_check);

  suite_add_tcase(suite, tc);
  tcase_add_test(tc, a_box_becomes_the_meta_of_every_frame);
  tcase_add_test(tc, box_and_pads_read_back_as_four_numbers);
  tcase_add_test(tc, a_wrong_box_is_refused_before_data_flows);
  tcase_add_test(tc, a_box_outside_the_frame_is_refused_with_the_first_frame);
  tcase_add_test(tc, a_box_counts_in_the_frame_that_comes_not_in_caps_before_it);
  tcase_add_test(tc, a_box_can_move_while_playing_but_not_out_of_the_frame);
  tcase_add_test(tc, a_box_taken_back_while_playing_makes_it_detect);
  tcase_add_test(tc, a_shared_frame_is_not_copied);
  tcase_add_test(tc, a_detected_face_is_padded_clamped_and_tracked);
  tcase_add_test(tc, every_format_finds_the_same_face);
  tcase_add_test(tc, a_frame_without_a_face_passes_with_one_warning);
  tcase_add_test(tc, a_frame_without_a_face_stops_the_stream_if_told);
  tcase_add_test(tc, black_frames_have_no_face);
  tcase_add_test(tc, of_two_faces_the_larger_is_taken_and_kept);
  tcase_add_test(tc, detection_runs_every_interval_frames);
  tcase_add_test(tc, a_discont_a_flush_and_new_caps_forget_the_face);
  tcase_add_test(tc, interlaced_and_hdr_video_passes_with_one_warning);
  tcase_add_test(tc, a_meta_from_upstream_is_left_alone);
  tcase_add_test(tc, without_a_detector_frames_without_a_meta_are_missing);
  tcase_add_test(tc, a_wrong_model_is_an_error_when_it_starts);
  tcase_add_test(tc, auto_without_yunets_model_says_once_that_it_uses_haar);
  tcase_add_test(tc, it_starts_again_with_fresh_counters);
  return suite;
}

GST_CHECK_MAIN(facecache)
