// gst-wav2lip: an engine's own copy of the samples that it is given. The backends' engines make it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <exception>
#include <vector>

#include "engine.h"

namespace w2l {

// Copies of a batch's inputs, one sample after the other.
struct Batch {
  struct Place {
    std::size_t offset;  // in `crops`
    int width, height;
  };

  int count = 0;
  std::vector<std::uint8_t> crops;
  std::vector<Place> places;
  std::vector<float> mels;
  int first_row = 0, end_row = 0;  // what the answers' valid rows will be

  Crop crop(int sample) const {
    const Place &place = places[static_cast<std::size_t>(sample)];
    return {&crops[place.offset], place.width, place.height};
  }
  const float *mel(int sample) const {
    return &mels[mels.size() / static_cast<std::size_t>(count) * static_cast<std::size_t>(sample)];
  }
};

// Throws Error(Unsupported) unless there are 1..info.max_batch samples with crops of sizes that the
// engine takes.
Batch copy_batch(const EngineInfo &info, const std::vector<Sample> &samples, Region region);

// Made by the first call, and only returned by later ones: there may be no memory for an Error by
// then. Engines call it when they are constructed.
const std::exception_ptr &out_of_memory_error();

// Nothing but an Error leaves an engine: an Error is passed on, anything else becomes one; that of
// memory that is out, if there is none for another.
std::exception_ptr as_engine_error(const std::exception_ptr &failure) noexcept;

}  // namespace w2l
