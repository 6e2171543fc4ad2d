// gst-lipsync-1.0: a face video and a speech file become one lip-synced MP4.
// Options -> probe -> plan -> run -> report; every failure ends here as one line.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "demo.h"
#include "early_engine.h"
#include "media_probe.h"
#include "options.h"
#include "output_file.h"
#include "pipeline_text.h"
#include "report.h"
#include "runner.h"
#include "user_error.h"

namespace {

using namespace lipsync;
namespace fs = std::filesystem;

// Until the runner has something to clean up, Ctrl-C just ends the process with its status.
void exit_at_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { _exit(kExitInterrupted); };
  for (int signal : heeded_signals()) sigaction(signal, &action, nullptr);
  // A limit of file sizes is a failure to write, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
}

// Of the report itself: it must not be written, not even to say so.
class ReportError : public UserError {
 public:
  using UserError::UserError;
};

bool same_file(const std::string &a, const std::string &b) {
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  return fs::weakly_canonical(a, error) == fs::weakly_canonical(b, error);  // not there yet
}

// Before anything can fail: failures are reported in the file as well.
void protect_from_report(const Options &options) {
  if (options.json.empty() || options.json == "-") return;
  const std::pair<const char *, std::string> named[] = {
      {"--face", options.face},
      {"--audio", options.audio},
      {"--checkpoint_path", options.checkpoint_path},
      {"--outfile", options.outfile}};
  for (const auto &[flag, file] : named)
    if (!file.empty() && same_file(options.json, file))
      throw ReportError(
          "--json \"" + options.json + "\" is the file of " + flag + " too: choose another name",
          kExitUsage);
}

void check_json_file(const std::string &file) {
  if (file.empty() || file == "-") return;
  if (!std::ofstream(file, std::ios::app))
    throw UserError("--json \"" + file + "\" cannot be written: choose another name", kExitUsage);
}

// Empty when every frame had a face, or faces were not looked for, which the elements say.
std::string missing_face_warning(const Options &options, const RunResult &result) {
  const long missing = count_of(result, "w2lfacecache", "missing");
  if (missing == 0) return "";
  const char place[] = "give its place with --box TOP BOTTOM LEFT RIGHT if there is one";
  if (count_of(result, "w2linfer", "patched") == 0)
    return "no face was found in \"" + options.face + "\": the output shows it unchanged; " + place;
  return "no face was found in " + std::to_string(missing) + " frames of \"" + options.face +
         "\": they are unchanged; " + place;
}

// A file that was cut off still plays up to the cut. Empty when the length is what the file says.
std::string short_video_warning(const Options &options, const VideoFacts &face,
                                const RunResult &result) {
  if (!result.audio_cut || face.image || options.still || !GST_CLOCK_TIME_IS_VALID(face.duration))
    return "";
  // Sound tracks of the same file often last a little longer than the picture.
  const GstClockTime tolerance = GST_SECOND + face.duration / 20;
  if (result.video_duration + tolerance >= face.duration) return "";
  char text[128];
  std::snprintf(text, sizeof text, "ends after %.1f s, but the file says %.1f s: it may be damaged",
                static_cast<double>(result.video_duration) / GST_SECOND,
                static_cast<double>(face.duration) / GST_SECOND);
  return "the picture of \"" + options.face + "\" " + text;
}

int run(Options options, EarlyEngine *engine) {
  protect_from_report(options);
  const DemoNotes demo = use_demo(&options);
  protect_from_report(options);
  VideoFacts face;
  AudioFacts audio;
  require_file("--face", options.face);
  require_file("--audio", options.audio);
  require_file("--checkpoint_path", options.checkpoint_path);
  if (options.print_pipeline) {
    face = probe_video("--face", options.face);
    audio = probe_audio("--audio", options.audio);
    std::printf("%s\n", plan_pipeline(options, face, audio).text.c_str());
    if (std::fflush(stdout) != 0)
      throw UserError("--print-pipeline: standard output cannot be written");
    return kExitComplete;
  }

  OutputFile output(options.outfile, {options.face, options.audio, options.checkpoint_path});
  check_json_file(options.json);
  engine->start(options);
  face = probe_video("--face", options.face);
  audio = probe_audio("--audio", options.audio);
  const Plan plan = plan_pipeline(options, face, audio);

  if (!options.quiet && !demo.notice.empty()) print_notice(demo.notice);
  if (!demo.warning.empty()) print_warning(demo.warning);
  RunResult result = run_pipeline(options, plan, &output);
  if (!demo.warning.empty()) result.warnings.insert(result.warnings.begin(), demo.warning);
  if (result.interrupted) {
    if (!options.json.empty()) write_json_result(options.json, options, face, audio, plan, result);
    print_error("interrupted: no output was written");
    return kExitInterrupted;
  }
  for (const std::string &warning :
       {missing_face_warning(options, result), short_video_warning(options, face, result)}) {
    if (warning.empty()) continue;
    result.warnings.push_back(warning);
    print_warning(warning);
  }
  if (!options.json.empty()) write_json_result(options.json, options, face, audio, plan, result);
  if (!options.quiet)
    std::fprintf(options.json == "-" ? stderr : stdout, "%s\n",
                 summary_line(options, plan, result).c_str());
  return kExitComplete;
}

int run_reporting_errors(const Options &options, EarlyEngine *engine) {
  std::string message;
  int status = kExitFailed;
  try {
    return run(options, engine);
  } catch (const ReportError &error) {
    print_error(error.what());
    return error.status();
  } catch (const UserError &error) {
    message = error.what();
    status = error.status();
  } catch (const std::exception &error) {
    message = std::string("unexpected failure: ") + error.what();
  }
  print_error(message);
  if (!options.json.empty()) {
    try {
      write_json_error(options.json, message, status);
    } catch (const std::exception &) {
      // The one line about the cause is out; a second about the report would hide it.
    }
  }
  return status;
}

}  // namespace

int main(int argc, char **argv) {
  exit_at_signals();
  Options options;
  try {
    options = parse_options({argv + 1, argv + argc});
  } catch (const UserError &error) {
    print_error(error.what());
    return error.status();
  }
  if (options.help) {
    std::fputs(help_text().c_str(), stdout);
    return kExitComplete;
  }
  if (options.version) {
    std::puts("gst-lipsync-1.0 " W2L_VERSION);
    return kExitComplete;
  }
  gst_init(nullptr, nullptr);
  EarlyEngine engine;
  const int status = run_reporting_errors(options, &engine);
#ifndef __SANITIZE_ADDRESS__  // which looks for leaks at the end
  // All that is ours is closed by now, or is not needed any more: to give its memory back piece by
  // piece takes some hundredths of a second.
  std::fflush(nullptr);
  std::_Exit(status);
#endif
  return status;
}
