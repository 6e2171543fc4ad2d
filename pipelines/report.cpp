// gst-lipsync-1.0: what a run came to, for people and for programs.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "user_error.h"

namespace lipsync {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const GstStructure *structure);

Json to_json(const GValue *value) {
  if (G_VALUE_HOLDS_BOOLEAN(value)) return g_value_get_boolean(value) != FALSE;
  if (G_VALUE_HOLDS_INT(value)) return g_value_get_int(value);
  if (G_VALUE_HOLDS_UINT(value)) return g_value_get_uint(value);
  if (G_VALUE_HOLDS_INT64(value)) return g_value_get_int64(value);
  if (G_VALUE_HOLDS_UINT64(value)) return g_value_get_uint64(value);
  if (G_VALUE_HOLDS_DOUBLE(value)) return g_value_get_double(value);
  if (G_VALUE_HOLDS_STRING(value)) {
    const gchar *text = g_value_get_string(value);
    return text ? Json(text) : Json(nullptr);
  }
  if (GST_VALUE_HOLDS_STRUCTURE(value)) return to_json(gst_value_get_structure(value));
  g_autofree gchar *text = gst_value_serialize(value);
  return text ? Json(text) : Json(nullptr);
}

Json to_json(const GstStructure *structure) {
  Json json = Json::object();
  if (!structure) return json;
  for (gint i = 0; i < gst_structure_n_fields(structure); ++i) {
    const gchar *name = gst_structure_nth_field_name(structure, i);
    json[name] = to_json(gst_structure_get_value(structure, name));
  }
  return json;
}

Json seconds_or_null(GstClockTime time) {
  if (!GST_CLOCK_TIME_IS_VALID(time)) return nullptr;
  return static_cast<double>(time) / GST_SECOND;
}

void write(const std::string &file, const Json &json) {
  // Paths need not be UTF-8: bytes that are not become U+FFFD.
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (file == "-") {
    if (!(std::cout << text << std::flush))
      throw UserError("--json -: standard output cannot be written: choose a file");
    return;
  }
  std::ofstream stream(file, std::ios::trunc);
  stream << text << std::flush;
  if (!stream) throw UserError("--json \"" + file + "\" cannot be written: choose another name");
}

}  // namespace

long count_of(const RunResult &result, const char *element, const char *field) {
  for (const StageStats &stage : result.stages) {
    if (stage.element != element) continue;
    const GValue *value = gst_structure_get_value(stage.stats.get(), field);
    const Json json = value ? to_json(value) : Json(nullptr);
    if (json.is_number()) return json.get<long>();
  }
  return 0;
}

std::string summary_line(const Options &options, const Plan &plan, const RunResult &result) {
  char text[256];
  std::snprintf(text, sizeof text,
                ": %ld frames (%ld lip-synced), %.2f s of %dx%d video; took %.1f s, %.1f frames/s",
                result.frames, count_of(result, "w2linfer", "patched"),
                static_cast<double>(result.video_duration) / GST_SECOND, plan.width, plan.height,
                result.seconds, result.seconds > 0 ? result.frames / result.seconds : 0.0);
  return options.outfile + text;
}

void write_json_result(const std::string &file, const Options &options, const VideoFacts &face,
                       const AudioFacts &audio, const Plan &plan, const RunResult &result) {
  std::error_code error;
  Json json;
  json["result"] = result.interrupted ? "interrupted" : "complete";
  json["exit_status"] = result.interrupted ? kExitInterrupted : kExitComplete;
  json["frames"] = result.frames;
  json["patched"] = count_of(result, "w2linfer", "patched");
  json["open_seconds"] = result.open_seconds;
  json["seconds"] = result.seconds;
  json["fps"] = result.seconds > 0 ? result.frames / result.seconds : 0.0;
  json["face"] = {{"path", options.face},
                  {"width", face.width},
                  {"height", face.height},
                  {"fps", face.fps_d > 0 ? static_cast<double>(face.fps_n) / face.fps_d : 0.0},
                  {"image", face.image},
                  {"orientation", face.orientation},
                  {"duration", seconds_or_null(face.duration)}};
  json["audio"] = {{"path", options.audio},
                   {"rate", audio.rate},
                   {"channels", audio.channels},
                   {"duration", seconds_or_null(audio.duration)}};
  json["output"] = {{"path", options.outfile},
                    {"width", plan.width},
                    {"height", plan.height},
                    {"duration", seconds_or_null(result.video_duration)},
                    {"audio_cut", result.audio_cut}};
  if (!result.interrupted) {
    const std::uintmax_t bytes = std::filesystem::file_size(options.outfile, error);
    json["output"]["bytes"] = error ? Json(nullptr) : Json(bytes);
  }
  json["stages"] = Json::object();
  for (const StageStats &stage : result.stages)
    json["stages"][stage.element] = to_json(stage.stats.get());
  json["thread_seconds"] = result.thread_seconds;
  json["warnings"] = result.warnings;
  json["pipeline"] = plan.text;
  write(file, json);
}

void write_json_error(const std::string &file, const std::string &message, int exit_status) {
  write(file, Json{{"result", "error"}, {"exit_status", exit_status}, {"message", message}});
}

}  // namespace lipsync
