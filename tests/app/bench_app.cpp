// gst-wav2lip benchmark: the whole program on a 720p clip, as it is and looped six times.
// `meson test --benchmark` runs it; prints one JSON object. Needs W2L_TEST_DATA and LibTorch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "media_file.h"
#include "subprocess.h"
#include "temporary_folder.h"

namespace {

using namespace w2l::test;
using Json = nlohmann::ordered_json;

// Long enough that starting and draining do not decide the comparison.
constexpr int kClipRepeats = 6;    // of 5 s
constexpr int kSpeechRepeats = 3;  // of 11 s
constexpr int kLaps = 6;
constexpr int kSkipped = 77;  // meson's exit status for it

std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

// The same encoder for one lap and for six, so that both cost the same to decode.
void make_video(const std::string &clip, int laps, const std::string &out) {
  std::string line =
      "concat name=laps ! identity single-segment=true ! videoconvert ! x264enc pass=qual "
      "quantizer=18 "
      "speed-preset=veryfast ! h264parse ! mp4mux ! filesink location=\"" +
      out + "\"";
  for (int i = 0; i < laps; ++i)
    line += " filesrc location=\"" + clip + "\" ! decodebin ! videoconvert ! queue ! laps.";
  launch(line);
}

void make_audio(const std::string &speech, int laps, const std::string &out) {
  std::string line =
      "concat name=laps ! identity single-segment=true ! audioconvert ! wavenc ! filesink "
      "location=\"" +
      out + "\"";
  for (int i = 0; i < laps; ++i)
    line += " filesrc location=\"" + speech + "\" ! wavparse ! audioconvert ! queue ! laps.";
  launch(line);
}

struct Measured {
  Finished process;
  Json json;
  double working() const {  // seconds without loading the network
    return json["seconds"].get<double>() - json["open_seconds"].get<double>();
  }
};

Measured measure(const TemporaryFolder &folder, const std::string &laps, const std::string &model,
                 const std::string &precision) {
  Measured result;
  result.process = run({variable("W2L_APP"), "--face", folder / (laps + ".mp4"), "--audio",
                        folder / (laps + ".wav"), "--checkpoint_path", model, "--outfile",
                        folder / "out.mp4", "--precision", precision, "--quiet", "--json", "-"},
                       {"W2L_BACKEND_PATH=" + variable("W2L_CPU_BACKEND")});
  if (result.process.status != 0) throw std::runtime_error(result.process.err);
  result.json = Json::parse(result.process.out);
  return result;
}

// What runs on the threads of each name; the network's threads are started by the main thread.
std::string stage_of(const std::string &thread) {
  const std::pair<const char *, const char *> table[] = {
      {"gst-lipsync", "network"}, {"decoded:", "find face"}, {"faces:", "crop"},
      {"infer:", "schedule"},     {"answers:", "blend"},     {"pictures:", "encode video"},
      {"qtdemux", "decode video"}};
  for (const auto &[prefix, stage] : table)
    if (thread.compare(0, std::string(prefix).size(), prefix) == 0) return stage;
  return "other";
}

// CPU time by stage, as shares of all that was counted.
Json stage_shares(const Json &threads) {
  double total = 0;
  for (const Json &seconds : threads) total += seconds.get<double>();
  std::map<std::string, double> shares;
  for (const auto &[name, seconds] : threads.items())
    shares[stage_of(name)] += seconds.get<double>() / total;
  return shares;
}

Json facts(const Measured &run) {
  const double frames = run.json["frames"].get<double>();
  const Json &infer = run.json["stages"]["w2linfer"];
  Json json;
  json["frames"] = run.json["frames"];
  json["precision"] = infer["precision"];
  json["wall_seconds"] = run.process.seconds;
  json["open_seconds"] = run.json["open_seconds"];
  json["frames_per_second"] = frames / run.process.seconds;
  json["frames_per_second_after_opening"] = frames / run.working();
  json["cpu_percent"] = 100 * run.process.cpu_seconds / run.process.seconds;
  json["peak_megabytes"] = run.process.peak_kilobytes / 1024.0;
  json["network_ms_per_frame"] = infer["network-ms-total"].get<double>() / frames;
  json["cpu_share_by_stage"] = stage_shares(run.json["thread_seconds"]);
  return json;
}

int bench() {
  const std::string data = variable("W2L_TEST_DATA");
  if (data.empty() || variable("W2L_CPU_BACKEND").empty()) {
    std::puts("SKIP: needs W2L_TEST_DATA and a build with LibTorch");
    return kSkipped;
  }
  TemporaryFolder folder;
  const std::string clip = data + "/assets/video/h00_frontal_1280x720_25fps.mp4";
  const std::string speech = data + "/assets/audio/en_jfk_16k_mono.wav";
  const std::string model = folder / "full.pth";
  if (run({variable("W2L_MAKE_CHECKPOINT"), "--out", model, "--format", "zip"}).status != 0)
    throw std::runtime_error("cannot make a checkpoint");
  make_video(clip, 1, folder / "warm.mp4");
  make_audio(speech, 1, folder / "warm.wav");
  make_video(clip, kClipRepeats, folder / "one.mp4");
  make_audio(speech, kSpeechRepeats, folder / "one.wav");
  make_video(clip, kLaps * kClipRepeats, folder / "six.mp4");
  make_audio(speech, kLaps * kSpeechRepeats, folder / "six.wav");

  // The first run also reads LibTorch and the checkpoint from disk.
  measure(folder, "warm", model, "auto");
  const Measured one = measure(folder, "one", model, "auto");
  const Measured six = measure(folder, "six", model, "auto");
  Json json;
  json["benchmark"] = "gst-lipsync-1.0, 1280x720 at 25 fps, full-width network";
  json["cores"] = sysconf(_SC_NPROCESSORS_ONLN);
  json["one_lap"] = facts(one);
  json["six_laps"] = facts(six);
  json["fp32_one_lap"] = facts(measure(folder, "one", model, "fp32"));
  json["time_ratio"] = six.process.seconds / one.process.seconds;
  json["time_ratio_after_opening"] = six.working() / one.working();
  json["memory_ratio"] =
      static_cast<double>(six.process.peak_kilobytes) / one.process.peak_kilobytes;
  std::cout << json.dump(2) << std::endl;
  return 0;
}

}  // namespace

int main() {
  gst_init(nullptr, nullptr);
  try {
    return bench();
  } catch (const std::exception &error) {
    std::fprintf(stderr, "bench_app: %s\n", error.what());
    return 1;
  }
}
