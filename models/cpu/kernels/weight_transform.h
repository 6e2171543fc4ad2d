// gst-wav2lip: what is done with each weight of a Winograd convolution before it is packed, on
// vectors, as opening a network waits for it. Compiled once per instruction set.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace w2l {

// One matrix's points in one dimension.
struct WinogradPoint {
  // How the three taps of a filter become the point: a row of Lavin and Gray's G.
  double taps[3];
  // The sums of the positive and of the negative factors of the input's transform, their B.
  double positive, negative;
};

// Of the weights of one matrix and output channel.
struct WeightMagnitudes {
  double largest;
  double largest_sum;  // of kExactChannels successive ones
};

// Rows of weights have room for a multiple of so many, and zeros there.
constexpr int kWeightsRoundedUp = 16;

struct WeightTransform {
  // Filters of `in` input channels, [9][step], to their weights in all matrices, [edge][edge][step].
  void (*transform)(const double *filters, int in, const WinogradPoint *points, int edge,
                    std::size_t step, double *weights);
  WeightMagnitudes (*magnitudes)(const double *weights, int in);
  // To the nearest of weight * scale.
  void (*round)(const double *weights, int in, double scale, std::int32_t *rounded);
};

// For the CPU this runs on.
const WeightTransform &best_weight_transform();

}  // namespace w2l
