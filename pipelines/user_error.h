// gst-lipsync-1.0: a failure the user is told about in one line, with the exit status it means.
// Thrown anywhere below main(), caught there only.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace lipsync {

enum ExitStatus {
  kExitComplete = 0,  // the output file is complete
  kExitFailed = 1,
  kExitUsage = 2,
  kExitInterrupted = 130,  // SIGINT or SIGTERM, as a shell reports it
};

class UserError : public std::runtime_error {
 public:
  explicit UserError(const std::string &message, ExitStatus status = kExitFailed)
      : std::runtime_error(message), status_(status) {}
  ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

}  // namespace lipsync
