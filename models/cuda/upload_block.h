// gst-wav2lip: how a launch's inputs lie in the one block that is copied to the GPU for it. What
// each sample needs ends at the block's middle and what each new crop needs begins there, so that
// any two counts are one piece, and addresses depend on one count alone, as graphs want it. Pixels
// come last: crops have sizes of their own, and only what there is of them is copied.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel_args.h"

namespace w2l {

class UploadBlock {
 public:
  // For up to `most` samples and as many new crops of up to `crop_bytes`.
  UploadBlock(int most, std::size_t crop_bytes, std::size_t mel_bytes)
      : mel_bytes_(mel_bytes),
        middle_(aligned(times(most, sizeof(std::int32_t) + mel_bytes))),
        bytes_(pixels(most) + times(most, crop_bytes)) {}

  std::size_t bytes() const { return bytes_; }

  // Offsets. Of `samples` samples: the feature slot of each, the speech of each.
  std::size_t slots(int samples) const {
    return mels(samples) - times(samples, sizeof(std::int32_t));
  }
  std::size_t mels(int samples) const { return middle_ - times(samples, mel_bytes_); }
  // Of `crops` new crops: the place of each among the pixels, the feature slot of each, all pixels.
  std::size_t places() const { return middle_; }
  std::size_t new_slots(int crops) const { return middle_ + times(crops, sizeof(CropPlace)); }
  std::size_t pixels(int crops) const {
    return new_slots(crops) + times(crops, sizeof(std::int32_t));
  }

  // What is to be copied for them: [first, end).
  std::size_t first(int samples) const { return slots(samples); }
  std::size_t end(int crops, std::size_t pixel_bytes) const { return pixels(crops) + pixel_bytes; }

 private:
  static constexpr std::size_t kAlignment = 256;

  static std::size_t times(int count, std::size_t bytes) {
    return static_cast<std::size_t>(count) * bytes;
  }
  static std::size_t aligned(std::size_t offset) {
    return (offset + kAlignment - 1) / kAlignment * kAlignment;
  }

  std::size_t mel_bytes_, middle_, bytes_;
};

}  // namespace w2l
