// gst-wav2lip: what can go wrong between a checkpoint file and an answer, as one typed error.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace w2l {

enum class ErrorCode {
  NotFound,        // a file does not exist
  OpenRead,        // a file exists but cannot be read
  Format,          // bytes are not what they should be: truncated, hostile, not a checkpoint
  Unsupported,     // well-formed, but not something this build can run (family, precision, value)
  NoDevice,        // the asked-for device is not there
  UnusableDevice,  // it is there, but it or its driver is too old, or not ready
  NoLibrary,       // a backend or a library that it needs is not installed
  OutOfMemory,
  Failed,  // the computation itself failed
};

// what() is one line a user can act on: what, where and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string &message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace w2l
