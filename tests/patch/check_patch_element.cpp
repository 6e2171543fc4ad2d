// gst-wav2lip: gst-check suite of w2lpatch as an element: properties, events, allocation, caps,
// warnings and errors, states, threads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "leak_check.h"
#include "patch_harness.h"

using namespace w2l_test;

namespace {

constexpr GstW2lBox kBox = {21, 11, 62, 48};
constexpr char kDisclosure[] =
    "AI-altered video: the lip movements were generated from speech (gst-wav2lip)";

GstBuffer *patched_bgr(int width = 96, int height = 64) {
  GstBuffer *buffer = filled_buffer(GST_VIDEO_FORMAT_BGR, width, height, 0);
  add_patch(buffer, kBox, 200, 0, 0);
  return buffer;
}

// Messages of `type` that the element posted so far.
int count_messages(GstBus *bus, GstMessageType type) {
  int count = 0;
  while (GstMessage *message = gst_bus_pop_filtered(bus, type)) {
    count++;
    gst_message_unref(message);
  }
  return count;
}

GST_START_TEST(properties_are_as_documented) {
  GstElement *element = gst_element_factory_make("w2lpatch", nullptr);
  GObjectClass *klass = G_OBJECT_GET_CLASS(element);
  struct {
    const char *name;
    guint flags;
  } expected[] = {
      {"mask", G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING},
      {"feather", G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING},
      {"opacity", G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE},
      {"disclose", G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY},
      {"stats", G_PARAM_READABLE}};
  for (const auto &property : expected) {
    GParamSpec *spec = g_object_class_find_property(klass, property.name);
    fail_unless(spec != nullptr, "%s", property.name);
    fail_unless_equals_int(spec->flags & ~G_PARAM_STATIC_STRINGS, property.flags);
  }
  gint mask;
  gdouble feather, opacity;
  gboolean disclose;
  g_object_get(element, "mask", &mask, "feather", &feather, "opacity", &opacity, "disclose",
               &disclose, nullptr);
  fail_unless_equals_int(mask, 0);
  fail_unless_equals_float(feather, 0.1);
  fail_unless_equals_float(opacity, 1.0);
  fail_unless(!disclose);
  fail_unless_equals_int(
      gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(gst_element_get_factory(element))),
      GST_RANK_NONE);
  gst_object_unref(element);
}
GST_END_TEST

// The comment of the last tag event with `scope` that reached downstream, and how many did.
int pull_tag_events(GstHarness *h, GstTagScope scope, gchar **comment) {
  int count = 0;
  while (GstEvent *event = gst_harness_try_pull_event(h)) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_TAG) {
      GstTagList *tags;
      gst_event_parse_tag(event, &tags);
      if (gst_tag_list_get_scope(tags) == scope) {
        count++;
        g_clear_pointer(comment, g_free);
        gst_tag_list_get_string(tags, GST_TAG_COMMENT, comment);
      }
    }
    gst_event_unref(event);
  }
  return count;
}

GstHarness *disclosing_harness(gboolean disclose) {
  GstElement *element = gst_element_factory_make("w2lpatch", nullptr);
  g_object_set(element, "disclose", disclose, nullptr);
  GstHarness *h = gst_harness_new_with_element(element, "sink", "src");
  gst_object_unref(element);
  gst_harness_set_src_caps(h, caps_of(GST_VIDEO_FORMAT_BGR, 96, 64));
  return h;
}

GST_START_TEST(disclosure_comes_once_after_segment_and_before_the_first_buffer) {
  GstHarness *h = disclosing_harness(TRUE);
  gst_harness_push(h, patched_bgr());
  gst_harness_push(h, patched_bgr());

  const GstEventType expected[] = {GST_EVENT_STREAM_START, GST_EVENT_CAPS, GST_EVENT_SEGMENT,
                                   GST_EVENT_TAG};
  for (GstEventType type : expected) {
    GstEvent *event = gst_harness_pull_event(h);
    fail_unless_equals_int(GST_EVENT_TYPE(event), type);
    if (type == GST_EVENT_TAG) {
      GstTagList *tags;
      gchar *comment = nullptr;
      gst_event_parse_tag(event, &tags);
      fail_unless_equals_int(gst_tag_list_get_scope(tags), GST_TAG_SCOPE_GLOBAL);
      fail_unless(gst_tag_list_get_string(tags, GST_TAG_COMMENT, &comment));
      fail_unless_equals_string(comment, kDisclosure);
      g_free(comment);
    }
    gst_event_unref(event);
  }
  fail_unless(gst_harness_try_pull_event(h) == nullptr);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(disclosure_joins_the_tags_of_upstream) {
  GstHarness *h = disclosing_harness(TRUE);
  GstTagList *tags = gst_tag_list_new(GST_TAG_TITLE, "Holiday", GST_TAG_COMMENT, "Mine", nullptr);
  gst_tag_list_set_scope(tags, GST_TAG_SCOPE_GLOBAL);
  gst_harness_push_event(h, gst_event_new_tag(tags));
  gst_harness_push(h, patched_bgr());

  gchar *comment = nullptr;
  fail_unless_equals_int(pull_tag_events(h, GST_TAG_SCOPE_GLOBAL, &comment), 1);
  gchar *expected = g_strdup_printf("Mine; %s", kDisclosure);
  fail_unless_equals_string(comment, expected);
  g_clear_pointer(&comment, g_free);

  // What is sticky on the pad now still has the title; a later list carries the comment again.
  GstEvent *sticky = gst_pad_get_sticky_event(h->sinkpad, GST_EVENT_TAG, 0);
  gst_event_parse_tag(sticky, &tags);
  gchar *title = nullptr;
  fail_unless(gst_tag_list_get_string(tags, GST_TAG_TITLE, &title));
  fail_unless_equals_string(title, "Holiday");
  gst_event_unref(sticky);

  tags = gst_tag_list_new(GST_TAG_TITLE, "Other", nullptr);
  gst_tag_list_set_scope(tags, GST_TAG_SCOPE_GLOBAL);
  gst_harness_push_event(h, gst_event_new_tag(tags));
  fail_unless_equals_int(pull_tag_events(h, GST_TAG_SCOPE_GLOBAL, &comment), 1);
  fail_unless_equals_string(comment, kDisclosure);
  g_free(comment);
  g_free(title);
  g_free(expected);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(disclosure_leaves_stream_tags_alone_and_is_said_only_once_in_a_comment) {
  GstHarness *h = disclosing_harness(TRUE);
  GstTagList *tags = gst_tag_list_new(GST_TAG_COMMENT, "Camera 1", nullptr);
  gst_harness_push_event(h, gst_event_new_tag(tags));
  gchar *comment = nullptr;
  fail_unless_equals_int(pull_tag_events(h, GST_TAG_SCOPE_STREAM, &comment), 1);
  fail_unless_equals_string(comment, "Camera 1");

  tags = gst_tag_list_new(GST_TAG_COMMENT, kDisclosure, nullptr);
  gst_tag_list_set_scope(tags, GST_TAG_SCOPE_GLOBAL);
  gst_harness_push_event(h, gst_event_new_tag(tags));
  fail_unless_equals_int(pull_tag_events(h, GST_TAG_SCOPE_GLOBAL, &comment), 1);
  fail_unless_equals_string(comment, kDisclosure);
  g_free(comment);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(a_new_stream_is_disclosed_again_and_without_the_property_nothing_is) {
  GstHarness *h = disclosing_harness(TRUE);
  gchar *comment = nullptr;
  gst_harness_push(h, patched_bgr());
  fail_unless_equals_int(pull_tag_events(h, GST_TAG_SCOPE_GLOBAL, &comment), 1);
  gst_harness_push_event(h, gst_event_new_stream_start("second"));
  gst_harness_push(h, patched_bgr());
  fail_unless_equals_int(pull_tag_events(h, GST_TAG_SCOPE_GLOBAL, &comment), 1);
  fail_unless_equals_string(comment, kDisclosure);
  gst_harness_teardown(h);

  h = disclosing_harness(FALSE);
  gst_harness_push(h, patched_bgr());
  fail_unless_equals_int(pull_tag_events(h, GST_TAG_SCOPE_GLOBAL, &comment), 0);
  g_free(comment);
  gst_harness_teardown(h);
}
GST_END_TEST

// The answer to an allocation query from upstream, with what downstream offers.
GstQuery *query_allocation(GstHarness *h, GType downstream_meta) {
  if (downstream_meta) gst_harness_add_propose_allocation_meta(h, downstream_meta, nullptr);
  GstCaps *caps = caps_of(GST_VIDEO_FORMAT_I420, 95, 63);
  GstQuery *query = gst_query_new_allocation(caps, TRUE);
  gst_caps_unref(caps);
  fail_unless(gst_pad_peer_query(h->srcpad, query));
  return query;
}

GST_START_TEST(strides_are_offered_and_crop_metas_are_not) {
  for (GType downstream : {GType{0}, GST_VIDEO_META_API_TYPE, GST_VIDEO_CROP_META_API_TYPE}) {
    GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_I420, 95, 63);
    GstQuery *query = query_allocation(h, downstream);
    fail_unless(gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr));
    fail_unless(!gst_query_find_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, nullptr));
    fail_unless_equals_int(gst_query_get_n_allocation_metas(query), 1);
    gst_query_unref(query);
    gst_harness_teardown(h);
  }
}
GST_END_TEST

GST_START_TEST(downstream_with_strides_gets_the_very_buffer) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_I420, 95, 63);
  gst_query_unref(query_allocation(h, GST_VIDEO_META_API_TYPE));
  GstBuffer *buffer = padded_buffer(TestFrame(GST_VIDEO_FORMAT_I420, 95, 63));
  add_patch(buffer, kBox, 32, 144, 240);
  GstBuffer *out = gst_harness_push_and_pull(h, buffer);
  fail_unless(out == buffer);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(downstream_without_strides_gets_the_layout_of_the_caps) {
  for (bool patched : {false, true}) {
    GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_I420, 95, 63);
    gst_query_unref(query_allocation(h, 0));
    TestFrame frame(GST_VIDEO_FORMAT_I420, 95, 63);
    GstBuffer *buffer = padded_buffer(frame);
    gst_buffer_add_video_region_of_interest_meta(buffer, "kept", 1, 2, 3, 4);
    if (patched) add_patch(buffer, {0, 0, 95, 63}, 255, 255, 255);
    GstBuffer *out = gst_harness_push_and_pull(h, buffer);

    GstVideoInfo plain;
    gst_video_info_set_format(&plain, GST_VIDEO_FORMAT_I420, 95, 63);
    fail_unless(gst_buffer_get_video_meta(out) == nullptr);
    fail_unless(gst_buffer_get_video_region_of_interest_meta_id(out, 0) != nullptr);
    fail_unless(gst_buffer_get_w2l_patch_meta(out) == nullptr);
    fail_unless_equals_uint64(GST_BUFFER_DURATION(out), 40 * GST_MSECOND);
    std::vector<guint8> bytes = bytes_of(out);
    fail_unless_equals_uint64(bytes.size(), GST_VIDEO_INFO_SIZE(&plain));
    for (int c = 0; c < 3; c++)
      for (int y = 0; y < GST_VIDEO_INFO_COMP_HEIGHT(&plain, c); y++)
        for (int x = 0; x < GST_VIDEO_INFO_COMP_WIDTH(&plain, c); x++) {
          gsize i =
              GST_VIDEO_INFO_COMP_OFFSET(&plain, c) + y * GST_VIDEO_INFO_COMP_STRIDE(&plain, c) + x;
          int white = c == 0 ? 235 : 128;
          fail_unless_equals_int(bytes[i], patched ? white : frame.at(c, x, y));
        }
    // The padding after the 95 pixels of a row holds nobody's old memory.
    for (int y = 0; y < 63; y++) fail_unless_equals_int(bytes[y * 96 + 95], 0);
    gst_buffer_unref(out);
    gst_harness_teardown(h);
  }
}
GST_END_TEST

GST_START_TEST(caps_may_change_between_frames) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  gst_buffer_unref(gst_harness_push_and_pull(h, patched_bgr()));

  gst_harness_set_src_caps(h, caps_of(GST_VIDEO_FORMAT_NV12, 320, 180));
  GstBuffer *buffer = filled_buffer(GST_VIDEO_FORMAT_NV12, 320, 180, 16);
  add_patch(buffer, {200, 100, 300, 170}, 255, 255, 255);
  GstBuffer *out = gst_harness_push_and_pull(h, buffer);
  fail_unless_equals_int(bytes_of(out)[169 * 320 + 299], 235);
  fail_unless_equals_int(bytes_of(out)[170 * 320 + 299], 16);
  fail_unless_equals_int(bytes_of(out)[180 * 320 + 84 * 320 + 299], 128);
  expect_stats(h->element, 2, 2, 0, 0);
  gst_buffer_unref(out);
  gst_harness_teardown(h);
}
GST_END_TEST

// Pushes three patched frames of unsupported caps; none may change, one warning may come.
void expect_passed_with_a_warning(GstHarness *h, GstBus *bus) {
  for (int i = 0; i < 3; i++) {
    GstBuffer *buffer = patched_bgr();
    const void *pixels = pixels_of(buffer);
    GstBuffer *out = gst_harness_push_and_pull(h, buffer);
    fail_unless(pixels_of(out) == pixels);
    fail_unless(bytes_of(out) == std::vector<guint8>(96 * 64 * 3, 0));
    fail_unless(gst_buffer_get_w2l_patch_meta(out) == nullptr);
    gst_buffer_unref(out);
  }
  fail_unless_equals_int(count_messages(bus, GST_MESSAGE_WARNING), 1);
}

GST_START_TEST(interlaced_and_hdr_pass_with_one_warning_for_each_caps) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(h->element, bus);

  const struct {
    const char *field, *value;
  } unsupported[] = {{"interlace-mode", "interleaved"},
                     {"colorimetry", "1:1:14:7"},   // PQ
                     {"colorimetry", "1:1:15:7"}};  // HLG
  for (const auto &c : unsupported) {
    GstCaps *caps = caps_of(GST_VIDEO_FORMAT_BGR, 96, 64);
    gst_caps_set_simple(caps, c.field, G_TYPE_STRING, c.value, nullptr);
    gst_harness_set_src_caps(h, caps);
    expect_passed_with_a_warning(h, bus);
  }
  expect_stats(h->element, 9, 0, 9, 0);

  gst_harness_set_src_caps(h, caps_of(GST_VIDEO_FORMAT_BGR, 96, 64));
  gst_buffer_unref(gst_harness_push_and_pull(h, patched_bgr()));
  expect_stats(h->element, 10, 1, 9, 0);
  fail_unless_equals_int(count_messages(bus, GST_MESSAGE_WARNING), 0);
  gst_element_set_bus(h->element, nullptr);
  gst_object_unref(bus);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(interlaced_video_without_patches_is_not_worth_a_warning) {
  GstHarness *h = gst_harness_new("w2lpatch");
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(h->element, bus);
  GstCaps *caps = caps_of(GST_VIDEO_FORMAT_BGR, 96, 64);
  gst_caps_set_simple(caps, "interlace-mode", G_TYPE_STRING, "interleaved", nullptr);
  gst_harness_set_src_caps(h, caps);
  gst_buffer_unref(gst_harness_push_and_pull(h, filled_buffer(GST_VIDEO_FORMAT_BGR, 96, 64, 0)));
  fail_unless_equals_int(count_messages(bus, GST_MESSAGE_WARNING), 0);
  gst_element_set_bus(h->element, nullptr);
  gst_object_unref(bus);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(an_answer_that_cannot_be_mapped_is_an_error) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(h->element, bus);
  GstBuffer *buffer = filled_buffer(GST_VIDEO_FORMAT_BGR, 96, 64, 0);
  GstBuffer *too_small = gst_buffer_new_allocate(nullptr, 100, nullptr);
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_BGR, 96, 96);
  gst_buffer_add_w2l_patch_meta(buffer, &kBox, 0, too_small, &info, 0, 96);
  gst_buffer_unref(too_small);

  fail_unless_equals_int(gst_harness_push(h, buffer), GST_FLOW_ERROR);
  fail_unless_equals_int(count_messages(bus, GST_MESSAGE_ERROR), 1);
  gst_element_set_bus(h->element, nullptr);
  gst_object_unref(bus);
  gst_harness_teardown(h);
}
GST_END_TEST

GST_START_TEST(states_may_cycle) {
  GstElement *pipeline = gst_parse_launch(
      "videotestsrc num-buffers=5 ! video/x-raw,format=NV12,width=320,height=180 ! "
      "w2lpatch name=patch disclose=true ! fakesink sync=false",
      nullptr);
  GstElement *patch = gst_bin_get_by_name(GST_BIN(pipeline), "patch");
  GstBus *bus = gst_element_get_bus(pipeline);
  for (int i = 0; i < 20; i++) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstMessage *message = gst_bus_timed_pop_filtered(
        bus, 10 * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
    fail_unless(message != nullptr);
    fail_unless_equals_int(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS);
    gst_message_unref(message);
    expect_stats(patch, 5, 0, 5, 0);
    gst_element_set_state(pipeline, i % 2 ? GST_STATE_READY : GST_STATE_NULL);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(patch);
  gst_object_unref(pipeline);
}
GST_END_TEST

struct Fiddler {
  GstElement *element;
  gint stop;
};

gpointer fiddle(gpointer data) {
  auto *fiddler = static_cast<Fiddler *>(data);
  for (guint i = 0; !g_atomic_int_get(&fiddler->stop); i++) {
    g_object_set(fiddler->element, "feather", (i % 6) / 10.0, "mask", static_cast<int>(i % 3),
                 "opacity", (i % 5) / 4.0, nullptr);
    stat(fiddler->element, "frames");
  }
  return nullptr;
}

GST_START_TEST(properties_may_change_from_another_thread) {
  GstHarness *h = hard_edged_harness(GST_VIDEO_FORMAT_BGR, 96, 64);
  Fiddler fiddler = {h->element, 0};
  GThread *thread = g_thread_new("fiddler", fiddle, &fiddler);
  for (int i = 0; i < 1000; i++) {
    GstBuffer *out = gst_harness_push_and_pull(h, patched_bgr());
    // Outside the box nothing ever changes.
    std::vector<guint8> bytes = bytes_of(out);
    for (int x = 0; x < 96; x++) fail_unless_equals_int(bytes[(48 * 96 + x) * 3], 0);
    gst_buffer_unref(out);
  }
  g_atomic_int_set(&fiddler.stop, 1);
  g_thread_join(thread);
  fail_unless_equals_uint64(stat(h->element, "frames"), 1000);
  fail_unless_equals_uint64(stat(h->element, "patched") + stat(h->element, "passed"), 1000);
  gst_harness_teardown(h);
}
GST_END_TEST

Suite *patch_element_suite(void) {
  Suite *suite = suite_create("w2lpatch-element");
  TCase *tc = tcase_create("element");
  suite_add_tcase(suite, tc);
  tcase_add_checked_fixture(tc, w2l::test::start_leak_check, w2l::test::finish_leak_check);
  tcase_add_test(tc, properties_are_as_documented);
  tcase_add_test(tc, disclosure_comes_once_after_segment_and_before_the_first_buffer);
  tcase_add_test(tc, disclosure_joins_the_tags_of_upstream);
  tcase_add_test(tc, disclosure_leaves_stream_tags_alone_and_is_said_only_once_in_a_comment);
  tcase_add_test(tc, a_new_stream_is_disclosed_again_and_without_the_property_nothing_is);
  tcase_add_test(tc, strides_are_offered_and_crop_metas_are_not);
  tcase_add_test(tc, downstream_with_strides_gets_the_very_buffer);
  tcase_add_test(tc, downstream_without_strides_gets_the_layout_of_the_caps);
  tcase_add_test(tc, caps_may_change_between_frames);
  tcase_add_test(tc, interlaced_and_hdr_pass_with_one_warning_for_each_caps);
  tcase_add_test(tc, interlaced_video_without_patches_is_not_worth_a_warning);
  tcase_add_test(tc, an_answer_that_cannot_be_mapped_is_an_error);
  tcase_add_test(tc, states_may_cycle);
  tcase_add_test(tc, properties_may_change_from_another_thread);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(patch_element)
