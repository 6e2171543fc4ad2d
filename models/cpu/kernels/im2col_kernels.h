// gst-wav2lip: the part of Im2colConv that is compiled once per instruction set.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "general_conv.h"
#include "products.h"

namespace w2l {

// How patches lie on the input: the pixels that one row of the product matrix is made of. A
// transposed convolution is one over the input with zeros between its pixels, with the filter
// turned round. One of pictures of one pixel gives a whole output picture for each instead, by one
// 1x1 convolution for each of its pixels.
struct PatchGeometry {
  int kernel;
  int stride_y, stride_x;
  int padding;
  int spread_y, spread_x;  // pixels of the input are so far apart
  int outputs;             // edge of the square of output pixels that a patch gives

  explicit PatchGeometry(const ConvGeometry &geometry);
};

// One layer, packed for one set of kernels. Points and weights are handled in elements of 32 bits:
// one float, or two int16 that follow each other in a patch.
template <typename Number>
struct Im2colLayer {
  static constexpr int kNumbers = static_cast<int>(sizeof(float) / sizeof(Number));

  PatchGeometry geometry;
  int in, out;
  int columns;  // output channels of each output pixel of a patch, filled up to whole vectors
  // Groups of two vectors of columns (the last group may have one), in them the elements of a
  // patch. What fills up is zero.
  const Number *weights;
  const float *bias;  // of the columns
  // int16 only: what the products of each column are multiplied by.
  const float *product_scales;

  int run() const { return geometry.kernel * in; }  // a row of a patch, in numbers
  int patch() const { return geometry.kernel * run(); }
  int elements() const { return (patch() + kNumbers - 1) / kNumbers; }
  int channels() const { return columns / (geometry.outputs * geometry.outputs); }  // filled up
};

// Patches are counted from the left, from the first row that is needed down, from the first picture
// on. Columns start at a group.
struct Im2colBlock {
  int first_patch, end_patch;
  int first_column, end_column;
};

template <typename In, typename Out>
int patches_across(const GeneralConv<In, Out> &conv, const PatchGeometry &geometry) {
  return geometry.outputs > 1 ? 1 : conv.out_width;
}

template <typename In, typename Out>
int patches_down(const GeneralConv<In, Out> &conv, const PatchGeometry &geometry) {
  const int rows = conv.out_height - conv.first_row;
  if (rows <= 0) return 0;
  return geometry.outputs > 1 ? 1 : rows;
}

// Sizes of one block's intermediate results in a workspace, in floats.
struct Im2colSpace {
  int staged;         // successive patches of a row, whose pixels are copied together
  std::size_t stage;  // those pixels, with the border's zeros
  std::size_t patch;  // one patch
  std::size_t units;  // one number per patch
  // From a vector of all patches to the next one: an odd number of lines of the cache, as even ones
  // would put a patch on few of them.
  std::size_t step;
  std::size_t inputs;    // [elements / lanes][step]
  std::size_t products;  // [columns / lanes][step]

  template <typename Number>
  Im2colSpace(const Im2colLayer<Number> &layer, int lanes, int patches);

  std::size_t total() const { return stage + patch + units + inputs + products; }
};

template <typename In, typename Out>
using RunIm2col = void(const Im2colLayer<typename ProductNumber<Out>::Type> &layer,
                       const GeneralConv<In, Out> &conv, Im2colBlock block, float *workspace);

struct Im2colKernels {
  const char *target;  // Highway's name of the instruction set
  int lanes;           // floats in a vector
  int rows;            // patches that are multiplied at once, in registers
  RunIm2col<float, float> *run_float;
  RunIm2col<Bf16, Bf16> *run_bf16;
  RunIm2col<Bf16, float> *run_bf16_to_float;
  RunIm2col<std::uint8_t, float> *run_bytes_to_float;
  RunIm2col<std::uint8_t, Bf16> *run_bytes_to_bf16;
};

// For the CPU this runs on.
const Im2colKernels &best_im2col_kernels();

}  // namespace w2l
