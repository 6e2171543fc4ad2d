// gst-wav2lip: how strongly each pixel of a box is covered by its patch. One per blend kernel; it
// is computed anew only when the box's size or the settings change.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "placement.h"

namespace w2l {

// Coverage in 1/256 (kOpaque = the patch alone). With feather 0 every pixel of the rows is opaque.
// Otherwise it is opaque in the middle and falls smoothly to 0 at every edge: across
// feather * width at the upper edge, and from the box's middle line down along a superellipse
// that rounds the lower corners the way a jaw does. The less feather, the squarer the superellipse:
// towards 0 the mask becomes the hard box.
class FeatherMask {
 public:
  // A pixel has `samples` neighbouring values in the mask; those whose bit is not in `written`
  // (alpha, padding) are 0. Planes of a planar format have one sample.
  explicit FeatherMask(int samples = 1, unsigned written = 1);

  // The mask of rows `rows` of a box of width x height.
  void update(int width, int height, RowRange rows, double feather);

  // Samples of row `y` of the box, from its left edge; y must lie in the rows given to update().
  const std::uint16_t *row(int y) const { return values_.data() + offset_of(y); }

 private:
  std::size_t offset_of(int y) const {
    return static_cast<std::size_t>(y - rows_.first) * width_ * samples_;
  }
  void fill_hard();
  void fill_soft();
  void write_row(int y, const std::uint16_t *pixels);

  int samples_;
  unsigned written_;
  int width_ = 0, height_ = 0;
  RowRange rows_;
  double feather_ = -1.0;
  std::vector<std::uint16_t> values_;
};

}  // namespace w2l
