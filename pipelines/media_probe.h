// gst-lipsync-1.0: what the input files hold, asked before a pipeline is built.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

namespace lipsync {

struct VideoFacts {
  int width = 0;  // as decoded, before any rotation
  int height = 0;
  int par_n = 1, par_d = 1;
  int fps_n = 0, fps_d = 1;  // 0/1 = variable or unknown
  bool image = false;
  std::string orientation;  // GStreamer's image-orientation tag; empty = upright
  bool tagged = true;       // the decoded stream has this tag
  GstClockTime duration = GST_CLOCK_TIME_NONE;  // of the file
};

struct AudioFacts {
  int rate = 0;
  int channels = 0;
  bool positioned = true;  // false: which loudspeaker a channel is for is not known
  GstClockTime duration = GST_CLOCK_TIME_NONE;  // of the file
};

// Both throw UserError when `path` is missing, empty, unreadable or has no such stream; `flag` is
// the option that named it.
VideoFacts probe_video(const std::string &flag, const std::string &path);
AudioFacts probe_audio(const std::string &flag, const std::string &path);

// Throws UserError unless `path` is a readable file that is not empty.
void require_file(const std::string &flag, const std::string &path);

// file:// URI in which every character that a shell or a launch line could misread is escaped.
std::string file_uri(const std::string &path);

}  // namespace lipsync
