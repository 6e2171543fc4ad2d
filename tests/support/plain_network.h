// gst-wav2lip tests: the network as its definition says, by plain loops over planes in double
// precision, one picture at a time: nothing folded, packed, fused or left out. What accuracy is
// measured against, and answers are compared with where there is no recording.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "engine.h"
#include "network/network.h"

namespace w2l::test {

// The most that a picture's bytes, from one on, are from the values 0..1 that they should be of, in
// levels. A byte stands for all values that are truncated to it.
double levels_off(const std::vector<std::uint8_t> &picture, const std::vector<double> &expected,
                  std::size_t first = 0);

// What a precision may be off by that measure with the sample networks.
constexpr std::pair<Precision, double> kMostLevelsOff[] = {
    {Precision::Fp32, 255e-4}, {Precision::Tf32, 2}, {Precision::Fp16, 2}, {Precision::Bf16, 16}};

class PlainNetwork {
 public:
  explicit PlainNetwork(const std::string &checkpoint);

  // The answer's picture in 0..1, edge x edge x 3 as in the crop.
  std::vector<double> answer(const std::uint8_t *crop, const float *mel) const;

 private:
  struct Planes {
    std::int64_t channels = 0, height = 0, width = 0;
    std::vector<double> values;

    Planes(std::int64_t channels, std::int64_t height, std::int64_t width);
    double &at(std::int64_t c, std::int64_t y, std::int64_t x);
    double at(std::int64_t c, std::int64_t y, std::int64_t x) const;
  };
  struct PlainLayer {
    Layer layer;
    std::vector<float> weight, bias;
    // Batch-norm's; empty in a layer without.
    std::vector<float> scale, shift, mean, variance;
  };

  static PlainLayer read(const Checkpoint &checkpoint, const Layer &layer);
  static Planes run(const PlainLayer &layer, const Planes &x);
  static Planes convolve(const PlainLayer &layer, const Planes &x);
  static void normalize(const PlainLayer &layer, Planes &x);
  static void append(Planes &to, const Planes &more);

  Family family_;
  std::vector<PlainLayer> face_, speech_;  // speech: audio encoder, decoder, output
};

}  // namespace w2l::test
