// gst-lipsync-1.0: the one-line summary and the --json result.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "media_probe.h"
#include "options.h"
#include "pipeline_text.h"
#include "runner.h"

namespace lipsync {

// A counter of an element's stats, such as "patched" of "w2linfer"; 0 when there is none.
long count_of(const RunResult &result, const char *element, const char *field);

std::string summary_line(const Options &options, const Plan &plan, const RunResult &result);

// Throw UserError when the file cannot be written; `file` "-" is standard output.
void write_json_result(const std::string &file, const Options &options, const VideoFacts &face,
                       const AudioFacts &audio, const Plan &plan, const RunResult &result);
void write_json_error(const std::string &file, const std::string &message, int exit_status);

}  // namespace lipsync
