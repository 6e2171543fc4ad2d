// gst-wav2lip: the forms of Winograd's minimal filtering that the kernels have, in numbers: how
// many pixels one tile reads and gives, and which products lie between.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace w2l {

// F(n x n, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015. The
// transposed ones, with stride 2, are made of the four ways in which an output pixel may lie over
// the input: even rows and columns get one tap of the filter, odd ones two, which are filtered by
// F(n, 2).
enum class WinogradForm { F2, F3, F4, TransposedF3, TransposedF4 };

// One dimension. A tile's input is transformed to points, each is multiplied by a matrix of (in x
// out) weights, and the products are transformed to the tile's output. In two dimensions there are
// points x points of them and matrices x matrices of those.
struct WinogradShape {
  int step;      // pixels of the input from one tile to the next
  int border;    // pixels that a tile reads before its first
  int input;     // pixels that a tile reads
  int matrices;  // that are different
  int repeats;   // points that share the first matrix; all others have their own
  int output;    // pixels that a tile gives

  constexpr int points() const { return repeats + matrices - 1; }
  constexpr int matrix(int point) const { return point < repeats ? 0 : point - repeats + 1; }
  constexpr int repeats_of(int matrix) const { return matrix == 0 ? repeats : 1; }
  // Pixels of the output for one of the input.
  constexpr int scale() const { return output / step; }
};

constexpr WinogradShape shape_of(WinogradForm form) {
  switch (form) {
    case WinogradForm::F2:
      return {2, 1, 4, 4, 1, 2};
    case WinogradForm::F3:
      return {3, 1, 5, 5, 1, 3};
    case WinogradForm::F4:
      return {4, 1, 6, 6, 1, 4};
    case WinogradForm::TransposedF3:
      return {3, 0, 4, 5, 3, 6};
    case WinogradForm::TransposedF4:
      break;
  }
  return {4, 0, 5, 6, 4, 8};
}

}  // namespace w2l
