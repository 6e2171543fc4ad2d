// gst-lipsync-1.0: a bar that redraws itself on a terminal, a line now and then elsewhere.
// GStreamer-free; the runner calls update() from a timer.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdio>
#include <string>

namespace lipsync {

// "[#####-----]  50%  125/250 frames  24.8 fps  00:05 left"; total 0 = unknown.
std::string progress_line(long frames, long total, double seconds, int bar_width);

class Progress {
 public:
  // Draws on `stream`, as a bar if that is a terminal.
  Progress(std::FILE *stream, bool quiet);
  ~Progress();  // leaves the bar's line

  // `seconds` since the start of the run.
  void update(long frames, long total, double seconds);
  // Removes the bar so that something else can be printed; the next update() draws it again.
  void clear();

 private:
  std::FILE *stream_;
  bool quiet_;
  bool terminal_;
  bool drawn_ = false;
  double next_line_;  // seconds
};

}  // namespace lipsync
