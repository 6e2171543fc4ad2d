// gst-lipsync-1.0: runs the planned pipeline to its end, an error or a signal.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "options.h"
#include "output_file.h"
#include "pipeline_text.h"

namespace lipsync {

struct StageStats {
  std::string element;  // "w2linfer"
  std::shared_ptr<GstStructure> stats;
};

struct RunResult {
  bool interrupted = false;
  long frames = 0;
  double open_seconds = 0;  // of wall time, until the network was loaded
  double seconds = 0;       // of wall time, that included
  GstClockTime video_duration = 0;
  bool audio_cut = false;                        // it was longer than the video
  std::vector<StageStats> stages;                // of the elements that offer a stats property
  std::map<std::string, double> thread_seconds;  // of CPU time, by thread name
  std::vector<std::string> warnings;             // as printed
};

// Those that end a run. What was ignored from the start stays so: nohup and `&` in scripts do that.
std::vector<int> heeded_signals();

// Prints progress and warnings to standard error. The output is complete and under its name when
// this returns and `interrupted` is false; otherwise nothing is left of it. Throws UserError.
RunResult run_pipeline(const Options &options, const Plan &plan, OutputFile *output);

// Lines for the user: "gst-lipsync-1.0: warning: ...", always one line each.
void print_notice(const std::string &text);
void print_warning(const std::string &text);
void print_error(const std::string &text);

}  // namespace lipsync
