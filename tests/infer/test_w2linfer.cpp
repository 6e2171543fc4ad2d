// gst-wav2lip tests: w2linfer in its pipeline role, on the fake backend. Two harnesses drive one
// element: pictures and speech.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <thread>

#include "infer_fixture.h"
#include "leak_check.h"
// gstcheck.h defines a macro `fail` that breaks standard headers after it.
#include <gst/check/gstcheck.h>
#include <gst/check/gsttestclock.h>
#include <gst/video/video.h>

using namespace w2l;
using namespace w2l::test;

namespace {

void assert_frame(GstBuffer *buffer, int index, const Answer *expected) {
  fail_unless_equals_uint64(GST_BUFFER_PTS(buffer), index * kFrame);
  fail_unless_equals_int(is_patched(buffer), expected != nullptr);
  if (expected) {
    fail_unless_equals_int(answer_of(buffer).green, expected->green);
    fail_unless_equals_int(answer_of(buffer).red, expected->red);
  }
  gst_buffer_unref(buffer);
}

// Pulls frames first..last, each patched with the answer for its own window.
void assert_patched(InferFixture &f, const ExpectedAnswers &expected, int first, int last) {
  for (int i = first; i <= last; i++) {
    Answer answer = expected.for_frame(i);
    assert_frame(gst_harness_pull(f.video), i, &answer);
  }
}

// Pulls events until one of that type; the others are dropped.
GstEvent *pull_event(GstHarness *harness, GstEventType type) {
  for (;;) {
    GstEvent *event = gst_harness_pull_event(harness);
    fail_unless(event != nullptr, "no %s event came", gst_event_type_get_name(type));
    if (GST_EVENT_TYPE(event) == type) return event;
    gst_event_unref(event);
  }
}

void assert_error(InferFixture &f, GQuark domain, gint code, const char *part) {
  GstMessage *message = gst_bus_timed_pop_filtered(f.bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  GError *error = nullptr;
  fail_unless(message != nullptr, "no error was posted");
  gst_message_parse_error(message, &error, nullptr);
  fail_unless(g_error_matches(error, domain, code), "posted: %s", error->message);
  fail_unless(strstr(error->message, part) != nullptr, "\"%s\" lacks \"%s\"", error->message, part);
  fail_unless(strchr(error->message, '\n') == nullptr, "more than one line: %s", error->message);
  g_error_free(error);
  gst_message_unref(message);
}

}  // namespace

GST_START_TEST(every_frame_passes_without_an_audio_pad) {
  InferFixture f("", false);
  for (int i = 0; i < 3; i++) {
    GstBuffer *in = make_frame(i);
    fail_unless_equals_int(gst_harness_push(f.video, in), GST_FLOW_OK);
    GstBuffer *out = gst_harness_pull(f.video);
    fail_unless(out == in, "the very same buffer goes on");
    assert_frame(out, i, nullptr);
  }
  fail_unless_equals_uint64(f.stat("passed"), 3);
  fail_unless_equals_uint64(f.stat("batches"), 0);
}
GST_END_TEST;

GST_START_TEST(each_frame_gets_the_answer_of_its_own_window) {
  InferFixture f;
  std::vector<float> samples = speech(1.0);
  ExpectedAnswers expected(samples);
  f.push_audio(samples);
  for (int i = 0; i < 12; i++) {
    f.push_frame(i);
    GstBuffer *out = gst_harness_pull(f.video);
    GstW2lPatchMeta *patch = gst_buffer_get_w2l_patch_meta(out);
    fail_unless(patch != nullptr);
    fail_unless_equals_int(patch->box.x1, kFace.x1);
    fail_unless_equals_int(patch->box.y2, kFace.y2);
    fail_unless_equals_int(patch->face_id, 7);
    fail_unless_equals_int(patch->first_valid_row, 48);
    fail_unless_equals_int(patch->end_valid_row, 96);
    fail_unless_equals_uint64(gst_buffer_get_size(patch->image), 96 * 96 * 3);
    guint8 blue;
    gst_buffer_extract(patch->image, 96 * 96 * 3 - 3, &blue, 1);
    fail_unless_equals_int(blue, 255 - 100); /* the crop was the frame's grey */
    Answer answer = expected.for_frame(i);
    assert_frame(out, i, &answer);
  }
  fail_unless_equals_uint64(f.stat("patched"), 12);
}
GST_END_TEST;

GST_START_TEST(pictures_may_come_before_the_speech) {
  InferFixture f;
  std::vector<float> samples = speech(1.0);
  for (int i = 0; i < 8; i++) f.push_frame(i);
  fail_unless_equals_int(gst_harness_buffers_in_queue(f.video), 0);
  f.push_audio(samples);
  assert_patched(f, ExpectedAnswers(samples), 0, 7);
}
GST_END_TEST;

GST_START_TEST(the_sizes_of_audio_buffers_do_not_matter) {
  std::vector<float> samples = speech(0.7);
  for (std::size_t piece : {std::size_t(1), std::size_t(333), samples.size()}) {
    InferFixture f;
    f.push_audio(samples, piece);
    for (int i = 0; i < 8; i++) f.push_frame(i);
    assert_patched(f, ExpectedAnswers(samples), 0, 7);
  }
}
GST_END_TEST;

GST_START_TEST(region_full_computes_all_rows) {
  InferFixture f("region=full");
  f.push_audio(speech(0.5));
  f.push_frame(0);
  GstBuffer *out = gst_harness_pull(f.video);
  fail_unless_equals_int(gst_buffer_get_w2l_patch_meta(out)->first_valid_row, 0);
  gst_buffer_unref(out);
}
GST_END_TEST;

GST_START_TEST(repeated_crops_are_counted) {
  constexpr int kFrames = 12, kFaces = 4;
  for (const bool keeps : {true, false}) {
    InferFixture f(keeps ? "" : "feature-cache-size=0");
    f.push_audio(speech(1.0));
    for (int i = 0; i < kFrames; i++) {
      gst_harness_push(f.video, make_frame(i, true, guint8(100 + i % kFaces)));
      gst_buffer_unref(gst_harness_pull(f.video));
    }
    fail_unless_equals_uint64(f.stat("patched"), kFrames);
    fail_unless_equals_uint64(f.stat("repeated-crops"), keeps ? kFrames - kFaces : 0);
    /* Of this run alone, though the network has seen those crops. */
    gst_element_set_state(f.element, GST_STATE_READY);
    gst_element_set_state(f.element, GST_STATE_PLAYING);
    fail_unless_equals_uint64(f.stat("repeated-crops"), 0);
  }
}
GST_END_TEST;

/* Every pixel of it is another one. */
static GstBuffer *make_frame_with_box(int index, const GstW2lBox &box) {
  GstBuffer *buffer = make_frame(index, false);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++) map.data[i] = guint8(i * i / 11 + gsize(index));
  gst_buffer_unmap(buffer, &map);
  gst_buffer_add_w2l_face_meta(buffer, &box, 0, 1.0, GST_W2L_FACE_FLAG_NONE);
  return buffer;
}

static std::vector<std::uint8_t> pixels_of(GstBuffer *buffer, const GstW2lBox &box) {
  std::vector<std::uint8_t> pixels;
  for (int row = box.y1; row < box.y2; row++) {
    std::vector<std::uint8_t> line(gsize(box.x2 - box.x1) * 3);
    gst_buffer_extract(buffer, gsize(row * kWidth + box.x1) * 3, line.data(), line.size());
    pixels.insert(pixels.end(), line.begin(), line.end());
  }
  return pixels;
}

GST_START_TEST(an_engine_that_resizes_gets_the_box_as_it_is) {
  InferFixture f(("model=" + fake_model(18)).c_str());
  f.push_audio(speech(1.0));
  const GstW2lBox boxes[] = {kFace, {2, 3, 12, 21}, {0, 0, 18, 1}, {31, 23, 32, 24}};
  int index = 0;
  for (const GstW2lBox &box : boxes) {
    GstBuffer *frame = make_frame_with_box(index++, box);
    const std::vector<std::uint8_t> expected = pixels_of(frame, box);
    gst_harness_push(f.video, frame);
    GstBuffer *out = gst_harness_pull(f.video);
    fail_unless_equals_int(gst_buffer_get_w2l_patch_meta(out)->box.x1, box.x1);
    fail_unless_equals_uint64(gst_buffer_get_size(gst_buffer_get_w2l_patch_meta(out)->image),
                              96 * 96 * 3);
    gst_buffer_unref(out);
    const fake::Crop crop = fake::crops().back();
    fail_unless_equals_int(crop.width, box.x2 - box.x1);
    fail_unless_equals_int(crop.height, box.y2 - box.y1);
    fail_unless(crop.pixels == expected);
  }
}
GST_END_TEST;

GST_START_TEST(a_box_that_is_larger_than_the_engine_takes_is_resized) {
  /* The first engine takes 18 x 18, the second none but 96 x 96. */
  const GstW2lBox boxes[] = {{2, 3, 21, 13}, {2, 3, 12, 22}, {0, 0, kWidth, kHeight}};
  std::vector<fake::Crop> crops[2];
  for (int i = 0; i < 2; i++) {
    InferFixture f(i == 0 ? ("model=" + fake_model(18)).c_str() : "");
    f.push_audio(speech(1.0));
    int index = 0;
    for (const GstW2lBox &box : boxes) {
      gst_harness_push(f.video, make_frame_with_box(index++, box));
      gst_buffer_unref(gst_harness_pull(f.video));
    }
    crops[i] = fake::crops();
    fail_unless_equals_uint64(crops[i].size(), 3);
  }
  for (int n = 0; n < 3; n++) {
    fail_unless_equals_int(crops[0][n].width, 96);
    fail_unless_equals_int(crops[0][n].height, 96);
    fail_unless(crops[0][n].pixels == crops[1][n].pixels);
  }
}
GST_END_TEST;

GST_START_TEST(the_video_ends_with_the_references_last_window) {
  InferFixture f("on-audio-end=end");
  std::vector<float> samples = speech(0.5); /* 41 columns: frame 8 starts at 25, frame 7 at 22 */
  ExpectedAnswers expected(samples);
  fail_unless_equals_int64(expected.columns(), 41);
  f.push_audio(samples);
  f.end_audio();
  for (int i = 0; i < 8; i++) fail_unless_equals_int(f.push_frame(i), GST_FLOW_OK);
  assert_patched(f, expected, 0, 7);
  /* 25 + 16 = 41 still fits; the next one overflows, takes the last window, and is the last. */
  f.push_frame(8);
  assert_patched(f, expected, 8, 8);
  f.push_frame(9);
  Answer last = expected.at(41 - 16);
  assert_frame(gst_harness_pull(f.video), 9, &last);
  gst_event_unref(pull_event(f.video, GST_EVENT_EOS));
  fail_unless_equals_int(f.push_frame(10), GST_FLOW_EOS);
  fail_unless_equals_int(gst_harness_buffers_in_queue(f.video), 0);
  fail_unless_equals_uint64(f.stat("patched"), 10);
}
GST_END_TEST;

GST_START_TEST(frames_behind_the_speech_pass_when_asked_to) {
  InferFixture f("on-audio-end=pass");
  std::vector<float> samples = speech(0.5);
  ExpectedAnswers expected(samples);
  f.push_audio(samples);
  f.end_audio();
  for (int i = 0; i < 10; i++) {
    f.push_frame(i);
    assert_patched(f, expected, i, i);
  }
  for (int i = 10; i < 14; i++) {
    fail_unless_equals_int(f.push_frame(i), GST_FLOW_OK);
    assert_frame(gst_harness_pull(f.video), i, nullptr);
  }
  f.end_video();
  gst_event_unref(pull_event(f.video, GST_EVENT_EOS));
  fail_unless_equals_uint64(f.stat("passed"), 4);
}
GST_END_TEST;

GST_START_TEST(a_new_stream_starts_again_after_the_end) {
  InferFixture f("on-audio-end=end");
  std::vector<float> samples = speech(0.2);
  f.end_audio(); /* no speech at all */
  f.push_frame(0);
  gst_event_unref(pull_event(f.video, GST_EVENT_EOS));
  fail_unless_equals_int(gst_harness_buffers_in_queue(f.video), 0);
  fail_unless_equals_int(f.push_frame(1), GST_FLOW_EOS);

  gst_harness_push_event(f.audio, gst_event_new_stream_start("audio-2"));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(f.audio, gst_event_new_segment(&segment));
  gst_harness_push_event(f.video, gst_event_new_stream_start("video-2"));
  gst_harness_push_event(f.video, gst_event_new_segment(&segment));
  f.push_audio(samples);
  f.end_audio();
  fail_unless_equals_int(f.push_frame(0), GST_FLOW_OK);
  assert_patched(f, ExpectedAnswers(samples), 0, 0);
}
GST_END_TEST;

GST_START_TEST(a_frame_without_a_face_passes_in_its_place) {
  InferFixture f;
  std::vector<float> samples = speech(1.0);
  f.push_audio(samples);
  fake::hold(true);
  f.push_frame(0);
  f.push_frame(1, false);
  f.push_frame(2);
  fail_unless_equals_int(gst_harness_buffers_in_queue(f.video), 0);
  fake::hold(false);
  ExpectedAnswers expected(samples);
  assert_patched(f, expected, 0, 0);
  assert_frame(gst_harness_pull(f.video), 1, nullptr);
  assert_patched(f, expected, 2, 2);
}
GST_END_TEST;

GST_START_TEST(a_face_outside_the_frame_is_not_touched) {
  InferFixture f;
  f.push_audio(speech(1.0));
  const GstW2lBox boxes[] = {{-1, 0, 8, 8}, {8, 8, 8, 16}, {0, 0, kWidth + 1, 8}};
  int index = 0;
  for (const GstW2lBox &box : boxes) {
    GstBuffer *buffer = make_frame(index, false);
    gst_buffer_add_w2l_face_meta(buffer, &box, 0, 1.0, GST_W2L_FACE_FLAG_NONE);
    fail_unless_equals_int(gst_harness_push(f.video, buffer), GST_FLOW_OK);
    assert_frame(gst_harness_pull(f.video), index++, nullptr);
  }
}
GST_END_TEST;

GST_START_TEST(batches_fill_while_the_engine_works) {
  InferFixture f("batch-size=4");
  f.push_audio(speech(1.0));
  fake::hold(true);
  f.push_frame(0);
  fake::wait_for_batches(1);
  for (int i = 1; i < 8; i++) f.push_frame(i);
  fake::wait_for_batches(2);
  fail_unless(fake::batches() == std::vector<int>({1, 4}));
  fake::release_one();
  gst_buffer_unref(gst_harness_pull(f.video));
  fake::release_one();
  for (int i = 0; i < 4; i++) gst_buffer_unref(gst_harness_pull(f.video));
  fake::wait_for_batches(3); /* an idle engine takes what there is */
  fail_unless(fake::batches() == std::vector<int>({1, 4, 3}));
  fake::hold(false);
  for (int i = 0; i < 3; i++) gst_buffer_unref(gst_harness_pull(f.video));
}
GST_END_TEST;

GST_START_TEST(events_keep_their_place_among_the_frames) {
  InferFixture f;
  f.push_audio(speech(1.0));
  gst_event_unref(pull_event(f.video, GST_EVENT_SEGMENT)); /* the last sticky one */
  fake::hold(true);
  f.push_frame(0);
  gst_harness_push_event(f.video, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                       gst_structure_new_empty("between-0-and-1")));
  f.push_frame(1, false);
  fail_unless(gst_harness_try_pull_event(f.video) == nullptr);
  fake::hold(false);
  gst_buffer_unref(gst_harness_pull(f.video));
  GstEvent *event = pull_event(f.video, GST_EVENT_CUSTOM_DOWNSTREAM);
  fail_unless(gst_event_has_name(event, "between-0-and-1"));
  gst_event_unref(event);
  gst_buffer_unref(gst_harness_pull(f.video));
}
GST_END_TEST;

GST_START_TEST(new_caps_follow_the_frames_before_them) {
  InferFixture f;
  f.push_audio(speech(1.0));
  gst_event_unref(pull_event(f.video, GST_EVENT_CAPS));
  fake::hold(true);
  f.push_frame(0);
  gst_harness_set_src_caps_str(f.video,
                               "video/x-raw, format=BGR, width=16, height=8, framerate=25/1, "
                               "interlace-mode=progressive");
  GstBuffer *small = gst_buffer_new_allocate(nullptr, 16 * 3 * 8, nullptr);
  gst_buffer_memset(small, 0, 10, 16 * 3 * 8);
  GST_BUFFER_PTS(small) = kFrame;
  GstW2lBox box{0, 0, 16, 8};
  gst_buffer_add_w2l_face_meta(small, &box, 0, 1.0, GST_W2L_FACE_FLAG_NONE);
  gst_harness_push(f.video, small);

  GstPad *src = gst_element_get_static_pad(f.element, "src");
  GstCaps *caps = gst_pad_get_current_caps(src);
  gint width;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width);
  fail_unless_equals_int(width, kWidth);
  gst_caps_unref(caps);
  fake::hold(false);
  gst_buffer_unref(gst_harness_pull(f.video));
  GstBuffer *out = gst_harness_pull(f.video);
  fail_unless_equals_int(gst_buffer_get_w2l_patch_meta(out)->box.x2, 16);
  gst_buffer_unref(out);
  caps = gst_pad_get_current_caps(src);
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width);
  fail_unless_equals_int(width, 16);
  gst_caps_unref(caps);
  gst_object_unref(src);
}
GST_END_TEST;

GST_START_TEST(flushing_the_video_drops_what_is_held_and_in_flight) {
  InferFixture f;
  std::vector<float> samples = speech(1.0);
  f.push_audio(samples);
  fake::hold(true);
  f.push_frame(0);
  fake::wait_for_batches(1);
  for (int i = 1; i < 6; i++) f.push_frame(i);
  fake::wait_for_batches(2);
  gst_harness_push_event(f.video, gst_event_new_flush_start());
  fail_unless_equals_int(f.push_frame(6), GST_FLOW_FLUSHING);
  fake::hold(false);
  gst_harness_push_event(f.video, gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(f.video, gst_event_new_segment(&segment));
  f.push_frame(10);
  /* The audio was not flushed: its windows are still there. */
  assert_patched(f, ExpectedAnswers(samples), 10, 10);
  fail_unless_equals_int(gst_harness_buffers_in_queue(f.video), 0);
}
GST_END_TEST;

GST_START_TEST(flushing_the_audio_leaves_the_video_alone) {
  InferFixture f;
  f.push_audio(speech(0.1));
  for (int i = 0; i < 4; i++) f.push_frame(i);
  gst_harness_push_event(f.audio, gst_event_new_flush_start());
  gst_harness_push_event(f.audio, gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(f.audio, gst_event_new_segment(&segment));
  fail_unless_equals_int(gst_harness_buffers_in_queue(f.video), 0);
  std::vector<float> samples = speech(0.6);
  f.push_audio(samples);
  assert_patched(f, ExpectedAnswers(samples), 0, 3);
}
GST_END_TEST;

GST_START_TEST(a_gap_is_silence) {
  InferFixture f;
  gst_harness_push_event(f.audio, gst_event_new_gap(0, GST_SECOND));
  for (int i = 0; i < 4; i++) f.push_frame(i);
  const Answer silence{0, 0};
  for (int i = 0; i < 4; i++) assert_frame(gst_harness_pull(f.video), i, &silence);
}
GST_END_TEST;

GST_START_TEST(a_gap_without_a_duration_is_silence_up_to_it) {
  InferFixture f;
  std::vector<float> samples = speech(0.2);
  f.push_audio(samples);
  gst_harness_push_event(f.audio, gst_event_new_gap(GST_SECOND, GST_CLOCK_TIME_NONE));
  samples.resize(16000);
  for (int i = 0; i < 10; i++) f.push_frame(i);
  assert_patched(f, ExpectedAnswers(samples), 0, 9);
}
GST_END_TEST;

GST_START_TEST(speech_may_begin_with_gaps_without_a_duration) {
  InferFixture f;
  gst_harness_push_event(f.audio, gst_event_new_gap(0, GST_CLOCK_TIME_NONE));
  gst_harness_push_event(f.audio, gst_event_new_gap(GST_SECOND, GST_CLOCK_TIME_NONE));
  for (int i = 0; i < 4; i++) f.push_frame(i);
  const Answer silence{0, 0};
  for (int i = 0; i < 4; i++) assert_frame(gst_harness_pull(f.video), i, &silence);
}
GST_END_TEST;

GST_START_TEST(speech_from_before_running_time_0_is_not_moved) {
  InferFixture f;
  std::vector<float> samples = speech(2.0);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.offset = GST_SECOND; /* as a pad's negative offset makes it */
  gst_harness_push_event(f.audio, gst_event_new_segment(&segment));
  f.push_audio(samples);
  ExpectedAnswers expected(samples);
  for (int i = 0; i < 4; i++) {
    f.push_frame(i);
    Answer answer = expected.for_frame(kFps + i);
    assert_frame(gst_harness_pull(f.video), i, &answer);
  }
}
GST_END_TEST;

GST_START_TEST(of_the_speech_beside_frames_without_time_a_minute_is_kept) {
  InferFixture f;
  GstBuffer *untimed = make_frame(0);
  GST_BUFFER_PTS(untimed) = GST_CLOCK_TIME_NONE;
  gst_harness_push(f.video, untimed);
  gst_buffer_unref(gst_harness_pull(f.video));
  std::vector<float> samples(63 * 16000, 0.0f);
  f.push_audio(samples, 16000);
  f.push_frame(0);
  assert_frame(gst_harness_pull(f.video), 0, nullptr);
  f.push_frame(5 * kFps);
  const Answer silence{0, 0};
  assert_frame(gst_harness_pull(f.video), 5 * kFps, &silence);
}
GST_END_TEST;

GST_START_TEST(speech_in_another_format_gives_nearly_the_same_answers) {
  InferFixture f;
  std::vector<float> samples = speech(1.0);
  ExpectedAnswers expected(samples);
  gst_harness_set_src_caps_str(f.audio,
                               "audio/x-raw, format=S16LE, rate=16000, channels=2, "
                               "layout=interleaved, channel-mask=(bitmask)0x3");
  std::vector<gint16> stereo;
  for (float sample : samples) {
    stereo.push_back(static_cast<gint16>(std::lround(sample * 32768)));
    stereo.push_back(stereo.back());
  }
  GstBuffer *buffer = gst_buffer_new_memdup(stereo.data(), stereo.size() * 2);
  GST_BUFFER_PTS(buffer) = 0;
  gst_harness_push(f.audio, buffer);
  for (int i = 0; i < 8; i++) {
    f.push_frame(i);
    GstBuffer *out = gst_harness_pull(f.video);
    fail_unless(std::abs(answer_of(out).green - expected.for_frame(i).green) <= 1);
    gst_buffer_unref(out);
  }
}
GST_END_TEST;

/* Applications know by it which seek an end belongs to. */
GST_START_TEST(the_end_belongs_to_the_segment) {
  InferFixture f;
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  GstEvent *event = gst_event_new_segment(&segment);
  const guint32 seqnum = gst_event_get_seqnum(event);
  gst_harness_push_event(f.video, event);
  f.push_audio(speech(0.5));
  f.end_audio();
  for (int i = 0; f.push_frame(i) == GST_FLOW_OK; i++) continue;
  event = pull_event(f.video, GST_EVENT_EOS);
  fail_unless_equals_int(gst_event_get_seqnum(event), seqnum);
  gst_event_unref(event);
}
GST_END_TEST;

GST_START_TEST(the_end_of_the_video_lets_the_audio_run_on) {
  InferFixture f;
  std::vector<float> samples = speech(2.0);
  for (int i = 0; i < 3; i++) f.push_frame(i);
  f.end_video();
  f.push_audio(samples);
  assert_patched(f, ExpectedAnswers(samples), 0, 2);
  gst_event_unref(pull_event(f.video, GST_EVENT_EOS));
  fail_unless_equals_int(gst_harness_push(f.audio, make_audio(samples, 0, 320)), GST_FLOW_OK);
}
GST_END_TEST;

GST_START_TEST(the_video_may_end_with_faces_in_smoothing) {
  InferFixture f("smoothing=reference");
  std::vector<float> samples = speech(1.0);
  f.push_audio(samples);
  /* Boxes move right by 2 a frame: the mean over five is the one two frames on. */
  for (int i = 0; i < 6; i++) {
    GstBuffer *buffer = make_frame(i, false);
    GstW2lBox box{2 * i, 0, 2 * i + 10, 10};
    gst_buffer_add_w2l_face_meta(buffer, &box, 0, 1.0, GST_W2L_FACE_FLAG_DETECTED);
    gst_harness_push(f.video, buffer);
  }
  for (int expected : {4, 6}) { /* frames 0 and 1 are final */
    GstBuffer *out = gst_harness_pull(f.video);
    fail_unless_equals_int(gst_buffer_get_w2l_patch_meta(out)->box.x1, expected);
    gst_buffer_unref(out);
  }
  fail_unless_equals_int(gst_harness_buffers_in_queue(f.video), 0);
  f.end_video();
  std::vector<int> tail;
  for (int i = 2; i < 6; i++) {
    GstBuffer *out = gst_harness_pull(f.video);
    tail.push_back(gst_buffer_get_w2l_patch_meta(out)->box.x1);
    gst_buffer_unref(out);
  }
  /* boxes = 0 2 4 6 8 10: [0] = 4, [1] = 6, then always the mean of the last five entries. */
  std::vector<int> boxes = {4, 6, 4, 6, 8, 10};
  for (int i = 2; i < 6; i++) {
    int sum = 0;
    for (int k = 1; k < 6; k++) sum += boxes[k];
    boxes[i] = sum / 5;
    fail_unless_equals_int(tail[i - 2], boxes[i]);
  }
}
GST_END_TEST;

GST_START_TEST(a_failing_network_is_an_error) {
  InferFixture f;
  f.push_audio(speech(1.0));
  fake::fail_next();
  f.push_frame(0);
  assert_error(f, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED, "failed");
  gst_event_unref(pull_event(f.video, GST_EVENT_EOS));
  fail_unless_equals_int(f.push_frame(1), GST_FLOW_ERROR);
}
GST_END_TEST;

GST_START_TEST(a_missing_checkpoint_is_named_at_ready) {
  GstElement *element = gst_parse_launch("w2linfer model=/nonexistent/wav2lip.pth", nullptr);
  GstBus *bus = gst_bus_new();
  gst_object_ref_sink(element);
  gst_element_set_bus(element, bus);
  fail_unless_equals_int(gst_element_set_state(element, GST_STATE_READY), GST_STATE_CHANGE_FAILURE);
  GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  GError *error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  fail_unless(g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
  fail_unless(strstr(error->message, "/nonexistent/wav2lip.pth") != nullptr);
  g_error_free(error);
  gst_message_unref(message);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_element_set_bus(element, nullptr);
  gst_object_unref(bus);
  gst_object_unref(element);
}
GST_END_TEST;

GST_START_TEST(a_gpu_that_is_of_no_use_is_a_warning) {
  setenv("W2L_FAKE_GPU", "old", 1);
  {
    InferFixture f("device=auto");
    unsetenv("W2L_FAKE_GPU");
    GError *error = nullptr;
    GstMessage *message = f.pop(GST_MESSAGE_WARNING);
    fail_unless(message != nullptr);
    gst_message_parse_warning(message, &error, nullptr);
    fail_unless_equals_string(error->message, "The network runs on the CPU: cuda:0 is too old");
    g_error_free(error);
    gst_message_unref(message);
    fail_unless(f.pop(GST_MESSAGE_WARNING) == nullptr);
  }
  InferFixture without("device=auto");
  fail_unless(without.pop(GST_MESSAGE_WARNING) == nullptr);
}
GST_END_TEST;

GST_START_TEST(interlaced_frames_pass_with_one_warning) {
  InferFixture f;
  f.push_audio(speech(1.0));
  gst_harness_set_src_caps_str(f.video,
                               "video/x-raw, format=BGR, width=32, height=24, framerate=25/1, "
                               "interlace-mode=interleaved");
  for (int i = 0; i < 3; i++) {
    f.push_frame(i);
    assert_frame(gst_harness_pull(f.video), i, nullptr);
  }
  GstMessage *warning = f.pop(GST_MESSAGE_WARNING);
  fail_unless(warning != nullptr);
  gst_message_unref(warning);
  fail_unless(f.pop(GST_MESSAGE_WARNING) == nullptr);
}
GST_END_TEST;

GST_START_TEST(latency_covers_window_and_network_when_live) {
  InferFixture f;
  gst_harness_set_upstream_latency(f.video, 40 * GST_MSECOND);
  gst_harness_set_upstream_latency(f.audio, 20 * GST_MSECOND);
  gst_harness_set_live(f.video, TRUE);
  gst_harness_set_live(f.audio, TRUE);
  GstPad *src = gst_element_get_static_pad(f.element, "src");
  GstQuery *query = gst_query_new_latency();
  fail_unless(gst_pad_query(src, query));
  gboolean live;
  GstClockTime min, max;
  gst_query_parse_latency(query, &live, &min, &max);
  fail_unless(live);
  /* max (40, 20 + 225) + 100 for the network */
  fail_unless_equals_uint64(min, 345 * GST_MSECOND);
  fail_unless(max == GST_CLOCK_TIME_NONE || max >= min);
  gst_query_unref(query);
  gst_object_unref(src);
}
GST_END_TEST;

GST_START_TEST(a_changed_audio_pad_changes_the_latency) {
  InferFixture f("", false);
  gst_harness_set_live(f.video, TRUE);
  f.push_frame(0);
  gst_buffer_unref(gst_harness_pull(f.video));
  fail_unless(f.pop(GST_MESSAGE_LATENCY) == nullptr);
  GstPad *pad = gst_element_request_pad_simple(f.element, "audio");
  for (const bool release : {false, true}) {
    if (release) gst_element_release_request_pad(f.element, pad);
    GstMessage *message = f.pop(GST_MESSAGE_LATENCY);
    fail_unless(message != nullptr);
    gst_message_unref(message);
  }
  gst_object_unref(pad);
}
GST_END_TEST;

/* Live on both inputs, with a clock that the test sets. */
struct LiveFixture : InferFixture {
  explicit LiveFixture(const char *properties = "") : InferFixture(properties) {
    gst_element_set_clock(element, GST_CLOCK(clock));
    gst_element_set_base_time(element, 0);
    gst_harness_set_live(video, TRUE);
    gst_harness_set_live(audio, TRUE);
  }
  ~LiveFixture() {
    gst_element_set_clock(element, nullptr);
    gst_object_unref(clock);
  }
  /* Until the task sleeps; the time that it would be woken at. */
  GstClockTime wait_for_sleep() {
    GstClockID id;
    gst_test_clock_wait_for_next_pending_id(clock, &id);
    GstClockTime time = gst_clock_id_get_time(id);
    gst_clock_id_unref(id);
    return time;
  }
  GstTestClock *clock = GST_TEST_CLOCK(gst_test_clock_new());
};

GST_START_TEST(a_live_frame_leaves_unpatched_at_its_deadline) {
  LiveFixture f;
  f.push_frame(0); /* no speech comes */
  /* Nothing is known of the network yet: all of the latency, 225 + 100 ms, is there to wait. */
  fail_unless_equals_uint64(f.wait_for_sleep(), 325 * GST_MSECOND);
  fail_unless_equals_int(gst_harness_buffers_in_queue(f.video), 0);
  gst_test_clock_set_time(f.clock, 325 * GST_MSECOND);
  gst_clock_id_unref(gst_test_clock_process_next_clock_id(f.clock));
  assert_frame(gst_harness_pull(f.video), 0, nullptr);
  fail_unless_equals_uint64(f.stat("late"), 1);
}
GST_END_TEST;

GST_START_TEST(a_live_frame_leaves_at_its_deadline_by_the_systems_clock) {
  LiveFixture f;
  GstClock *clock = gst_system_clock_obtain();
  GstClockTime start = gst_clock_get_time(clock);
  gst_element_set_clock(f.element, clock);
  gst_element_set_base_time(f.element, start);
  f.push_frame(0); /* no speech comes */
  assert_frame(gst_harness_pull(f.video), 0, nullptr);
  fail_unless(gst_clock_get_time(clock) >= start + 325 * GST_MSECOND);
  fail_unless_equals_uint64(f.stat("late"), 1);
  gst_object_unref(clock);
}
GST_END_TEST;

GST_START_TEST(live_speech_may_come_late_while_the_network_can_still_answer) {
  LiveFixture f;
  std::vector<float> samples = speech(1.0);
  ExpectedAnswers expected(samples);
  f.push_frame(0);
  f.wait_for_sleep();
  gst_test_clock_set_time(f.clock, 324 * GST_MSECOND); /* 99 ms after it was due */
  f.push_audio(samples);
  Answer answer = expected.for_frame(0);
  assert_frame(gst_harness_pull(f.video), 0, &answer);
  fail_unless_equals_uint64(f.stat("late"), 0);

  f.push_frame(24); /* behind the speech; now it is known how long an answer takes */
  fail_unless(f.wait_for_sleep() < 24 * kFrame + 325 * GST_MSECOND);
}
GST_END_TEST;

/* The greys of the crops of two frames. The first one waits for speech; the pixels of the second
 * turn to 200 after it was taken and before its speech comes. */
static std::vector<int> crops_of_a_changing_frame(InferFixture &f) {
  std::vector<guint8> pixels(kWidth * 3 * kHeight, 100);
  GstBuffer *buffer = make_frame(1);
  gst_buffer_replace_all_memory(
      buffer, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, pixels.data(), pixels.size(), 0,
                                     pixels.size(), nullptr, nullptr));
  fail_unless_equals_int(gst_harness_push(f.video, buffer), GST_FLOW_OK);
  std::fill(pixels.begin(), pixels.end(), 200);
  f.push_audio(speech(1.0));
  f.end_video();
  for (int i = 0; i < 2; i++) gst_buffer_unref(gst_harness_pull(f.video));
  fail_unless_equals_uint64(f.stat("patched"), 2);
  std::vector<int> greys;
  for (const fake::Crop &crop : fake::crops()) greys.push_back(crop.pixels.front());
  return greys;
}

GST_START_TEST(live_faces_are_cut_before_their_speech_comes) {
  LiveFixture f;
  f.push_frame(0);
  f.wait_for_sleep();
  fail_unless(crops_of_a_changing_frame(f) == (std::vector<int>{100, 100}));
}
GST_END_TEST;

GST_START_TEST(faces_whose_box_is_not_final_are_cut_later) {
  LiveFixture f("smoothing=reference");
  f.push_frame(0);
  f.wait_for_sleep();
  fail_unless(crops_of_a_changing_frame(f) == (std::vector<int>{100, 200}));
}
GST_END_TEST;

GST_START_TEST(faces_of_files_are_cut_with_their_batch) {
  InferFixture f;
  f.push_frame(0);
  fail_unless(crops_of_a_changing_frame(f) == (std::vector<int>{100, 200}));
}
GST_END_TEST;

GST_START_TEST(a_live_frame_that_cannot_be_read_is_an_error_when_its_speech_comes) {
  LiveFixture f;
  f.push_frame(0);
  f.wait_for_sleep();
  GstBuffer *buffer = make_frame(1);
  gst_buffer_set_size(buffer, kWidth); /* less than its caps say */
  fail_unless_equals_int(gst_harness_push(f.video, buffer), GST_FLOW_OK);
  fail_unless(f.pop(GST_MESSAGE_ERROR) == nullptr);
  f.push_audio(speech(1.0));
  gst_message_unref(gst_bus_timed_pop_filtered(f.bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR));
}
GST_END_TEST;

GST_START_TEST(allocation_asks_for_the_frames_that_are_held) {
  InferFixture f("batch-size=4");
  GstCaps *caps = gst_caps_from_string(kVideoCaps);
  gst_harness_set_propose_allocator(f.video, nullptr, nullptr);
  GstPad *sink = gst_element_get_static_pad(f.element, "sink");
  GstQuery *query = gst_query_new_allocation(caps, TRUE);
  gst_pad_query(sink, query);
  guint index;
  fail_if(gst_query_find_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, &index));
  gst_query_unref(query);

  /* While frames are held, downstream's answer would be about older caps. */
  f.push_frame(0);
  query = gst_query_new_allocation(caps, TRUE);
  fail_unless(gst_pad_query(sink, query));
  fail_unless(gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, &index));
  fail_unless_equals_int(gst_query_get_n_allocation_pools(query), 0);
  gst_query_unref(query);
  gst_object_unref(sink);
  gst_caps_unref(caps);
}
GST_END_TEST;

GST_START_TEST(audio_caps_do_not_leak_into_the_video) {
  InferFixture f;
  GstPad *src = gst_element_get_static_pad(f.element, "src");
  GstPad *audio = gst_element_get_static_pad(f.element, "audio");
  GstCaps *caps = gst_pad_query_caps(src, nullptr);
  fail_if(gst_caps_is_empty(caps));
  fail_unless(gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw"));
  gst_caps_unref(caps);
  caps = gst_pad_query_caps(audio, nullptr);
  fail_unless(gst_structure_has_name(gst_caps_get_structure(caps, 0), "audio/x-raw"));
  gst_caps_unref(caps);
  gst_object_unref(audio);
  gst_object_unref(src);
}
GST_END_TEST;

GST_START_TEST(a_seek_reaches_both_inputs) {
  InferFixture f;
  std::vector<float> samples = speech(1.0);
  f.push_audio(samples);
  f.push_frame(0);
  gst_buffer_unref(gst_harness_pull(f.video));
  gst_harness_push_upstream_event(
      f.video, gst_event_new_seek(1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 0,
                                  GST_SEEK_TYPE_NONE, -1));
  for (GstHarness *h : {f.video, f.audio}) {
    GstEvent *event;
    do {
      event = gst_harness_pull_upstream_event(h);
      fail_unless(event != nullptr);
      if (GST_EVENT_TYPE(event) == GST_EVENT_SEEK) break;
      gst_event_unref(event);
    } while (TRUE);
    gst_event_unref(event);
  }
  /* The video has flushed, the audio not yet: what is held of it must not be used. */
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(f.video, gst_event_new_flush_start());
  gst_harness_push_event(f.video, gst_event_new_flush_stop(TRUE));
  gst_harness_push_event(f.video, gst_event_new_segment(&segment));
  f.push_frame(0);
  f.push_frame(1);
  fail_unless_equals_int(gst_harness_push(f.audio, make_audio(samples, 0, 16000)), GST_FLOW_OK);
  fail_unless_equals_int(gst_harness_buffers_in_queue(f.video), 0);
  gst_harness_push_event(f.audio, gst_event_new_flush_start());
  gst_harness_push_event(f.audio, gst_event_new_flush_stop(TRUE));
  gst_harness_push_event(f.audio, gst_event_new_segment(&segment));
  std::vector<float> other(16000, 0.0f);
  f.push_audio(other);
  assert_patched(f, ExpectedAnswers(other), 0, 1);
}
GST_END_TEST;

GST_START_TEST(states_can_change_at_any_moment) {
  InferFixture f;
  std::vector<float> samples = speech(0.5);
  for (int round = 0; round < 60; round++) {
    fake::hold(round % 3 == 0);
    gst_harness_push(f.audio, make_audio(samples, 0, samples.size()));
    for (int i = 0; i < round % 7; i++) f.push_frame(i);
    if (round % 3 == 0) fake::hold(false);
    gst_element_set_state(f.element, round % 2 ? GST_STATE_READY : GST_STATE_NULL);
    while (GstBuffer *buffer = gst_harness_try_pull(f.video)) gst_buffer_unref(buffer);
    gst_element_set_state(f.element, GST_STATE_PLAYING);
    gst_harness_set_src_caps_str(f.audio, kAudioCaps);
    gst_harness_set_src_caps_str(f.video, kVideoCaps);
  }
  fail_unless_equals_int(fake::engines(), 1);
}
GST_END_TEST;

GST_START_TEST(stopping_frees_a_blocked_producer) {
  InferFixture f("batch-size=1");
  std::atomic<int> flow{GST_FLOW_OK};
  std::thread producer([&] {
    for (int i = 0; i < 20 && flow == GST_FLOW_OK; i++)
      flow = f.push_frame(i); /* no audio: blocks */
  });
  while (true) { /* until the element holds all it may: two batches */
    GstStructure *stats = nullptr;
    g_object_get(f.element, "stats", &stats, nullptr);
    guint held = 0;
    gst_structure_get_uint(stats, "held", &held);
    gst_structure_free(stats);
    if (held == 2) break;
    std::this_thread::yield();
  }
  gst_element_set_state(f.element, GST_STATE_NULL);
  producer.join();
  fail_unless_equals_int(flow, GST_FLOW_FLUSHING);
}
GST_END_TEST;

GST_START_TEST(properties_may_change_while_frames_flow) {
  InferFixture f;
  std::vector<float> samples = speech(41.0);
  std::atomic<bool> stop{false};
  std::thread changer([&] {
    for (int i = 0; !stop; i++) {
      g_object_set(f.element, "mel-offset", gint64(i % 100), "batch-size", i % 9, nullptr);
      GstStructure *stats = nullptr;
      g_object_get(f.element, "stats", &stats, nullptr);
      gst_structure_free(stats);
    }
  });
  f.push_audio(samples, 16000);
  for (int i = 0; i < 1000; i++) {
    f.push_frame(i);
    GstBuffer *out = gst_harness_pull(f.video);
    fail_unless_equals_uint64(GST_BUFFER_PTS(out), i * kFrame);
    gst_buffer_unref(out);
  }
  stop = true;
  changer.join();
  fail_unless_equals_uint64(f.stat("patched"), 1000);
}
GST_END_TEST;

namespace {

void send_segment(GstHarness *harness, GstSegment segment) {
  gst_harness_push_event(harness, gst_event_new_segment(&segment));
}

GstSegment plain_segment(gdouble rate = 1.0) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.rate = rate;
  return segment;
}

void flush(GstHarness *harness, guint32 seqnum = GST_SEQNUM_INVALID) {
  GstEvent *events[] = {gst_event_new_flush_start(), gst_event_new_flush_stop(TRUE)};
  for (GstEvent *event : events) {
    if (seqnum != GST_SEQNUM_INVALID) gst_event_set_seqnum(event, seqnum);
    gst_harness_push_event(harness, event);
  }
  send_segment(harness, plain_segment());
}

}  // namespace

GST_START_TEST(caps_that_were_waiting_survive_a_flush) {
  InferFixture f;
  gst_event_unref(pull_event(f.video, GST_EVENT_CAPS));
  f.push_frame(0); /* held: no speech */
  gst_harness_set_src_caps_str(f.video,
                               "video/x-raw, format=BGR, width=16, height=8, framerate=25/1, "
                               "interlace-mode=progressive");
  flush(f.video);
  GstBuffer *small = gst_buffer_new_allocate(nullptr, 16 * 3 * 8, nullptr);
  gst_harness_push(f.video, small); /* without a time it passes */
  gst_buffer_unref(gst_harness_pull(f.video));
  GstPad *src = gst_element_get_static_pad(f.element, "src");
  GstCaps *caps = gst_pad_get_current_caps(src);
  gint width;
  gst_structure_get_int(gst_caps_get_structure(caps, 0), "width", &width);
  fail_unless_equals_int(width, 16);
  gst_caps_unref(caps);
  gst_object_unref(src);
}
GST_END_TEST;

static gboolean refuse_seeks(GstPad *pad, GstObject *parent, GstEvent *event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_SEEK) return gst_pad_event_default(pad, parent, event);
  gst_event_unref(event);
  return FALSE;
}

GST_START_TEST(a_seek_that_the_audio_refuses_changes_nothing) {
  InferFixture f;
  std::vector<float> samples = speech(1.0);
  f.push_audio(samples, 8000);
  gst_pad_set_event_function(f.audio->srcpad, refuse_seeks);
  fail_if(gst_harness_push_upstream_event(
      f.video, gst_event_new_seek(-1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 0,
                                  GST_SEEK_TYPE_SET, GST_SECOND)));
  f.end_audio();
  for (int i = 0; i < 8; i++) f.push_frame(i);
  assert_patched(f, ExpectedAnswers(samples), 0, 7);
}
GST_END_TEST;

GST_START_TEST(a_seek_that_the_demuxer_has_done_already_is_not_waited_for) {
  InferFixture f;
  std::vector<float> samples = speech(1.0);
  GstEvent *seek = gst_event_new_seek(1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET,
                                      0, GST_SEEK_TYPE_NONE, -1);
  /* It came through another branch first. */
  flush(f.audio, gst_event_get_seqnum(seek));
  flush(f.video, gst_event_get_seqnum(seek));
  f.push_audio(samples);
  gst_harness_push_upstream_event(f.video, seek);
  for (int i = 0; i < 4; i++) f.push_frame(i);
  assert_patched(f, ExpectedAnswers(samples), 0, 3);
}
GST_END_TEST;

GST_START_TEST(the_audio_pad_can_go_while_it_is_fed) {
  InferFixture f;
  std::vector<float> samples = speech(0.1);
  GstPad *pad = gst_element_get_static_pad(f.element, "audio");
  std::atomic<int> pushed{0};
  std::thread producer([&] {
    /* Until the pad refuses: wrong state, or unlinked. */
    while (gst_harness_push(f.audio, make_audio(samples, 0, samples.size())) == GST_FLOW_OK)
      pushed++;
  });
  while (pushed < 5) std::this_thread::yield();
  gst_element_release_request_pad(f.element, pad);
  producer.join();
  gst_object_unref(pad);
  f.push_frame(0);
  assert_frame(gst_harness_pull(f.video), 0, nullptr);
}
GST_END_TEST;

GST_START_TEST(a_stream_may_follow_the_end_of_another_at_once) {
  for (int round = 0; round < 50; round++) {
    InferFixture f;
    std::vector<float> samples = speech(1.0);
    ExpectedAnswers expected(samples);
    f.push_audio(samples, samples.size());
    for (int i = 0; i < 3; i++) f.push_frame(i);
    f.end_video();
    gst_harness_push_event(f.video, gst_event_new_stream_start("second"));
    send_segment(f.video, plain_segment());
    for (int i = 3; i < 6; i++) fail_unless_equals_int(f.push_frame(i), GST_FLOW_OK);
    assert_patched(f, expected, 0, 5);
  }
}
GST_END_TEST;

GST_START_TEST(a_drain_query_does_not_wait_for_frames_behind_it) {
  InferFixture f("smoothing=reference");
  std::vector<float> samples = speech(1.0);
  f.push_audio(samples);
  for (int i = 0; i < 3; i++) f.push_frame(i);
  GstQuery *query = gst_query_new_drain();
  GstPad *sink = gst_element_get_static_pad(f.element, "sink");
  gst_pad_query(sink, query); /* whatever the answer: it returns */
  assert_patched(f, ExpectedAnswers(samples), 0, 2);
  gst_object_unref(sink);
  gst_query_unref(query);
}
GST_END_TEST;

GST_START_TEST(at_another_speed_frames_pass_and_sound_is_dropped) {
  InferFixture f;
  send_segment(f.video, plain_segment(2.0));
  send_segment(f.audio, plain_segment(2.0));
  std::vector<float> minute(w2l::mel::kSampleRate * 60, 0.1f);
  for (int i = 0; i < 3; i++) /* would block at 60 s */
    fail_unless_equals_int(gst_harness_push(f.audio, make_audio(minute, 0, minute.size())),
                           GST_FLOW_OK);
  f.push_frame(0);
  assert_frame(gst_harness_pull(f.video), 0, nullptr);
}
GST_END_TEST;

GST_START_TEST(the_end_of_a_segment_completes_its_windows) {
  InferFixture f;
  std::vector<float> samples = speech(0.4); /* 33 columns: frame 5 starts at 16, 6 at 19 */
  ExpectedAnswers expected(samples);
  f.push_audio(samples);
  for (int i = 0; i < 8; i++) f.push_frame(i);
  gst_harness_push_event(f.audio, gst_event_new_segment_done(GST_FORMAT_TIME, 0));
  assert_patched(f, expected, 0, 7); /* the last windows are clamped, and nothing has ended */
  fail_unless_equals_int(f.push_frame(20, false), GST_FLOW_OK);
}
GST_END_TEST;

GST_START_TEST(a_change_of_speed_completes_the_windows_before_it) {
  InferFixture f;
  std::vector<float> samples = speech(0.4);
  f.push_audio(samples);
  for (int i = 0; i < 8; i++) f.push_frame(i);
  send_segment(f.audio, plain_segment(2.0));
  assert_patched(f, ExpectedAnswers(samples), 0, 7);
  send_segment(f.video, plain_segment(2.0));
  f.push_frame(8);
  assert_frame(gst_harness_pull(f.video), 8, nullptr);
}
GST_END_TEST;

GST_START_TEST(the_end_of_the_sound_at_another_speed_ends_no_video) {
  InferFixture f;
  std::vector<float> samples = speech(0.4);
  f.push_audio(samples);
  send_segment(f.audio, plain_segment(2.0));
  f.end_audio();
  for (int i = 0; i < 8; i++) f.push_frame(i);
  send_segment(f.video, plain_segment(2.0));
  f.push_frame(20);
  assert_patched(f, ExpectedAnswers(samples), 0, 7);
  assert_frame(gst_harness_pull(f.video), 20, nullptr);
  /* Back again, but without a flush no sound can follow that end. */
  gst_harness_push_upstream_event(
      f.video, gst_event_new_seek(1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_NONE, GST_SEEK_TYPE_SET, 0,
                                  GST_SEEK_TYPE_NONE, -1));
  send_segment(f.video, plain_segment());
  f.push_frame(21);
  assert_frame(gst_harness_pull(f.video), 21, nullptr);
}
GST_END_TEST;

GST_START_TEST(a_frame_with_a_broken_timestamp_passes) {
  InferFixture f;
  for (GstClockTime pts : {GstClockTime{G_MAXINT64}, GST_CLOCK_TIME_NONE - 1}) {
    GstBuffer *frame = make_frame(0);
    GST_BUFFER_PTS(frame) = pts;
    gst_harness_push(f.video, frame);
    frame = gst_harness_pull(f.video);
    fail_unless(frame != nullptr && GST_BUFFER_PTS(frame) == pts && !is_patched(frame));
    gst_buffer_unref(frame);
  }
}
GST_END_TEST;

GST_START_TEST(a_segment_that_comes_while_it_stops_is_no_error) {
  InferFixture f("", false);
  gst_pad_set_active(f.video->sinkpad, FALSE); /* what is downstream stops first */
  while (f.push_frame(0) == GST_FLOW_OK) std::this_thread::yield();
  send_segment(f.video, plain_segment());
  fail_unless_equals_int(f.push_frame(1), GST_FLOW_FLUSHING);
}
GST_END_TEST;

GST_START_TEST(a_segment_without_sound_stops_nothing) {
  InferFixture f;
  f.push_frame(0);
  gst_harness_push_event(f.audio, gst_event_new_segment_done(GST_FORMAT_TIME, 0));
  assert_frame(gst_harness_pull(f.video), 0, nullptr);
}
GST_END_TEST;

GST_START_TEST(frames_of_the_next_segment_wait_for_its_speech) {
  InferFixture f;
  std::vector<float> samples = speech(0.4), next = speech(0.8);
  f.push_audio(samples);
  gst_harness_push_event(f.audio, gst_event_new_segment_done(GST_FORMAT_TIME, 0));
  for (int i = 0; i < 8; i++) f.push_frame(i);
  assert_patched(f, ExpectedAnswers(samples), 0, 7);
  /* Again from the start, in a running time that goes on. */
  GstSegment segment = plain_segment();
  segment.base = 10 * kFrame;
  send_segment(f.audio, segment);
  send_segment(f.video, segment);
  for (int i = 0; i < 4; i++) f.push_frame(i);
  f.push_audio(next);
  assert_patched(f, ExpectedAnswers(next), 0, 3);
}
GST_END_TEST;

GST_START_TEST(speech_is_let_go_after_a_seek_that_was_done_already) {
  InferFixture f("on-audio-end=pass");
  GstEvent *seek = gst_event_new_seek(1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET,
                                      0, GST_SEEK_TYPE_NONE, -1);
  flush(f.audio, gst_event_get_seqnum(seek));
  flush(f.video, gst_event_get_seqnum(seek));
  gst_harness_push_upstream_event(f.video, seek);
  std::vector<float> samples = speech(4.0);
  f.push_audio(samples);
  f.push_frame(80);
  gst_buffer_unref(gst_harness_pull(f.video));
  f.push_frame(0); /* of what was heard that long ago nothing is held */
  assert_frame(gst_harness_pull(f.video), 0, nullptr);
}
GST_END_TEST;

GST_START_TEST(nobody_downstream_is_an_error_even_after_the_last_frame) {
  GstElement *element = gst_parse_launch(("w2linfer model=" + fake_model()).c_str(), nullptr);
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(element, bus);
  GstHarness *h = gst_harness_new_with_element(element, "sink", nullptr);
  gst_harness_set_src_caps_str(h, kVideoCaps);
  gst_harness_push(h, make_frame(0));
  gst_harness_push_event(h, gst_event_new_eos());
  GstMessage *message = gst_bus_timed_pop_filtered(bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  fail_unless(message != nullptr);
  gst_message_unref(message);
  gst_element_set_bus(element, nullptr);
  gst_harness_teardown(h);
  gst_object_unref(bus);
  gst_object_unref(element);
}
GST_END_TEST;

GST_START_TEST(there_is_one_audio_pad) {
  InferFixture f;
  GstPadTemplate *templ =
      gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(f.element), "audio");
  fail_unless(gst_element_request_pad(f.element, templ, nullptr, nullptr) == nullptr);
}
GST_END_TEST;

static Suite *w2linfer_suite(void) {
  Suite *suite = suite_create("w2linfer");
  TCase *general = tcase_create("general");
  suite_add_tcase(suite, general);
  tcase_add_checked_fixture(general, w2l::test::start_leak_check, w2l::test::finish_leak_check);
  tcase_add_test(general, every_frame_passes_without_an_audio_pad);
  tcase_add_test(general, each_frame_gets_the_answer_of_its_own_window);
  tcase_add_test(general, pictures_may_come_before_the_speech);
  tcase_add_test(general, the_sizes_of_audio_buffers_do_not_matter);
  tcase_add_test(general, region_full_computes_all_rows);
  tcase_add_test(general, repeated_crops_are_counted);
  tcase_add_test(general, an_engine_that_resizes_gets_the_box_as_it_is);
  tcase_add_test(general, a_box_that_is_larger_than_the_engine_takes_is_resized);
  tcase_add_test(general, the_video_ends_with_the_references_last_window);
  tcase_add_test(general, frames_behind_the_speech_pass_when_asked_to);
  tcase_add_test(general, a_new_stream_starts_again_after_the_end);
  tcase_add_test(general, a_frame_without_a_face_passes_in_its_place);
  tcase_add_test(general, a_face_outside_the_frame_is_not_touched);
  tcase_add_test(general, batches_fill_while_the_engine_works);
  tcase_add_test(general, events_keep_their_place_among_the_frames);
  tcase_add_test(general, new_caps_follow_the_frames_before_them);
  tcase_add_test(general, flushing_the_video_drops_what_is_held_and_in_flight);
  tcase_add_test(general, flushing_the_audio_leaves_the_video_alone);
  tcase_add_test(general, a_gap_is_silence);
  tcase_add_test(general, a_gap_without_a_duration_is_silence_up_to_it);
  tcase_add_test(general, speech_may_begin_with_gaps_without_a_duration);
  tcase_add_test(general, speech_from_before_running_time_0_is_not_moved);
  tcase_add_test(general, of_the_speech_beside_frames_without_time_a_minute_is_kept);
  tcase_add_test(general, speech_in_another_format_gives_nearly_the_same_answers);
  tcase_add_test(general, the_end_of_the_video_lets_the_audio_run_on);
  tcase_add_test(general, the_video_may_end_with_faces_in_smoothing);
  tcase_add_test(general, a_failing_network_is_an_error);
  tcase_add_test(general, a_missing_checkpoint_is_named_at_ready);
  tcase_add_test(general, a_gpu_that_is_of_no_use_is_a_warning);
  tcase_add_test(general, interlaced_frames_pass_with_one_warning);
  tcase_add_test(general, latency_covers_window_and_network_when_live);
  tcase_add_test(general, a_live_frame_leaves_unpatched_at_its_deadline);
  tcase_add_test(general, a_live_frame_leaves_at_its_deadline_by_the_systems_clock);
  tcase_add_test(general, live_speech_may_come_late_while_the_network_can_still_answer);
  tcase_add_test(general, live_faces_are_cut_before_their_speech_comes);
  tcase_add_test(general, faces_whose_box_is_not_final_are_cut_later);
  tcase_add_test(general, faces_of_files_are_cut_with_their_batch);
  tcase_add_test(general, a_live_frame_that_cannot_be_read_is_an_error_when_its_speech_comes);
  tcase_add_test(general, allocation_asks_for_the_frames_that_are_held);
  tcase_add_test(general, audio_caps_do_not_leak_into_the_video);
  tcase_add_test(general, a_seek_reaches_both_inputs);
  tcase_add_test(general, a_seek_that_the_audio_refuses_changes_nothing);
  tcase_add_test(general, a_changed_audio_pad_changes_the_latency);
  tcase_add_test(general, the_end_belongs_to_the_segment);
  tcase_add_test(general, states_can_change_at_any_moment);
  tcase_add_test(general, stopping_frees_a_blocked_producer);
  tcase_add_test(general, properties_may_change_while_frames_flow);
  tcase_add_test(general, caps_that_were_waiting_survive_a_flush);
  tcase_add_test(general, a_seek_that_the_demuxer_has_done_already_is_not_waited_for);
  tcase_add_test(general, the_audio_pad_can_go_while_it_is_fed);
  tcase_add_test(general, a_stream_may_follow_the_end_of_another_at_once);
  tcase_add_test(general, a_drain_query_does_not_wait_for_frames_behind_it);
  tcase_add_test(general, at_another_speed_frames_pass_and_sound_is_dropped);
  tcase_add_test(general, the_end_of_a_segment_completes_its_windows);
  tcase_add_test(general, a_change_of_speed_completes_the_windows_before_it);
  tcase_add_test(general, the_end_of_the_sound_at_another_speed_ends_no_video);
  tcase_add_test(general, a_frame_with_a_broken_timestamp_passes);
  tcase_add_test(general, a_segment_that_comes_while_it_stops_is_no_error);
  tcase_add_test(general, a_segment_without_sound_stops_nothing);
  tcase_add_test(general, frames_of_the_next_segment_wait_for_its_speech);
  tcase_add_test(general, speech_is_let_go_after_a_seek_that_was_done_already);
  tcase_add_test(general, nobody_downstream_is_an_error_even_after_the_last_frame);
  tcase_add_test(general, there_is_one_audio_pad);
  return suite;
}

GST_CHECK_MAIN(w2linfer)
