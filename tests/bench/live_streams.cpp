// gst-wav2lip benchmark: how well so many live streams run side by side in one process, all with
// the same network. Prints one JSON object. Each stream decodes the clip in time with the clock,
// and its sink drops frames that come late.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "../support/play_to_end.h"

namespace {

using w2l::test::cpu_seconds;
using Json = nlohmann::ordered_json;

constexpr GstClockTime kStartTime = GST_SECOND;

struct Settings {
  std::string clip, speech, model, device, precision, box;
  int streams = 0;
};

// With no model the frames are decoded and shown: what decoding alone allows.
std::string stream_text(const Settings &settings, int index) {
  const std::string number = std::to_string(index);
  const std::string infer = "infer" + number;
  const std::string source =
      "filesrc location=\"" + settings.clip + "\" ! decodebin ! clocksync ! ";
  const std::string sink =
      "fakesink name=sink" + number + " sync=true qos=false max-lateness=20000000 ";
  if (settings.model.empty()) return source + "queue ! " + sink;
  return source + "w2lfacecache box=\"" + settings.box + "\" ! queue ! " + infer +
         ".sink w2linfer name=" + infer + " model=\"" + settings.model +
         "\" device=" + settings.device + " precision=" + settings.precision + " " + infer +
         ".src ! queue ! w2lpatch ! " + sink + "filesrc location=\"" + settings.speech +
         "\" ! decodebin ! clocksync ! queue ! " + infer + ".audio ";
}

class Pipeline {
 public:
  explicit Pipeline(const Settings &settings) : settings_(settings) {
    std::string text;
    for (int i = 0; i < settings.streams; ++i) text += stream_text(settings, i);
    GError *error = nullptr;
    pipeline_ = gst_parse_launch_full(text.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
    if (!pipeline_) throw std::runtime_error(error->message);
    // Time for all streams to get going: the clock's zero is that much later.
    gst_pipeline_set_delay(GST_PIPELINE(pipeline_), kStartTime);
  }
  ~Pipeline() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  Pipeline(const Pipeline &) = delete;
  Pipeline &operator=(const Pipeline &) = delete;

  void play() { w2l::test::play_to_end(pipeline_); }

  // Sums over the streams.
  Json counts() const {
    Json json;
    json["streams"] = settings_.streams;
    json["shown"] = sum("sink", "rendered");
    json["dropped"] = sum("sink", "dropped");
    if (settings_.model.empty()) return json;
    for (const char *field : {"frames", "patched", "passed", "late"})
      json[field] = sum("infer", field);
    return json;
  }

 private:
  guint64 sum(const std::string &element, const char *field) const {
    guint64 total = 0;
    for (int i = 0; i < settings_.streams; ++i) {
      GstElement *found =
          gst_bin_get_by_name(GST_BIN(pipeline_), (element + std::to_string(i)).c_str());
      GstStructure *stats = nullptr;
      g_object_get(found, "stats", &stats, nullptr);
      guint64 value = 0;
      gst_structure_get_uint64(stats, field, &value);
      total += value;
      gst_structure_free(stats);
      gst_object_unref(found);
    }
    return total;
  }

  Settings settings_;
  GstElement *pipeline_ = nullptr;
};

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3 && argc != 8) {
    std::fprintf(stderr,
                 "usage: bench-live-streams STREAMS CLIP [SPEECH MODEL DEVICE PRECISION "
                 "'<X1,Y1,X2,Y2>']\n");
    return 2;
  }
  gst_init(nullptr, nullptr);
  try {
    Settings settings;
    settings.streams = std::atoi(argv[1]);
    settings.clip = argv[2];
    if (argc == 8) {
      settings.speech = argv[3];
      settings.model = argv[4];
      settings.device = argv[5];
      settings.precision = argv[6];
      settings.box = argv[7];
    }
    Pipeline pipeline(settings);
    const double before = cpu_seconds();
    pipeline.play();
    Json json = pipeline.counts();
    json["cpu_seconds"] = cpu_seconds() - before;
    std::cout << json.dump() << std::endl;
  } catch (const std::exception &error) {
    std::cout << Json{{"error", error.what()}}.dump() << std::endl;
    return 1;
  }
}
