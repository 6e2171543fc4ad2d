// gst-wav2lip benchmark: the demo's clip as the camera, its speech as the microphone, its network,
// in the README's live pipeline without window and loudspeaker. Once as fast as it goes, once in
// time with the clock.
// `meson test --benchmark` runs it; prints one JSON object.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/play_to_end.h"

namespace {

using w2l::test::cpu_seconds;
using Json = nlohmann::ordered_json;

constexpr double kFrameRate = 25;
constexpr int kRuns = 5;      // unsynchronised; the median counts

std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What windows take; a frame later than max-lateness is not shown.
std::string pipeline_text(bool live) {
  const std::string folder = variable("W2L_DEMO_DIR");
  const std::string clock = live ? " ! clocksync" : "";
  return "filesrc location=\"" + folder + "/demo-face.mp4\" ! decodebin" + clock +
         " ! videoconvert ! w2lfacecache ! queue ! infer.sink w2linfer name=infer model=\"" +
         folder +
         "/wav2lip-demo.pth\" infer.src ! queue ! w2lpatch ! videoconvert ! "
         "capsfilter caps=video/x-raw,format=BGRx ! fakesink name=window qos=true "
         "max-lateness=20000000 sync=" +
         (live ? "true" : "false") + " filesrc location=\"" + folder +
         "/demo-speech.wav\" ! decodebin" + clock + " ! queue ! infer.audio";
}

struct Moment {
  double wall, cpu;
};

// One lap through the clip.
class Lap {
 public:
  explicit Lap(bool live) {
    GError *error = nullptr;
    pipeline_ = gst_parse_launch_full(pipeline_text(live).c_str(), nullptr,
                                      GST_PARSE_FLAG_FATAL_ERRORS, &error);
    if (!pipeline_) throw std::runtime_error(error->message);
    infer_ = gst_bin_get_by_name(GST_BIN(pipeline_), "infer");
    window_ = gst_bin_get_by_name(GST_BIN(pipeline_), "window");
    GstPad *pad = gst_element_get_static_pad(window_, "sink");
    const auto on_frame = +[](GstPad *, GstPadProbeInfo *, gpointer moments) {
      static_cast<std::vector<Moment> *>(moments)->push_back({wall_seconds(), cpu_seconds()});
      return GST_PAD_PROBE_OK;
    };
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, &moments_, nullptr);
    gst_object_unref(pad);
    try {
      play();
    } catch (...) {
      release();
      throw;
    }
  }
  ~Lap() { release(); }
  Lap(const Lap &) = delete;
  Lap &operator=(const Lap &) = delete;

  // From the first frame that arrived to the last, so that loading the network is left out.
  double frames_per_second() const { return intervals() / (last().wall - first().wall); }
  double cpu_percent() const {
    return 100 * (last().cpu - first().cpu) / (last().wall - first().wall);
  }
  double cpu_ms_per_frame() const { return 1000 * (last().cpu - first().cpu) / intervals(); }

  // Fields of w2linfer's and the sink's stats.
  guint64 inferred(const char *field) const { return number(infer_, field); }
  guint64 shown(const char *field) const { return number(window_, field); }
  double latency_ms() const {
    GstQuery *query = gst_query_new_latency();
    GstClockTime latency = 0;
    if (gst_element_query(pipeline_, query))
      gst_query_parse_latency(query, nullptr, &latency, nullptr);
    gst_query_unref(query);
    return static_cast<double>(latency) / GST_MSECOND;
  }
  std::string precision() const {
    GstStructure *stats = nullptr;
    g_object_get(infer_, "stats", &stats, nullptr);
    const char *name = gst_structure_get_string(stats, "precision");
    const std::string text = name ? name : "";
    gst_structure_free(stats);
    return text;
  }

 private:
  const Moment &first() const { return moments_.front(); }
  const Moment &last() const { return moments_.back(); }
  double intervals() const { return static_cast<double>(moments_.size() - 1); }

  static guint64 number(GstElement *element, const char *field) {
    GstStructure *stats = nullptr;
    g_object_get(element, "stats", &stats, nullptr);
    guint64 value = 0;
    gst_structure_get_uint64(stats, field, &value);
    gst_structure_free(stats);
    return value;
  }

  void play() {
    w2l::test::play_to_end(pipeline_);
    if (moments_.size() < 2) throw std::runtime_error("the pipeline made no pictures");
  }

  void release() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(window_);
    gst_object_unref(infer_);
    gst_object_unref(pipeline_);
  }

  GstElement *pipeline_ = nullptr, *infer_ = nullptr, *window_ = nullptr;
  std::vector<Moment> moments_;
};

Json unsynchronised() {
  std::vector<double> rates, costs, percents;
  for (int run = 0; run < kRuns; ++run) {
    const Lap lap(false);
    rates.push_back(lap.frames_per_second());
    costs.push_back(lap.cpu_ms_per_frame());
    percents.push_back(lap.cpu_percent());
  }
  const auto median = [](std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  Json json;
  json["frames_per_second"] = median(rates);
  json["real_time_factor"] = median(rates) / kFrameRate;
  json["cpu_ms_per_frame"] = median(costs);
  json["cpu_percent"] = median(percents);
  return json;
}

Json live() {
  const Lap lap(true);
  Json json;
  for (const char *field : {"frames", "patched", "passed", "late"})
    json[field] = lap.inferred(field);
  json["dropped_by_the_window"] = lap.shown("dropped");
  json["cpu_percent"] = lap.cpu_percent();
  json["latency_ms"] = lap.latency_ms();
  json["precision"] = lap.precision();
  return json;
}

}  // namespace

int main() {
  gst_init(nullptr, nullptr);
  try {
    Json json;
    json["benchmark"] = "live pipeline, 1280x720 at 25 fps, demo network";
    json["cores"] = sysconf(_SC_NPROCESSORS_ONLN);
    json["unsynchronised"] = unsynchronised();
    json["live"] = live();
    std::cout << json.dump(2) << std::endl;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "bench_live: %s\n", error.what());
    return 1;
  }
}
