// gst-wav2lip: which pixels of a frame a patch may replace. Plain geometry, used by w2lpatch before
// it maps anything (a patch that shows nowhere must not cost a copy) and by the blend kernels.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "gstw2lbox.h"

namespace w2l {

// Half-open range of rows.
struct RowRange {
  int first = 0;
  int end = 0;

  int size() const { return end - first; }
  bool empty() const { return end <= first; }
};

enum class MaskMode {
  kAuto,   // whatever was computed
  kLower,  // the box's lower half
  kFull,   // the whole box
};

// How a patch is painted; the element copies it from its properties once a frame.
struct BlendSettings {
  MaskMode mask = MaskMode::kAuto;
  double feather = 0.1;  // width of the soft edge as a fraction of the box's width, 0 = hard
  double opacity = 1.0;  // multiplied with the patch's own
};

// A patch without its pixels: the box it is stretched to, and which of its rows mean anything.
struct PatchGeometry {
  GstW2lBox box{};
  int image_rows = 0;
  RowRange valid;
  double opacity = 1.0;
};

// Where a patch comes to lie. Opacity is in 1/256, so that 256 covers the frame exactly.
struct Placement {
  GstW2lBox region{};  // pixels of the frame that are painted
  RowRange rows;       // rows of the box that the mask spans, also those outside the frame
  int opacity = 0;
  bool clipped = false;  // the box reaches over the frame's edge, a part of it is inside

  bool visible() const { return opacity > 0 && region.x2 > region.x1 && region.y2 > region.y1; }
};

constexpr int kOpaque = 256;

// No frame is larger; a box beyond it is a broken meta, not a face.
constexpr int kMaxBoxSide = 16384;

// Rows of a box `box_rows` high that bilinear scaling computes from valid image rows only. Row y
// lies at (y + 0.5) * image_rows / box_rows - 0.5 in the image, between two of its rows.
RowRange rows_from_valid(int image_rows, RowRange valid, int box_rows);

// The rows of the box that `mode` asks for, of those that are usable.
RowRange rows_to_paste(MaskMode mode, RowRange usable, int box_rows);

Placement place_patch(const PatchGeometry &patch, const BlendSettings &settings, int frame_width,
                      int frame_height);

}  // namespace w2l
