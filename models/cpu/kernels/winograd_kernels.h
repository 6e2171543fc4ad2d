// gst-wav2lip: the part of WinogradConv that is compiled once per instruction set.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "conv3x3.h"
#include "products.h"
#include "winograd_forms.h"

namespace w2l {

// One layer, packed for one set of kernels. Points and weights are handled in elements of 32 bits:
// one float, or the int16 of two channels.
template <typename T>
struct WinogradLayer {
  using Number = typename ProductNumber<T>::Type;
  static constexpr int kNumbers = static_cast<int>(sizeof(float) / sizeof(Number));

  WinogradForm form;
  int in, out;
  // Of each matrix: groups of two vectors of output channels (the last group may have one), in
  // them the elements of the input channels. Output channels are filled up with zeros to whole
  // vectors.
  const Number *weights;
  const float *bias;  // filled up too
  // int16 only. Of each matrix: what the points of inputs that are not larger than 1 are
  // multiplied by, and what the products of each output channel (filled up) are multiplied by.
  const float *point_scales, *product_scales;
  // int16 only. How much larger points become if inputs may be negative.
  float signed_growth;

  int elements() const { return (in + kNumbers - 1) / kNumbers; }
};

template <typename T>
int tiles_across(const Conv3x3<T> &conv, WinogradForm form) {
  const int step = shape_of(form).step;
  return round_up(conv.width, step) / step;
}

// From the row of the input that the first row of the output lies on.
template <typename T>
int tiles_down(const Conv3x3<T> &conv, WinogradForm form) {
  const int step = shape_of(form).step, rows = conv.height - conv.first_row / conv.scale;
  return rows > 0 ? round_up(rows, step) / step : 0;
}

// Tiles are counted from the left, from the first row that is needed down, from the first picture
// on.
struct TileRange {
  int first, end;
};

// Sizes of one block's intermediate results in a workspace, in floats.
struct WinogradSpace {
  std::size_t zeros;  // one pixel outside the picture
  std::size_t peaks;  // one number per tile
  // Of each matrix in turn, [elements / lanes][its points x tiles][lanes], and a vector more.
  std::size_t inputs;
  std::size_t products;  // the same with output channels

  template <typename T>
  WinogradSpace(const WinogradLayer<T> &layer, int lanes, int tiles);

  std::size_t total() const { return zeros + peaks + inputs + products; }
};

struct WinogradKernels {
  const char *target;  // Highway's name of the instruction set
  int lanes;           // floats in a vector
  int rows;            // tiles that are multiplied at once, in registers
  void (*run_float)(const WinogradLayer<float> &layer, const Conv3x3<float> &conv, TileRange tiles,
                    float *workspace);
  void (*run_bf16)(const WinogradLayer<Bf16> &layer, const Conv3x3<Bf16> &conv, TileRange tiles,
                   float *workspace);

  void run(const WinogradLayer<float> &layer, const Conv3x3<float> &conv, TileRange tiles,
           float *workspace) const {
    run_float(layer, conv, tiles, workspace);
  }
  void run(const WinogradLayer<Bf16> &layer, const Conv3x3<Bf16> &conv, TileRange tiles,
           float *workspace) const {
    run_bf16(layer, conv, tiles, workspace);
  }
};

// For the CPU this runs on.
const WinogradKernels &best_winograd_kernels();

}  // namespace w2l
