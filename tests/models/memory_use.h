// gst-wav2lip tests: memory of this process as the kernel counts it, in MiB.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <fstream>
#include <string>

namespace w2l::test {

// One line of /proc/self/status: "VmRSS" is the memory now, "VmHWM" the most there ever was.
inline double memory_mib(const std::string &field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, field.size() + 1, field + ":") == 0)
      return std::stod(line.substr(field.size() + 1)) / 1024;
  return 0;
}

// Makes VmHWM start again from now.
inline void reset_memory_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

}  // namespace w2l::test
