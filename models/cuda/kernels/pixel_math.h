// gst-wav2lip: what faces, mels and answers compute for one pixel, shared by the kernels and their
// twins on the CPU, so that both give the same bytes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>

#include "half_numbers.h"

namespace w2l {

constexpr int kPictureChannels = 3;

// Not by multiplication with 1/255, which is another number for some bytes.
W2L_HOST_DEVICE inline float unit_of_byte(std::uint8_t byte) {
  return static_cast<float>(byte) / 255.0f;
}

// kChannelStep numbers for one pixel of a face; `black` in the lower half.
template <Number number>
W2L_HOST_DEVICE inline void face_pixel(const std::uint8_t *bgr, bool black,
                                       typename Storage<number>::Type *to) {
  for (int c = 0; c < kPictureChannels; ++c) {
    const auto stored = Storage<number>::store(unit_of_byte(bgr[c]));
    to[c] = black ? Storage<number>::store(0.0f) : stored;
    to[kPictureChannels + c] = stored;
  }
  for (int c = 2 * kPictureChannels; c < kChannelStep; ++c) to[c] = Storage<number>::store(0.0f);
}

template <Number number>
W2L_HOST_DEVICE inline void mel_pixel(float value, typename Storage<number>::Type *to) {
  to[0] = Storage<number>::store(value);
  for (int c = 1; c < kChannelStep; ++c) to[c] = Storage<number>::store(0.0f);
}

// NaN gives 0.
W2L_HOST_DEVICE inline std::uint8_t byte_of_logit(float logit) {
  const float scaled = 1.0f / (1.0f + expf(-logit)) * 255.0f;
  if (!(scaled > 0.0f)) return 0;
  return static_cast<std::uint8_t>(scaled < 255.0f ? scaled : 255.0f);
}

// One channel's share of the three sums of an answer's pixel, which start as the bias; `weights`
// are the channel's in [3][channels]. fmaf: every compiler rounds it once.
W2L_HOST_DEVICE inline void add_answer_channel(float value, const float *weights, int channels,
                                               float sums[kPictureChannels]) {
  for (int c = 0; c < kPictureChannels; ++c) sums[c] = fmaf(value, weights[c * channels], sums[c]);
}

}  // namespace w2l
