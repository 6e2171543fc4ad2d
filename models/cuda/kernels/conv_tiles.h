// gst-wav2lip: how a convolution is cut into tiles for a GPU, known to its kernel and to
// conv_plan.h. As a matrix product: a row for each output pixel that is needed, a column for each
// output channel; what is summed up are taps x input channels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "conv_taps.h"

namespace w2l {

// Each kind of tile: constants below name them in this order.
struct ConvTile {
  int rows, columns;
  int threads;  // each warp computes rows x columns / (threads / 32)
  int warp_columns;
};

constexpr int kConvTileKinds = 6;
W2L_HOST_DEVICE constexpr ConvTile conv_tile(int kind) {
  constexpr ConvTile kTiles[kConvTileKinds] = {{128, 128, 128, 64}, {128, 64, 128, 32},
                                               {64, 64, 128, 32},   {128, 32, 128, 32},
                                               {256, 64, 128, 64},  {256, 32, 128, 32}};
  return kTiles[kind];
}
// Any convolution.
constexpr int kLargestTile = 0, kMediumTile = 1, kSmallTile = 2, kNarrowTile = 3;
// Those that keep their part of the picture (patch_kernel.cuh).
constexpr int kMediumPatch = 4, kNarrowPatch = 5;
static_assert(ConvArgs{}.tile_kind == kSmallTile);
W2L_HOST_DEVICE constexpr bool is_patch(int kind) {
  return kind >= kMediumPatch;
}

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

// A 3x3 convolution that moves by a pixel sees its pictures as one row of positions, so that a tile
// is a run of them and each tap a distance: in each row of an image a zero, then the pixels; of an
// image, the row above the first one that is needed, then these, then a row of zeros if the one
// above was not that already. What is computed where zeros are is not written.
struct PatchSpace {
  int width, height;  // positions of an image
  int first_row;      // of the picture; -1 is the zeros above it

  // Those that a tile of so many sees: a row and a position more on both sides.
  W2L_HOST_DEVICE int seen(int positions) const { return positions + 2 * width + 2; }
};
W2L_HOST_DEVICE inline PatchSpace patch_space(const ConvArgs &args) {
  return {args.output_width + 1,
          args.output_height - args.first_row + 1 + (args.first_row > 0 ? 1 : 0),
          args.first_row - 1};
}
// Of all images; none, if no row is needed.
W2L_HOST_DEVICE inline int patch_positions(const ConvArgs &args) {
  const PatchSpace space = patch_space(args);
  return args.first_row < args.output_height ? args.images * space.height * space.width : 0;
}
constexpr int kPatchEdge = 3;  // taps of a row, and rows of taps

// How a patch lies in shared memory, in bytes: where each of its pixels is in the inputs, where its
// outputs go, two patches of kStepPieces pieces of each pixel, the weights of two rows of taps.
// Rows have a piece more than they hold, so that eight threads that read below each other do not
// meet in a bank.
constexpr int kPatchPixelBytes = (kStepPieces + 1) * kPieceBytes;
struct PatchMemory {
  int outputs, patches, weights, bytes;
};
W2L_HOST_DEVICE inline PatchMemory patch_memory(const ConvTile &tile, int seen) {
  constexpr int kPlaceBytes = 8;
  const int outputs = (seen + 1) / 2 * 2 * kPlaceBytes;
  const int patches = outputs + tile.rows * kPlaceBytes;
  const int weights = patches + 2 * seen * kPatchPixelBytes;
  // For each channel of a pixel's pieces as many as columns, and eight more.
  const int tap = kStepPieces * kPieceBytes * (tile.columns + 8);
  return {outputs, patches, weights, weights + 2 * kPatchEdge * tap};
}

// All of it, for the patches that args.tile_kind says.
W2L_HOST_DEVICE inline int patch_bytes(const ConvArgs &args) {
  const ConvTile tile = conv_tile(args.tile_kind);
  return patch_memory(tile, patch_space(args).seen(tile.rows)).bytes;
}

// Whether a convolution can be cut so; patches also need memory, which not every GPU has.
W2L_HOST_DEVICE inline bool can_have_tiles(const ConvArgs &args, int kind) {
  if (kind < 0 || kind >= kConvTileKinds) return false;
  // In fp32, registers for sums are the limit, not memory: larger tiles gain nothing.
  if (kind == kLargestTile) return args.number != Number::Fp32;
  return !is_patch(kind) ||
         (args.number != Number::Fp32 && !args.transposed && args.kernel_height == kPatchEdge &&
          args.kernel_width == kPatchEdge && args.stride_height == 1 && args.stride_width == 1 &&
          args.padding_height == 1 && args.padding_width == 1 && args.splits == 1);
}

// The grid of tiles of a convolution, the same for each phase: some phases leave the last one free.
struct ConvGrid {
  int tile_rows, tile_columns;
  int phases;
  int steps;  // of the phase that has most

  int tiles() const { return tile_rows * tile_columns * phases; }
};

// As args.tile_kind says. (conv_plan.cpp)
ConvGrid conv_grid(const ConvArgs &args);

}  // namespace w2l
