// gst-wav2lip: follows one face from frame to frame between two detections.
// FaceFollower starts it at every detection and asks it on the frames after.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <optional>

#include "small_image.h"

namespace w2l {

// Normalised cross-correlation of the luma of the face's upper part (a talking mouth changes, brow
// and eyes do not) against the patch of the last detection, so that errors never add up: first a
// coarse patch over a wide window, then a fine one around its answer. It finds where the face
// went, not how its size changed; the next detection does that.
class FaceTracker {
 public:
  // Remembers what `face` (pixels of the frame) looks like.
  void start(SmallImage &images, const GstVideoFrame &frame, const cv::Rect2d &face);
  void stop() { active_ = false; }
  bool active() const { return active_; }

  // Where it is now: `face` of start() moved by whole pixels. Empty = lost: nothing in the window
  // looks enough like it (a cut, a turned head), or it moves faster than the window is wide.
  std::optional<cv::Rect2d> follow(SmallImage &images, const GstVideoFrame &frame);

  // Correlation that the last follow() found, -1..1.
  double confidence() const { return confidence_; }

 private:
  struct Level {
    int width, margin;   // of patch and window, in pixels of this level
    double scale = 1.0;  // frame pixels per level pixel
    cv::Mat patch;
  };

  cv::Rect2d window(const Level &level, cv::Point2d shift, int margin) const;
  // Moves `shift` to the best match around it; false when that lies at the window's edge.
  bool search(Level &level, SmallImage &images, const GstVideoFrame &frame, cv::Point2d &shift);

  bool active_ = false;
  double confidence_ = 0.0;
  cv::Rect2d face_, part_;  // at the detection
  cv::Point2d shift_;       // since then
  // The coarse window reaches a quarter of the face's width per frame, the fine one a bit more
  // than a coarse pixel.
  std::array<Level, 2> levels_{Level{32, 8, 1.0, {}}, Level{96, 5, 1.0, {}}};
  cv::Mat picture_, scores_;
};

}  // namespace w2l
