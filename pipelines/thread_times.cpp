// gst-lipsync-1.0: reads /proc/self/task.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "thread_times.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace lipsync {

std::map<std::string, double> thread_times() {
  namespace fs = std::filesystem;
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::map<std::string, double> times;
  std::error_code error;
  for (const fs::directory_entry &task : fs::directory_iterator("/proc/self/task", error)) {
    std::string name, stat;
    std::getline(std::ifstream(task.path() / "comm"), name);
    std::getline(std::ifstream(task.path() / "stat"), stat);
    // The name in stat's parentheses may hold anything; utime and stime are the 12th and 13th
    // fields behind it.
    const std::size_t behind = stat.rfind(')');
    if (behind == std::string::npos) continue;  // it has ended meanwhile
    std::istringstream fields(stat.substr(behind + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    times[name] += (user + system) / ticks;
  }
  return times;
}

}  // namespace lipsync
