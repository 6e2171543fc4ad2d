// gst-wav2lip: the part of WinogradConv that is compiled once per instruction set.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "conv3x3.h"

namespace w2l {

// One layer, packed for one set of kernels. Winograd's transform turns a tile of the input, (tile +
// 2)^2 pixels, into as many points; each point has a matrix of (in x out) weights of its own.
struct WinogradLayer {
  int tile, in, out;
  // Of each point: groups of two vectors of output channels (the last group may have one), in
  // them the input channels. Output channels are filled up with zeros to whole vectors.
  const float *weights;
  const float *bias;  // filled up too

  int points() const { return (tile + 2) * (tile + 2); }
};

// Tiles are counted from the left, from first_row down, from the first picture on.
struct TileRange {
  int first, end;
};

// Where one block's intermediate results lie in a workspace, in floats.
struct WinogradSpace {
  std::size_t zeros;  // one pixel outside the picture
  // One point's transformed inputs, [channels / lanes][tiles][lanes], and products, alike.
  std::size_t input_step, product_step;
  std::size_t total;

  WinogradSpace(const WinogradLayer &layer, int lanes, int tiles);
};

struct WinogradKernels {
  const char *target;  // Highway's name of the instruction set
  int lanes;           // floats in a vector
  int rows;            // tiles that are multiplied at once, in registers
  void (*run)(const WinogradLayer &layer, const Conv3x3 &conv, TileRange tiles, float *workspace);
};

inline int round_up(int value, int step) {
  return (value + step - 1) / step * step;
}

// For the CPU this runs on.
const WinogradKernels &best_winograd_kernels();

}  // namespace w2l
