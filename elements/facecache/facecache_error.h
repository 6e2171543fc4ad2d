// gst-wav2lip: what can go wrong before the first frame is looked at; w2lfacecache turns it into
// a GStreamer error. what() is one line: what, where and what to do.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace w2l {

class FaceCacheError : public std::runtime_error {
 public:
  enum class Code {
    NotFound,  // no such model file
    OpenRead,  // the file is there, but cannot be read or is not what it should be
    Settings,  // a property's value makes no sense, or not for this video
  };

  FaceCacheError(Code code, const std::string &message)
      : std::runtime_error(message), code_(code) {}
  Code code() const noexcept { return code_; }

 private:
  Code code_;
};

}  // namespace w2l
