/* gst-wav2lip: gst-check suite of the face and patch metas: what becomes of them when a buffer is
 * copied, cut, scaled or turned, and who holds the pixels.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "gstw2l.h"

#define FACE_FLAGS (GST_W2L_FACE_FLAG_TRACKED | GST_W2L_FACE_FLAG_HELD)

static const GstW2lBox box = {10, 21, 110, 141};

static GstBuffer *new_answer(GstVideoInfo *info) {
  gst_video_info_set_format(info, GST_VIDEO_FORMAT_BGR, 96, 96);
  return gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(info), NULL);
}

/* A video buffer with both metas. */
static GstBuffer *new_buffer_at(gint width, gint height, const GstW2lBox *where,
                                GstBuffer **image) {
  gsize size = GST_ROUND_UP_4(width * 3) * (gsize)height;
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, size, NULL);
  GstVideoInfo info;

  gst_buffer_memset(buffer, 0, 0, size);
  *image = new_answer(&info);
  gst_buffer_add_w2l_face_meta(buffer, where, 7, 0.25, FACE_FLAGS);
  gst_buffer_add_w2l_patch_meta(buffer, where, 7, *image, &info, 48, 96)->opacity = 0.75;
  return buffer;
}

static GstBuffer *new_buffer(GstBuffer **image) {
  return new_buffer_at(320, 180, &box, image);
}

static void assert_box(const GstW2lBox *got, gint x1, gint y1, gint x2, gint y2) {
  fail_unless_equals_int(got->x1, x1);
  fail_unless_equals_int(got->y1, y1);
  fail_unless_equals_int(got->x2, x2);
  fail_unless_equals_int(got->y2, y2);
}

/* Both metas are there with everything that new_buffer() put in, and the given box. */
static void assert_metas(GstBuffer *buffer, GstBuffer *image, gint x1, gint y1, gint x2, gint y2) {
  GstW2lFaceMeta *face = gst_buffer_get_w2l_face_meta(buffer);
  GstW2lPatchMeta *patch = gst_buffer_get_w2l_patch_meta(buffer);

  fail_unless(face != NULL);
  assert_box(&face->box, x1, y1, x2, y2);
  fail_unless_equals_int(face->face_id, 7);
  fail_unless_equals_float(face->score, 0.25);
  fail_unless_equals_int(face->flags, FACE_FLAGS);

  fail_unless(patch != NULL);
  assert_box(&patch->box, x1, y1, x2, y2);
  fail_unless_equals_int(patch->face_id, 7);
  fail_unless_equals_float(patch->opacity, 0.75);
  fail_unless(patch->image == image);
  fail_unless_equals_int(GST_VIDEO_INFO_FORMAT(&patch->info), GST_VIDEO_FORMAT_BGR);
  fail_unless_equals_int(GST_VIDEO_INFO_WIDTH(&patch->info), 96);
  fail_unless_equals_int(GST_VIDEO_INFO_HEIGHT(&patch->info), 96);
  fail_unless_equals_int(patch->first_valid_row, 48);
  fail_unless_equals_int(patch->end_valid_row, 96);
}

static void assert_no_metas(GstBuffer *buffer) {
  fail_unless(gst_buffer_get_w2l_face_meta(buffer) == NULL);
  fail_unless(gst_buffer_get_w2l_patch_meta(buffer) == NULL);
}

GST_START_TEST(new_patch_is_opaque) {
  GstBuffer *buffer = gst_buffer_new(), *image;
  GstVideoInfo info;
  GstW2lPatchMeta *patch;

  image = new_answer(&info);
  patch = gst_buffer_add_w2l_patch_meta(buffer, &box, 0, image, &info, 0, 96);
  fail_unless_equals_float(patch->opacity, 1.0);
  gst_buffer_unref(image);
  gst_buffer_unref(buffer);
}
GST_END_TEST

GST_START_TEST(buffer_without_metas_has_none) {
  GstBuffer *buffer = gst_buffer_new();
  assert_no_metas(buffer);
  gst_buffer_unref(buffer);
}
GST_END_TEST

GST_START_TEST(copy_keeps_both_and_shares_the_image) {
  GstBuffer *image, *buffer = new_buffer(&image), *copy = gst_buffer_copy(buffer);

  assert_metas(copy, image, 10, 21, 110, 141);
  /* ours, the original's and the copy's */
  fail_unless_equals_int(GST_MINI_OBJECT_REFCOUNT_VALUE(image), 3);
  gst_buffer_unref(buffer);
  assert_metas(copy, image, 10, 21, 110, 141);
  fail_unless_equals_int(GST_MINI_OBJECT_REFCOUNT_VALUE(image), 2);
  gst_buffer_unref(copy);
  fail_unless_equals_int(GST_MINI_OBJECT_REFCOUNT_VALUE(image), 1);
  gst_buffer_unref(image);
}
GST_END_TEST

GST_START_TEST(deep_copy_shares_the_image_too) {
  GstBuffer *image, *buffer = new_buffer(&image), *copy = gst_buffer_copy_deep(buffer);

  assert_metas(copy, image, 10, 21, 110, 141);
  gst_buffer_unref(copy);
  gst_buffer_unref(buffer);
  gst_buffer_unref(image);
}
GST_END_TEST

GST_START_TEST(removing_the_meta_lets_the_image_go) {
  GstBuffer *image, *buffer = new_buffer(&image);

  gst_buffer_remove_meta(buffer, &gst_buffer_get_w2l_patch_meta(buffer)->meta);
  fail_unless_equals_int(GST_MINI_OBJECT_REFCOUNT_VALUE(image), 1);
  fail_unless(gst_buffer_get_w2l_face_meta(buffer) != NULL);
  gst_buffer_unref(buffer);
  gst_buffer_unref(image);
}
GST_END_TEST

GST_START_TEST(partial_copy_drops_both) {
  GstBuffer *image, *buffer = new_buffer(&image);
  GstBuffer *part = gst_buffer_copy_region(buffer, GST_BUFFER_COPY_ALL, 0, 320 * 3);

  assert_no_metas(part);
  gst_buffer_unref(part);
  gst_buffer_unref(buffer);
  gst_buffer_unref(image);
}
GST_END_TEST

GST_START_TEST(first_of_several_faces_is_the_first_added) {
  GstBuffer *buffer = gst_buffer_new();

  for (guint id = 3; id < 6; id++)
    gst_buffer_add_w2l_face_meta(buffer, &box, id, 1.0, GST_W2L_FACE_FLAG_NONE);
  fail_unless_equals_int(gst_buffer_get_w2l_face_meta(buffer)->face_id, 3);
  fail_unless_equals_int(gst_buffer_get_n_meta(buffer, GST_W2L_FACE_META_API_TYPE), 3);
  gst_buffer_unref(buffer);
}
GST_END_TEST

GST_START_TEST(metas_say_that_size_and_orientation_matter_to_them) {
  const gchar *expected[] = {GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_SIZE_STR,
                             GST_META_TAG_VIDEO_ORIENTATION_STR, NULL};
  const GType types[] = {GST_W2L_FACE_META_API_TYPE, GST_W2L_PATCH_META_API_TYPE};

  for (guint i = 0; i < G_N_ELEMENTS(types); i++)
    fail_unless(g_strv_equal(gst_meta_api_type_get_tags(types[i]), expected));
}
GST_END_TEST

/* What @launch, an element between two caps, makes of a frame. Takes @buffer. */
static GstBuffer *pass_through(const gchar *launch, GstBuffer *buffer, gint width, gint height,
                               gint out_width, gint out_height) {
  GstHarness *h = gst_harness_new_parse(launch);
  const gchar *format =
      "video/x-raw,format=RGB,width=%d,height=%d,framerate=25/1,"
      "pixel-aspect-ratio=1/1";
  gchar *sink_caps = g_strdup_printf(format, width, height);
  gchar *src_caps = g_strdup_printf(format, out_width, out_height);
  GstBuffer *out;

  gst_harness_set_caps_str(h, sink_caps, src_caps);
  out = gst_harness_push_and_pull(h, buffer);
  g_free(sink_caps);
  g_free(src_caps);
  gst_harness_teardown(h);
  return out;
}

GST_START_TEST(videoscale_scales_the_boxes) {
  /* Edges are rounded half up, so that neighbours keep sharing theirs. */
  const struct {
    gint width, height;
    GstW2lBox expected;
  } cases[] = {{640, 360, {20, 42, 220, 282}},
               {160, 90, {5, 11, 55, 71}},
               {480, 180, {15, 21, 165, 141}},
               {320, 120, {10, 14, 110, 94}}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    GstBuffer *image, *buffer = new_buffer(&image);
    GstBuffer *out = pass_through("videoscale add-borders=false", buffer, 320, 180, cases[i].width,
                                  cases[i].height);
    const GstW2lBox *expected = &cases[i].expected;
    assert_metas(out, image, expected->x1, expected->y1, expected->x2, expected->y2);
    gst_buffer_unref(out);
    gst_buffer_unref(image);
  }
}
GST_END_TEST

GST_START_TEST(boxes_over_the_frames_edge_scale_like_others) {
  const GstW2lBox outside = {-10, -21, 330, 190};
  GstBuffer *image, *buffer = new_buffer_at(320, 180, &outside, &image);
  GstBuffer *out = pass_through("videoscale", buffer, 320, 180, 640, 360);

  assert_metas(out, image, -20, -42, 660, 380);
  gst_buffer_unref(out);
  gst_buffer_unref(image);

  buffer = new_buffer_at(320, 180, &outside, &image);
  out = pass_through("videoscale", buffer, 320, 180, 160, 90);
  /* -10.5 is rounded up like 10.5 */
  assert_metas(out, image, -5, -10, 165, 95);
  gst_buffer_unref(out);
  gst_buffer_unref(image);
}
GST_END_TEST

GST_START_TEST(face_that_scaling_makes_vanish_is_dropped) {
  const GstW2lBox tiny = {11, 11, 14, 14};
  GstBuffer *image, *buffer = new_buffer_at(320, 180, &tiny, &image);
  GstBuffer *out = pass_through("videoscale", buffer, 320, 180, 32, 18);

  assert_no_metas(out);
  gst_buffer_unref(out);
  gst_buffer_unref(image);
}
GST_END_TEST

GST_START_TEST(videoflip_drops_both) {
  const struct {
    const gchar *launch;
    gint width, height;
  } cases[] = {{"videoflip video-direction=90r", 180, 320},
               {"videoflip video-direction=180", 320, 180},
               {"videoflip video-direction=horiz", 320, 180}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    GstBuffer *image, *buffer = new_buffer(&image);
    GstBuffer *out =
        pass_through(cases[i].launch, buffer, 320, 180, cases[i].width, cases[i].height);
    assert_no_metas(out);
    gst_buffer_unref(out);
    gst_buffer_unref(image);
  }
}
GST_END_TEST

GST_START_TEST(wrong_arguments_are_refused) {
  GstBuffer *buffer = gst_buffer_new(), *image;
  GstVideoInfo info, rgb, no_columns;

  image = new_answer(&info);
  gst_video_info_set_format(&rgb, GST_VIDEO_FORMAT_RGB, 96, 96);
  no_columns = info;
  no_columns.width = 0;
  /* G_DEBUG=fatal-criticals would end the test at the first of them. */
  g_log_set_always_fatal(G_LOG_FATAL_MASK);
  ASSERT_CRITICAL(gst_buffer_add_w2l_face_meta(buffer, NULL, 0, 1.0, GST_W2L_FACE_FLAG_NONE));
  ASSERT_CRITICAL(gst_buffer_add_w2l_patch_meta(buffer, NULL, 0, image, &info, 0, 96));
  ASSERT_CRITICAL(gst_buffer_add_w2l_patch_meta(buffer, &box, 0, NULL, &info, 0, 96));
  ASSERT_CRITICAL(gst_buffer_add_w2l_patch_meta(buffer, &box, 0, image, NULL, 0, 96));
  ASSERT_CRITICAL(gst_buffer_add_w2l_patch_meta(buffer, &box, 0, image, &rgb, 0, 96));
  ASSERT_CRITICAL(gst_buffer_add_w2l_patch_meta(buffer, &box, 0, image, &no_columns, 0, 96));
  ASSERT_CRITICAL(gst_buffer_add_w2l_patch_meta(buffer, &box, 0, image, &info, 48, 48));
  ASSERT_CRITICAL(gst_buffer_add_w2l_patch_meta(buffer, &box, 0, image, &info, 0, 97));
  assert_no_metas(buffer);
  gst_buffer_unref(image);
  gst_buffer_unref(buffer);
}
GST_END_TEST

GST_START_TEST(version_macros_agree) {
  gchar *version = g_strdup_printf("%d.%d.%d", GST_W2L_VERSION_MAJOR, GST_W2L_VERSION_MINOR,
                                   GST_W2L_VERSION_MICRO);

  fail_unless_equals_string(version, GST_W2L_VERSION);
  fail_unless(
      GST_W2L_CHECK_VERSION(GST_W2L_VERSION_MAJOR, GST_W2L_VERSION_MINOR, GST_W2L_VERSION_MICRO));
  fail_unless(!GST_W2L_CHECK_VERSION(GST_W2L_VERSION_MAJOR, GST_W2L_VERSION_MINOR,
                                     GST_W2L_VERSION_MICRO + 1));
  fail_unless(!GST_W2L_CHECK_VERSION(GST_W2L_VERSION_MAJOR + 1, 0, 0));
  g_free(version);
}
GST_END_TEST

/* In header_cxx.cpp. */
gboolean gst_w2l_test_use_from_cxx(GstBuffer *buffer);

GST_START_TEST(cxx_can_use_the_headers) {
  GstBuffer *buffer = gst_buffer_new();
  fail_unless(gst_w2l_test_use_from_cxx(buffer));
  gst_buffer_unref(buffer);
}
GST_END_TEST

static Suite *metas_suite(void) {
  Suite *suite = suite_create("metas");
  TCase *tc = tcase_create("metas");

  suite_add_tcase(suite, tc);
  tcase_add_test(tc, new_patch_is_opaque);
  tcase_add_test(tc, buffer_without_metas_has_none);
  tcase_add_test(tc, copy_keeps_both_and_shares_the_image);
  tcase_add_test(tc, deep_copy_shares_the_image_too);
  tcase_add_test(tc, removing_the_meta_lets_the_image_go);
  tcase_add_test(tc, partial_copy_drops_both);
  tcase_add_test(tc, first_of_several_faces_is_the_first_added);
  tcase_add_test(tc, metas_say_that_size_and_orientation_matter_to_them);
  tcase_add_test(tc, videoscale_scales_the_boxes);
  tcase_add_test(tc, boxes_over_the_frames_edge_scale_like_others);
  tcase_add_test(tc, face_that_scaling_makes_vanish_is_dropped);
  tcase_add_test(tc, videoflip_drops_both);
  tcase_add_test(tc, wrong_arguments_are_refused);
  tcase_add_test(tc, version_macros_agree);
  tcase_add_test(tc, cxx_can_use_the_headers);
  return suite;
}

GST_CHECK_MAIN(metas)
