// gst-wav2lip: follows one face from frame to frame between two detections.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "face_tracker.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "serial_section.h"

namespace w2l {

namespace {

constexpr double kUpperShare = 0.65;  // of the box's height: brow to under the nose

// Correlation of the coarse patch below which the face counts as lost.
constexpr double kMinConfidence = 0.8;

// Where between its neighbours the peak of three samples lies, -0.5..0.5.
double parabola_peak(double left, double middle, double right) {
  const double curvature = left - 2.0 * middle + right;
  return curvature < 0.0 ? std::clamp(0.5 * (left - right) / curvature, -0.5, 0.5) : 0.0;
}

}  // namespace

void FaceTracker::start(SmallImage &images, const GstVideoFrame &frame, const cv::Rect2d &face) {
  face_ = face;
  part_ = {face.x, face.y, face.width, face.height * kUpperShare};
  shift_ = {0.0, 0.0};
  confidence_ = 1.0;
  active_ = part_.width >= 1.0 && part_.height >= 1.0;
  if (!active_) return;
  for (Level &level : levels_) {
    level.scale = std::max(1.0, part_.width / level.width);
    const cv::Size size(std::max(1, cvRound(part_.width / level.scale)),
                        std::max(1, cvRound(part_.height / level.scale)));
    level.patch.create(size, CV_8UC1);
    images.luma(frame, window(level, shift_, 0), size, level.patch);
  }
}

cv::Rect2d FaceTracker::window(const Level &level, cv::Point2d shift, int margin) const {
  return {part_.x + shift.x - margin * level.scale, part_.y + shift.y - margin * level.scale,
          (level.patch.cols + 2 * margin) * level.scale,
          (level.patch.rows + 2 * margin) * level.scale};
}

bool FaceTracker::search(Level &level, SmallImage &images, const GstVideoFrame &frame,
                         cv::Point2d &shift) {
  const cv::Size size(level.patch.cols + 2 * level.margin, level.patch.rows + 2 * level.margin);
  // By whole pixels, so that a patch that moved is sampled in the same places as it was.
  shift = {static_cast<double>(cvRound(shift.x)), static_cast<double>(cvRound(shift.y))};
  images.luma(frame, window(level, shift, level.margin), size, picture_);
  run_serially([&] { cv::matchTemplate(picture_, level.patch, scores_, cv::TM_CCOEFF_NORMED); });

  cv::Point best;
  cv::minMaxLoc(scores_, nullptr, &confidence_, nullptr, &best);
  if (best.x == 0 || best.y == 0 || best.x == scores_.cols - 1 || best.y == scores_.rows - 1)
    return false;
  const auto at = [&](int dx, int dy) { return scores_.at<float>(best.y + dy, best.x + dx); };
  const double x = best.x + parabola_peak(at(-1, 0), at(0, 0), at(1, 0));
  const double y = best.y + parabola_peak(at(0, -1), at(0, 0), at(0, 1));
  shift += level.scale * cv::Point2d(x - level.margin, y - level.margin);
  return true;
}

std::optional<cv::Rect2d> FaceTracker::follow(SmallImage &images, const GstVideoFrame &frame) {
  if (!active_) return std::nullopt;
  // The fine patch only places: noise and blur lower its score without the face being another.
  cv::Point2d shift = shift_;
  active_ = search(levels_[0], images, frame, shift) && confidence_ >= kMinConfidence;
  const double confidence = confidence_;
  if (active_) search(levels_[1], images, frame, shift);
  confidence_ = confidence;
  if (!active_) return std::nullopt;

  shift_ = shift;
  // Whole pixels: the region is truncated later, and would flicker by one otherwise.
  return face_ + cv::Point2d(cvRound(shift.x), cvRound(shift.y));
}

}  // namespace w2l
