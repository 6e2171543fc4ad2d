// gst-wav2lip: how a convolution is cut into tiles for a GPU, known to its kernel and to
// conv_plan.h. As a matrix product: a row for each output pixel that is needed, a column for each
// output channel; what is summed up are taps x input channels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "conv_taps.h"

namespace w2l {

struct ConvTile {
  int rows, columns;
  int threads;  // each warp computes rows x columns / (threads / 32)
};

constexpr int kConvTileKinds = 4;
W2L_HOST_DEVICE constexpr ConvTile conv_tile(int kind) {
  constexpr ConvTile kTiles[kConvTileKinds] = {
      {128, 128, 256}, {128, 64, 128}, {64, 64, 128}, {128, 32, 128}};
  return kTiles[kind];
}
constexpr int kLargestTile = 0, kMediumTile = 1, kSmallTile = 2, kNarrowTile = 3;

// The sums' terms are taken in steps of kStepPieces pieces of kPieceBytes of each pixel.
constexpr int kPieceBytes = 16;
constexpr int kStepPieces = 4;
W2L_HOST_DEVICE constexpr int piece_channels(Number number) {
  return kPieceBytes / static_cast<int>(size_of(number));
}
W2L_HOST_DEVICE constexpr int step_channels(Number number) {
  return kStepPieces * piece_channels(number);
}

W2L_HOST_DEVICE constexpr int divide_up(int value, int divisor) {
  return (value + divisor - 1) / divisor;
}

// The output pixels that see the same taps: all, or a phase of a transposed convolution. Output
// pixel position * spread + odd sees at tap i the input pixel position * stride - padding + i.
struct PhaseAxis {
  int first, count;  // positions
  int spread, odd;
  int stride, padding;
  AxisTaps taps;
};
struct ConvPhase {
  PhaseAxis vertical, horizontal;
};

W2L_HOST_DEVICE inline PhaseAxis transposed_phase_axis(int odd, int first, int size) {
  const int start = (first - odd + 1) / 2;  // first is not negative
  return {start, (size - odd + 1) / 2 - start, 2, odd, 1, 0, transposed_axis(odd)};
}

W2L_HOST_DEVICE inline ConvPhase conv_phase(const ConvArgs &args, int phase) {
  if (args.transposed)
    return {transposed_phase_axis(phase / 2, args.first_row, args.output_height),
            transposed_phase_axis(phase % 2, 0, args.output_width)};
  return {{args.first_row,
           args.output_height - args.first_row,
           1,
           0,
           args.stride_height,
           args.padding_height,
           {args.kernel_height, 0, 1}},
          {0,
           args.output_width,
           1,
           0,
           args.stride_width,
           args.padding_width,
           {args.kernel_width, 0, 1}}};
}

W2L_HOST_DEVICE inline int conv_phases(const ConvArgs &args) {
  return args.transposed ? kPhases : 1;
}

W2L_HOST_DEVICE inline int conv_input_channels(const ConvArgs &args) {
  return args.inputs[0].channels + args.inputs[1].channels;
}

W2L_HOST_DEVICE inline int phase_pixels(const ConvArgs &args, const ConvPhase &phase) {
  return args.images * phase.vertical.count * phase.horizontal.count;
}

W2L_HOST_DEVICE inline int phase_steps(const ConvArgs &args, const ConvPhase &phase) {
  return divide_up(
      phase.vertical.taps.count * phase.horizontal.taps.count * conv_input_channels(args),
      step_channels(args.number));
}

// The grid of tiles of a convolution, the same for each phase: some phases leave the last one free.
struct ConvGrid {
  int kind;  // of the tile
  int tile_rows, tile_columns;
  int phases;
  int steps;  // of the phase that has most

  int tiles() const { return tile_rows * tile_columns * phases; }
};

// With the tiles that suit it best, and with tiles of one kind. (conv_plan.cpp)
ConvGrid conv_grid(const ConvArgs &args);
ConvGrid conv_grid(const ConvArgs &args, int kind);

}  // namespace w2l
