// gst-wav2lip: gst-check suite of w2lpatch's data flow: which buffer comes out, which bytes of it
// changed, who else's memory did not.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/base/gstbasetransform.h>
#include <gst/controller/controller.h>

#include "blend.h"
#include "leak_check.h"
#include "patch_harness.h"

using namespace w2l_test;

namespace {

constexpr GstW2lBox kBox = {21, 11, 62, 48};

// The bytes that the blend kernels, tested on their own, make of the same frame.
std::vector<guint8> blended_bytes(GstVideoFormat format, int width, int height) {
  TestFrame frame(format, width, height);
  cv::Mat image(96, 96, CV_8UC3, cv::Scalar(32, 144, 240));
  w2l::PatchGeometry patch{kBox, 96, {48, 96}, 1.0};
  w2l::BlendSettings settings{w2l::MaskMode::kAuto, 0.0, 1.0};
  auto placement = w2l::place_patch(patch, settings, width, height);
  w2l::make_blend_kernel(frame.info())->blend(frame.frame(), image, patch, placement, 0.0);
  return frame.bytes();
}

GstBuffer *black_bgr() {
  return filled_buffer(GST_VIDEO_FORMAT_BGR, 96, 64, 0);
}

guint8 blue_at(GstBuffer *buffer, int x, int y) {
  return bytes_of(buffer)[y * 96 * 3 + x * 3];
}

GST_START_TEST(paints_every_format_through_strides_of_the_video_meta) {
  for (GstVideoFormat format : all_formats()) {
    GstHarness *h = hard_edged_harness(format, 95, 63);
    GstBuffer *buffer = padded_buffer(TestFrame(format, 95, 63));
    add_patch(buffer, kBox, 32, 144, 240, 48);
    GstBuffer *out = gst_harness_push_and_pull(h, buffer);

    std::vector<guint8> expected = blended_bytes(format, 95, 63);
    fail_unless(bytes_of(out) == expected, "%s", gst_video_format_to_string(format));
    fail_unless(expected != TestFrame(format, 95, 63).bytes());
    fail_unless(gst_buffer_get_w2l_patch_meta(out) == nullptr);
    fail_unless_equals_uint64(GST_BUFFER_PTS(out), 0);
    fail_unless_equals_uint64(GST_BUFFER_DURATION(out), 40 * GST_MSECOND);
    gst_buffer_unref(out);
    gst_harness_teardown(h);
  }
}
GST_END_TEST

GST_START_TEST(frame_without_patch_is_the_same_buffer) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  GstBuffer *buffer = gst_buffer_ref(black_bgr());  // shared, which must not matter
  const void *pixels = pixels_of(buffer);
  GstBuffer *out = gst_harness_push_and_pull(h, buffer);

  fail_unless(out == buffer);
  fail_unless(pixels_of(out) == pixels);
  fail_unless(gst_base_transform_is_passthrough(GST_BASE_TRANSFORM(h->element)));
  expect_stats(h->element, 1, 0, 1, 0);
  gst_buffer_unref(out);
  gst_buffer_unref(buffer);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(own_buffer_is_painted_in_place) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  GstBuffer *buffer = black_bgr();
  const void *pixels = pixels_of(buffer);
  add_patch(buffer, kBox, 200, 0, 0);
  GstBuffer *out = gst_harness_push_and_pull(h, buffer);

  fail_unless(out == buffer);
  fail_unless(pixels_of(out) == pixels);
  fail_unless_equals_int(blue_at(out, 21, 11), 200);
  fail_unless_equals_int(blue_at(out, 61, 47), 200);
  fail_unless_equals_int(blue_at(out, 20, 11), 0);
  fail_unless_equals_int(blue_at(out, 62, 47), 0);
  expect_stats(h->element, 1, 1, 0, 0);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(shared_buffer_is_copied_and_its_owner_sees_no_change) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  GstBuffer *kept = black_bgr();
  add_patch(kept, kBox, 200, 0, 0);
  GstBuffer *out = gst_harness_push_and_pull(h, gst_buffer_ref(kept));

  fail_unless(out != kept);
  fail_unless_equals_int(blue_at(out, 40, 30), 200);
  fail_unless(gst_buffer_get_w2l_patch_meta(out) == nullptr);
  fail_unless_equals_int(blue_at(kept, 40, 30), 0);
  fail_unless(gst_buffer_get_w2l_patch_meta(kept) != nullptr);
  gst_buffer_unref(out);
  gst_buffer_unref(kept);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(buffer_that_shares_only_its_memory_is_copied_too) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_I420, 96, 64);
  GstBuffer *kept = filled_buffer(GST_VIDEO_FORMAT_I420, 96, 64, 16);
  GstBuffer *buffer = gst_buffer_copy(kept);
  add_patch(buffer, kBox, 255, 255, 255);
  GstBuffer *out = gst_harness_push_and_pull(h, buffer);

  fail_unless_equals_int(bytes_of(out)[30 * 96 + 40], 235);
  fail_unless_equals_int(bytes_of(kept)[30 * 96 + 40], 16);
  gst_buffer_unref(out);
  gst_buffer_unref(kept);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(patch_that_shows_nowhere_costs_no_copy) {
  struct {
    GstW2lBox box;
    gdouble opacity;
  } cases[] = {{kBox, 0.0}, {{96, 0, 140, 40}, 1.0}, {{50, 50, 40, 60}, 1.0}};
  for (const auto &invisible : cases) {
    GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
    GstBuffer *kept = black_bgr();
    add_patch(kept, invisible.box, 200, 0, 0)->opacity = invisible.opacity;
    GstBuffer *out = gst_harness_push_and_pull(h, gst_buffer_ref(kept));

    fail_unless(pixels_of(out) == pixels_of(kept));
    fail_unless(gst_buffer_get_w2l_patch_meta(out) == nullptr);
    expect_stats(h->element, 1, 0, 1, 0);
    gst_buffer_unref(out);
    gst_buffer_unref(kept);
    gst_harness_teardown(h);
  }
}
GST_END_TEST

GST_START_TEST(frames_with_and_without_patch_alternate) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  for (int i = 0; i < 20; i++) {
    GstBuffer *buffer = black_bgr();
    if (i % 2) add_patch(buffer, kBox, 200, 0, 0);
    GstBuffer *out = gst_harness_push_and_pull(h, buffer);
    fail_unless_equals_int(blue_at(out, 40, 30), i % 2 ? 200 : 0);
    gst_buffer_unref(out);
  }
  expect_stats(h->element, 20, 10, 10, 0);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(every_face_of_a_frame_is_painted_in_order) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  GstBuffer *buffer = black_bgr();
  add_patch(buffer, {0, 0, 40, 40}, 100, 0, 0);
  add_patch(buffer, {50, 0, 90, 40}, 150, 0, 0);
  add_patch(buffer, {30, 20, 60, 60}, 200, 0, 0);
  GstBuffer *out = gst_harness_push_and_pull(h, buffer);

  fail_unless_equals_int(blue_at(out, 10, 10), 100);
  fail_unless_equals_int(blue_at(out, 70, 10), 150);
  fail_unless_equals_int(blue_at(out, 35, 30), 200);
  fail_unless_equals_int(blue_at(out, 45, 10), 0);
  fail_unless(gst_buffer_get_w2l_patch_meta(out) == nullptr);
  expect_stats(h->element, 1, 1, 0, 0);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(patches_over_the_edge_are_clipped_and_counted) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  GstBuffer *buffer = black_bgr();
  add_patch(buffer, {-10, -10, 20, 20}, 100, 0, 0);
  add_patch(buffer, {80, 50, 120, 90}, 150, 0, 0);
  add_patch(buffer, kBox, 200, 0, 0);
  GstBuffer *out = gst_harness_push_and_pull(h, buffer);

  fail_unless_equals_int(blue_at(out, 0, 0), 100);
  fail_unless_equals_int(blue_at(out, 19, 19), 100);
  fail_unless_equals_int(blue_at(out, 95, 63), 150);
  expect_stats(h->element, 1, 1, 0, 2);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(mask_property_selects_the_rows) {
  // Of a box 40 high: row 11 + 5 is in the upper half, 11 + 30 in the lower.
  struct {
    const char *mask;
    guint first_valid_row;
    int upper;
  } cases[] = {{"auto", 0, 200}, {"auto", 48, 0},  {"lower", 0, 0},
               {"lower", 48, 0}, {"full", 0, 200}, {"full", 48, 0}};
  for (const auto &c : cases) {
    GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
    gst_util_set_object_arg(G_OBJECT(h->element), "mask", c.mask);
    GstBuffer *buffer = black_bgr();
    add_patch(buffer, {21, 11, 62, 51}, 200, 0, 0, c.first_valid_row);
    GstBuffer *out = gst_harness_push_and_pull(h, buffer);
    fail_unless_equals_int(blue_at(out, 40, 16), c.upper);
    fail_unless_equals_int(blue_at(out, 40, 41), 200);
    gst_buffer_unref(out);
    gst_harness_teardown(h);
  }
}
GST_END_TEST

GST_START_TEST(opacities_of_element_and_patch_multiply) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  g_object_set(h->element, "opacity", 0.5, nullptr);
  GstBuffer *buffer = black_bgr();
  add_patch(buffer, kBox, 200, 0, 0)->opacity = 0.5;
  GstBuffer *out = gst_harness_push_and_pull(h, buffer);
  fail_unless_equals_int(blue_at(out, 40, 30), 50);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(opacity_follows_a_controller) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  GstControlSource *source = gst_interpolation_control_source_new();
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  gst_object_add_control_binding(
      GST_OBJECT(h->element),
      gst_direct_control_binding_new(GST_OBJECT(h->element), "opacity", source));
  auto *values = GST_TIMED_VALUE_CONTROL_SOURCE(source);
  gst_timed_value_control_source_set(values, 0, 0.0);
  gst_timed_value_control_source_set(values, GST_SECOND, 1.0);

  for (int quarter = 0; quarter <= 4; quarter++) {
    GstBuffer *buffer = black_bgr();
    GST_BUFFER_PTS(buffer) = quarter * GST_SECOND / 4;
    add_patch(buffer, kBox, 200, 0, 0);
    GstBuffer *out = gst_harness_push_and_pull(h, buffer);
    fail_unless_equals_int(blue_at(out, 40, 30), quarter * 50);
    gst_buffer_unref(out);
  }
  gst_object_unref(source);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(default_feather_keeps_the_edge_and_covers_the_mouth) {
  GstHarness *h = gst_harness_new("w2lpatch");
  gst_harness_set_src_caps(h, caps_of(GST_VIDEO_FORMAT_BGR, 96, 64));
  GstBuffer *buffer = black_bgr();
  add_patch(buffer, {10, 0, 70, 60}, 200, 0, 0, 48);
  GstBuffer *out = gst_harness_push_and_pull(h, buffer);
  fail_unless_equals_int(blue_at(out, 40, 45), 200);  // the mouth
  fail_unless(blue_at(out, 10, 45) < 20);             // a side
  fail_unless_equals_int(blue_at(out, 11, 58), 0);    // a corner below the jaw
  gst_buffer_unref(out);
  gst_harness_teardown(h);
}
GST_END_TEST

Suite *patch_data_suite(void) {
  Suite *suite = suite_create("w2lpatch-data");
  TCase *tc = tcase_create("data");
  suite_add_tcase(suite, tc);
  tcase_add_checked_fixture(tc, w2l::test::start_leak_check, w2l::test::finish_leak_check);
  tcase_add_test(tc, paints_every_format_through_strides_of_the_video_meta);
  tcase_add_test(tc, frame_without_patch_is_the_same_buffer);
  tcase_add_test(tc, own_buffer_is_painted_in_place);
  tcase_add_test(tc, shared_buffer_is_copied_and_its_owner_sees_no_change);
  tcase_add_test(tc, buffer_that_shares_only_its_memory_is_copied_too);
  tcase_add_test(tc, patch_that_shows_nowhere_costs_no_copy);
  tcase_add_test(tc, frames_with_and_without_patch_alternate);
  tcase_add_test(tc, every_face_of_a_frame_is_painted_in_order);
  tcase_add_test(tc, patches_over_the_edge_are_clipped_and_counted);
  tcase_add_test(tc, mask_property_selects_the_rows);
  tcase_add_test(tc, opacities_of_element_and_patch_multiply);
  tcase_add_test(tc, opacity_follows_a_controller);
  tcase_add_test(tc, default_feather_keeps_the_edge_and_covers_the_mouth);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(patch_data)
