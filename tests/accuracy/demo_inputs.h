// gst-wav2lip tests: the faces and speech of the demo, as the network meets them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace w2l::test {

struct NetworkInputs {
  int count = 0;
  std::vector<std::uint8_t> crops;  // count x 96 x 96 x 3, BGR
  std::vector<float> mels;          // count x 80 x 16
};

// `count` frames, spread over the clip, each with what is spoken at its time. `folder` holds
// demo-face.mp4 and demo-speech.wav. Throws std::runtime_error.
NetworkInputs demo_inputs(const std::string &folder, int count);

}  // namespace w2l::test
