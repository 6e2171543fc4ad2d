// gst-wav2lip tests: starts a program and waits for it. Used by the app tests and the benchmark.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace w2l::test {

struct Finished {
  int status = -1;          // exit status, or 128 + signal
  std::string out, err;     // what it wrote
  double seconds = 0;       // of wall time
  double cpu_seconds = 0;   // user and system
  long peak_kilobytes = 0;  // resident
};

class Subprocess {
 public:
  // `environment` adds "NAME=value" to this process's environment.
  explicit Subprocess(const std::vector<std::string> &arguments,
                      const std::vector<std::string> &environment = {});
  ~Subprocess();  // kills it when it was not waited for
  Subprocess(const Subprocess &) = delete;
  Subprocess &operator=(const Subprocess &) = delete;

  void signal(int number);
  Finished wait();

 private:
  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;  // unlinked files: a pipe would block a talkative child
  double start_ = 0;
};

Finished run(const std::vector<std::string> &arguments,
             const std::vector<std::string> &environment = {});

}  // namespace w2l::test
