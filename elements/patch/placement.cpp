// gst-wav2lip: which pixels of a frame a patch may replace; see placement.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "placement.h"

#include <algorithm>
#include <cmath>

namespace w2l {
namespace {

// The two image rows that cv::resize blends into row `y` of the box.
RowRange bilinear_taps(int image_rows, int box_rows, int y) {
  double position = (y + 0.5) * image_rows / box_rows - 0.5;
  double below = std::floor(position);
  int first = static_cast<int>(below);
  // A position exactly on a row has one tap: the other's weight is 0.
  int last = position > below ? first + 1 : first;
  return {std::clamp(first, 0, image_rows - 1), std::clamp(last, 0, image_rows - 1) + 1};
}

RowRange intersect(RowRange a, RowRange b) {
  return {std::max(a.first, b.first), std::min(a.end, b.end)};
}

bool has_usable_size(const GstW2lBox &box) {
  // 64 bits: the edges come from outside and may be anything.
  gint64 width = gint64{box.x2} - box.x1, height = gint64{box.y2} - box.y1;
  return width > 0 && height > 0 && width <= kMaxBoxSide && height <= kMaxBoxSide;
}

int opacity_in_256ths(double opacity) {
  if (!(opacity > 0.0)) return 0;
  return static_cast<int>(std::lround(std::min(opacity, 1.0) * kOpaque));
}

}  // namespace

RowRange rows_from_valid(int image_rows, RowRange valid, int box_rows) {
  if (image_rows <= 0 || valid.empty()) return {};
  auto usable = [&](int y) {
    RowRange taps = bilinear_taps(image_rows, box_rows, y);
    return taps.first >= valid.first && taps.end <= valid.end;
  };
  RowRange rows{0, box_rows};
  while (rows.first < rows.end && !usable(rows.first)) rows.first++;
  while (rows.end > rows.first && !usable(rows.end - 1)) rows.end--;
  return rows;
}

RowRange rows_to_paste(MaskMode mode, RowRange usable, int box_rows) {
  // The middle row of an odd height belongs to neither half.
  RowRange wanted{mode == MaskMode::kLower ? (box_rows + 1) / 2 : 0, box_rows};
  return intersect(wanted, usable);
}

Placement place_patch(const PatchGeometry &patch, const BlendSettings &settings, int frame_width,
                      int frame_height) {
  Placement placement;
  const GstW2lBox &box = patch.box;
  if (!has_usable_size(box)) return placement;
  // Wholly outside: nothing to clip, and additions below stay far from overflow.
  if (box.x1 >= frame_width || box.y1 >= frame_height || box.x2 <= 0 || box.y2 <= 0)
    return placement;

  int height = box.y2 - box.y1;
  placement.rows =
      rows_to_paste(settings.mask, rows_from_valid(patch.image_rows, patch.valid, height), height);
  placement.opacity = opacity_in_256ths(std::min(patch.opacity, 1.0) * settings.opacity);
  placement.clipped = box.x1 < 0 || box.y1 < 0 || box.x2 > frame_width || box.y2 > frame_height;
  RowRange frame_rows =
      intersect({box.y1 + placement.rows.first, box.y1 + placement.rows.end}, {0, frame_height});
  placement.region = {std::max(box.x1, 0), frame_rows.first, std::min(box.x2, frame_width),
                      frame_rows.end};
  return placement;
}

}  // namespace w2l
