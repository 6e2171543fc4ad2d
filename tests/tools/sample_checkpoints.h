// gst-wav2lip tests: ready-made checkpoint files, good and bad ones.
// The checkpoint maker is a command line around it; model tests call it directly.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "checkpoint_writer.h"

namespace w2l::test {

struct SampleOptions {
  std::string kind = "wav2lip";  // wav2lip, s3fd, hostile, unknown, torchscript
  bool legacy = false;
  int divide = 1;  // of the channel counts of wav2lip; 1, 2, 4, 8 or 16
  Dtype dtype = Dtype::Float32;
  bool with_optimizer = false;  // Adam's two moments, all zeros
  bool bare = false;            // the state_dict itself instead of {"state_dict": ...}
  std::string prefix;           // of every key: "module."
};

// Throws std::invalid_argument for unknown options, std::runtime_error for a write error.
void write_sample(const std::string &path, const SampleOptions &options);

}  // namespace w2l::test
