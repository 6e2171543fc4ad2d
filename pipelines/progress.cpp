// gst-lipsync-1.0: progress on a terminal and in logs.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace lipsync {
namespace {

constexpr double kLineInterval = 10;  // seconds between lines in a log
constexpr int kBarWidth = 24;

std::string clock_text(double seconds) {
  const long whole = std::lround(seconds);
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%02ld:%02ld", whole / 60, whole % 60);
  return text;
}

}  // namespace

std::string progress_line(long frames, long total, double seconds, int bar_width) {
  const double fps = seconds > 0 ? frames / seconds : 0;
  char text[160];
  if (total <= 0) {
    std::snprintf(text, sizeof text, "%ld frames  %.1f fps", frames, fps);
    return text;
  }
  const double done = std::clamp(static_cast<double>(frames) / total, 0.0, 1.0);
  std::string bar;
  if (bar_width > 0) {
    const int filled = static_cast<int>(done * bar_width);
    bar = "[" + std::string(filled, '#') + std::string(bar_width - filled, '-') + "] ";
  }
  const std::string left = fps > 0 ? clock_text(std::max(0L, total - frames) / fps) : "--:--";
  std::snprintf(text, sizeof text, "%3d%%  %ld/%ld frames  %.1f fps  %s left",
                static_cast<int>(done * 100), frames, total, fps, left.c_str());
  return bar + text;
}

Progress::Progress(std::FILE *stream, bool quiet)
    : stream_(stream),
      quiet_(quiet),
      terminal_(isatty(fileno(stream))),
      next_line_(kLineInterval) {}

Progress::~Progress() {
  clear();
}

void Progress::update(long frames, long total, double seconds) {
  if (quiet_) return;
  if (terminal_) {
    std::fprintf(stream_, "\r%s\033[K", progress_line(frames, total, seconds, kBarWidth).c_str());
    std::fflush(stream_);
    drawn_ = true;
  } else if (seconds >= next_line_) {
    std::fprintf(stream_, "%s\n", progress_line(frames, total, seconds, 0).c_str());
    next_line_ += kLineInterval;
  }
}

void Progress::clear() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stream_);
  std::fflush(stream_);
  drawn_ = false;
}

}  // namespace lipsync
