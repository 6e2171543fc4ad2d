// gst-wav2lip: the part of AmxConv that multiplies: bfloat16 pixels and weights in AMX's tiles, of
// 16 rows of 64 bytes. A tile's 16 rows are pixels that follow each other in memory, so that a
// patch is never gathered: it is read as one load for each tap and 32 channels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "general_conv.h"

namespace w2l {

constexpr int kAmxRows = 16;     // positions, or output channels, of a tile
constexpr int kAmxNumbers = 32;  // numbers of a position that one instruction multiplies
constexpr int kAmxGroup = 2;     // tiles of output channels that are computed at once
constexpr int kAmxTileWeights = kAmxNumbers * kAmxRows;
constexpr int kAmxChunk = 2 * kAmxRows;         // positions that are computed at once
constexpr int kAmxSums = kAmxGroup * kAmxRows;  // output channels of each that are
constexpr int kAmxAhead = 4;                    // steps before their use, weights are asked for

// Positions are output pixels, but of a transposed convolution fields of scale_y * scale_x of them,
// each computed by another phase: an ordinary convolution with some of the filter's taps.
struct AmxPhase {
  int row, column;         // of the field
  std::vector<int> steps;  // where each step's numbers of a position lie behind its first, in bytes
  std::size_t first_weight;  // of [groups][steps][tiles of a group][16 pairs][16 channels][2]
};

// One layer, packed, for input pictures of one size. A block's input is staged in planes, one for
// each row of a stride: rows of `pitch` pixels, the border's zeros in front; those behind a row
// are the next one's. So successive positions are equally far apart, even from row to row and from
// picture to picture; some of them belong to no output pixel.
struct AmxLayer {
  int in, out;
  int tiles;  // of output channels; what fills up the last one is zero
  int height, width;
  int scale_y, scale_x;
  int stride_y, stride_x;
  int first_y, first_x;  // of the input pixels that a position sees, from its own: 0 or less
  int taps_y, taps_x;    // how many it sees
  int pixel;             // numbers from one staged pixel to the next
  int pitch;             // pixels of a staged row; a multiple of stride_x
  int plane_rows;        // as many as fit into the workspace
  std::size_t plane;     // numbers from one plane to the next
  std::vector<AmxPhase> phases;
  const Bf16 *weights;
  const float *bias;  // of all tiles' channels

  int row_positions() const { return pitch / stride_x; }
  int more_rows() const { return (taps_y - 1) / stride_y; }  // of a plane than there are positions'
  int position_numbers() const { return stride_x * pixel; }
};

// Rows are of positions.
struct AmxBlock {
  int first_image, images;
  int first_row, rows;
  int first_group, end_group;
};

// In floats.
struct AmxSpace {
  std::size_t sums;   // of two chunks
  std::size_t stage;  // all planes

  explicit AmxSpace(const AmxLayer &layer);
  std::size_t total() const { return sums + stage; }
};

// Where results go: of a GeneralConv all but the input.
struct AmxOutput {
  int out_height = 0, out_width = 0, first_row = 0;
  PixelView<const Bf16> residual;
  PixelView<Bf16> output;
  bool relu = true;
};

struct AmxKernels {
  // `workspace` is of AmxSpace::total() floats, aligned to 64 bytes; behind AmxSpace::sums the
  // block's pixels are staged.
  void (*run)(const AmxLayer &layer, const AmxOutput &output, const AmxBlock &block,
              float *workspace);
};

// Asks the operating system for tiles, which then are the process's for good. Null if it or the CPU
// has none.
const AmxKernels *best_amx_kernels();

}  // namespace w2l
