// gst-wav2lip tests: made-up faces and speech for a 96-pixel network, a pure function of a number.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "engine.h"
#include "formula_weights.h"

namespace w2l::test {

struct SampleInput {
  std::vector<std::uint8_t> crop = std::vector<std::uint8_t>(96 * 96 * 3);
  std::vector<float> mel = std::vector<float>(80 * 16);

  explicit SampleInput(int number) {
    const std::string name = "sample" + std::to_string(number);
    // Blocks of 8 pixels rather than noise, so that neighbouring layers see structure.
    for (std::size_t i = 0; i < crop.size(); ++i) {
      const std::size_t row = i / (96 * 3), column = i / 3 % 96, channel = i % 3;
      const auto cell = static_cast<std::int64_t>((row / 8 * 12 + column / 8) * 3 + channel);
      crop[i] = static_cast<std::uint8_t>(formula_uniform(name + ".crop", cell) * 256);
    }
    for (std::size_t i = 0; i < mel.size(); ++i)
      mel[i] =
          static_cast<float>(formula_uniform(name + ".mel", static_cast<std::int64_t>(i)) * 8 - 4);
  }

  Sample sample() const { return {{crop.data(), 96, 96}, mel.data()}; }
};

inline std::vector<SampleInput> sample_inputs(int count) {
  std::vector<SampleInput> inputs;
  for (int i = 0; i < count; ++i) inputs.emplace_back(i);
  return inputs;
}

inline std::vector<Sample> samples_of(const std::vector<SampleInput> &inputs) {
  std::vector<Sample> samples;
  for (const SampleInput &input : inputs) samples.push_back(input.sample());
  return samples;
}

}  // namespace w2l::test
