// gst-lipsync-1.0: the pipeline as one launch string, from the options and what the files hold.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "media_probe.h"
#include "options.h"

namespace lipsync {

// The element that makes the soundtrack. AAC encoders start with silence (priming) that MP4
// players would play: the Soundtrack takes it out again.
struct AacEncoder {
  const char *element;
  int priming_samples;
};

struct Plan {
  std::string text;  // works in gst_parse_launch() and, pasted after gst-launch-1.0, in a shell
  int width = 0;     // of the output
  int height = 0;
  double fps = 0;            // 0 = variable
  long expected_frames = 0;  // 0 = unknown
  AacEncoder aac{};
  bool audio_surely_longer = false;  // than the video; when unsure, the run will show it
};

// Throws UserError when an option does not fit the files (a box outside the frame), or an element
// is not installed. `face` and `audio` are those of options.face and options.audio.
Plan plan_pipeline(const Options &options, const VideoFacts &face, const AudioFacts &audio);

// The pipeline's w2linfer, as a launch string.
std::string infer_stage(const Options &options);

// A value of a property in a launch string: in double quotes, safe in a shell too.
std::string launch_quoted(const std::string &value);

// How many frames the reference makes from `seconds` of audio: up to the first window of 16 mel
// columns that overflows, which is the last one.
long frames_for_audio(double seconds, double fps);

}  // namespace lipsync
