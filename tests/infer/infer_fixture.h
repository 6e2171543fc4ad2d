// gst-wav2lip tests: w2linfer between two harnesses, on the fake backend.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/check/gstharness.h>
#include <gst/gst.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "fake_backend.h"
#include "gstw2lfacemeta.h"
#include "gstw2lpatchmeta.h"
#include "mel_frontend.h"

namespace w2l::test {

constexpr int kWidth = 32, kHeight = 24, kFps = 25;
constexpr GstW2lBox kFace{4, 6, 20, 22};
constexpr GstClockTime kFrame = GST_SECOND / kFps;
constexpr const char *kVideoCaps =
    "video/x-raw, format=BGR, width=32, height=24, framerate=25/1, interlace-mode=progressive";
constexpr const char *kAudioCaps =
    "audio/x-raw, format=F32LE, rate=16000, channels=1, layout=interleaved";

inline std::string fake_model(int max_crop_edge = 0) {
  const std::string path = std::string(g_get_tmp_dir()) + "/w2l-fake-" + std::to_string(getpid()) +
                           "-" + std::to_string(max_crop_edge);
  // Once: an engine is shared as long as its file stays the same.
  if (!g_file_test(path.c_str(), G_FILE_TEST_EXISTS))
    std::ofstream(path) << "fake " << max_crop_edge << "\n";
  return path;
}

// A chirp: no two mel windows of it are alike.
inline std::vector<float> speech(double seconds) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * mel::kSampleRate + 0.5));
  for (std::size_t i = 0; i < samples.size(); i++) {
    double t = double(i) / mel::kSampleRate;
    samples[i] = static_cast<float>(0.3 * std::sin(2 * G_PI * (100 + 400 * t) * t));
  }
  return samples;
}

// What the fake backend answers for the window at `start` of these samples: green and red.
struct Answer {
  int green, red;
  bool operator==(const Answer &other) const { return green == other.green && red == other.red; }
};
class ExpectedAnswers {
 public:
  explicit ExpectedAnswers(const std::vector<float> &samples) {
    frontend_.push(samples.data(), samples.size());
    frontend_.finish();
  }
  std::int64_t columns() const { return frontend_.columns(); }
  Answer at(std::int64_t start) const {
    std::vector<float> window(mel::kBands * mel::kWindowColumns);
    frontend_.window(start, window.data());
    return {fake::level(window.front()), fake::level(window.back())};
  }
  Answer for_frame(int frame) const {
    return at(choose_window(window_start(frame * kFrame), columns()).start);
  }

 private:
  MelFrontend frontend_;
};

inline GstBuffer *make_frame(int index, bool face = true, guint8 grey = 100) {
  GstBuffer *buffer = gst_buffer_new_allocate(nullptr, kWidth * 3 * kHeight, nullptr);
  gst_buffer_memset(buffer, 0, grey, kWidth * 3 * kHeight);
  GST_BUFFER_PTS(buffer) = index * kFrame;
  GST_BUFFER_DURATION(buffer) = kFrame;
  if (face) gst_buffer_add_w2l_face_meta(buffer, &kFace, 7, 1.0, GST_W2L_FACE_FLAG_DETECTED);
  return buffer;
}

inline GstBuffer *make_audio(const std::vector<float> &samples, std::size_t from, std::size_t to) {
  to = std::min(to, samples.size());
  GstBuffer *buffer = gst_buffer_new_memdup(samples.data() + from, (to - from) * sizeof(float));
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(from, GST_SECOND, mel::kSampleRate);
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(to - from, GST_SECOND, mel::kSampleRate);
  return buffer;
}

class InferFixture {
 public:
  explicit InferFixture(const char *properties = "", bool with_audio = true) {
    fake::reset();
    std::string line = "w2linfer model=" + fake_model() + " " + properties;
    element = gst_parse_launch(line.c_str(), nullptr);
    g_assert_nonnull(element);
    gst_object_ref_sink(element);
    bus = gst_bus_new();
    gst_element_set_bus(element, bus);
    if (with_audio) {
      // Before the video's harness, which starts the element.
      audio = gst_harness_new_with_element(element, "audio", nullptr);
      gst_harness_set_src_caps_str(audio, kAudioCaps);
    }
    video = gst_harness_new_with_element(element, "sink", "src");
    // Harnesses say that they are live unless told otherwise.
    gst_harness_set_live(video, FALSE);
    if (audio) gst_harness_set_live(audio, FALSE);
    gst_harness_set_src_caps_str(video, kVideoCaps);
  }
  ~InferFixture() {
    fake::hold(false);
    gst_harness_teardown(video);
    if (audio) gst_harness_teardown(audio);
    gst_element_set_bus(element, nullptr);
    gst_object_unref(bus);
    gst_object_unref(element);
  }
  InferFixture(const InferFixture &) = delete;
  InferFixture &operator=(const InferFixture &) = delete;

  GstFlowReturn push_frame(int index, bool face = true) {
    return gst_harness_push(video, make_frame(index, face));
  }
  GstFlowReturn push_audio(const std::vector<float> &samples, std::size_t piece = 320) {
    GstFlowReturn flow = GST_FLOW_OK;
    for (std::size_t at = 0; at < samples.size() && flow == GST_FLOW_OK; at += piece)
      flow = gst_harness_push(audio, make_audio(samples, at, at + piece));
    return flow;
  }
  void end_audio() { gst_harness_push_event(audio, gst_event_new_eos()); }
  void end_video() { gst_harness_push_event(video, gst_event_new_eos()); }

  guint64 stat(const char *name) {
    GstStructure *stats = nullptr;
    g_object_get(element, "stats", &stats, nullptr);
    guint64 value = 0;
    g_assert_true(gst_structure_get_uint64(stats, name, &value));
    gst_structure_free(stats);
    return value;
  }
  // Takes the next message of that type off the bus; null when there is none.
  GstMessage *pop(GstMessageType type) { return gst_bus_pop_filtered(bus, type); }

  GstElement *element = nullptr;
  GstBus *bus = nullptr;
  GstHarness *video = nullptr;
  GstHarness *audio = nullptr;
};

inline bool is_patched(GstBuffer *buffer) {
  return gst_buffer_get_w2l_patch_meta(buffer) != nullptr;
}

inline Answer answer_of(GstBuffer *buffer) {
  GstW2lPatchMeta *patch = gst_buffer_get_w2l_patch_meta(buffer);
  g_assert_nonnull(patch);
  guint8 pixel[3];
  gst_buffer_extract(patch->image, 0, pixel, 3);
  return {pixel[1], pixel[2]};
}

}  // namespace w2l::test
