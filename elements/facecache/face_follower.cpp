// gst-wav2lip: decides on every frame whether to detect or to track, and which face it is.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "face_follower.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "box_math.h"
#include "range.h"

namespace w2l {

namespace {

// Longest side of the picture that is searched. On the recorded clips 320 found every face that
// 640 found, its boxes were steadier, and it takes a quarter of the time (YuNet 3.5 against 13.5
// core-ms). 640 is the second look, for faces that are small in the frame.
constexpr int kFirstLook = 320;
constexpr int kSecondLook = 640;

// Overlap above which two boxes are the same face.
constexpr double kSameFace = 0.3;

const Face *most_overlapping(const std::vector<Face> &faces, const cv::Rect2d &box) {
  const Face *best = nullptr;
  double best_overlap = kSameFace;
  for (const Face &face : faces) {
    const double overlap = iou(face.box, box);
    if (overlap < best_overlap) continue;
    best = &face;
    best_overlap = overlap;
  }
  return best;
}

const Face *largest(const std::vector<Face> &faces) {
  const auto best = std::max_element(faces.begin(), faces.end(), [](const Face &a, const Face &b) {
    return a.box.area() < b.box.area();
  });
  return best == faces.end() ? nullptr : &*best;
}

}  // namespace

FaceFollower::FaceFollower(std::unique_ptr<FaceDetector> detector)
    : detector_(std::move(detector)) {}

void FaceFollower::set_video(const GstVideoInfo &info) {
  images_.emplace(info);
  reset();
}

void FaceFollower::reset() {
  tracker_.stop();
  target_.reset();
  following_ = bridged_ = false;
  age_ = missing_run_ = 0;
}

Sighting FaceFollower::next(const GstVideoFrame &frame, int interval, double min_score) {
  bool tracked = false;
  if (following_) {
    TraceRange range{"w2lfacecache: track"};
    ++age_;
    if (const auto box = tracker_.follow(*images_, frame)) {
      target_->box = *box;
      tracked = true;
    }
  }
  if (tracked && age_ < interval) return answer(Sighting::How::Tracked);

  TraceRange range{"w2lfacecache: detect"};
  const auto start = std::chrono::steady_clock::now();
  const Sighting sighting = detect(frame, interval, min_score, tracked);
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
  ++detections_;
  detection_ms_ += taken.count();
  return sighting;
}

Sighting FaceFollower::detect(const GstVideoFrame &frame, int interval, double min_score,
                              bool tracked) {
  age_ = 0;
  bool same = false;
  // While there is no face, the dearer second look is taken on every interval-th frame only.
  const auto face = choose(frame, min_score, missing_run_ % interval == 0, same);

  if (face && (same || !tracked || bridged_)) {
    target_ = Target{face->box, face->score, same ? target_->id : next_id_++};
    tracker_.start(*images_, frame, face->box);
    following_ = true;
    bridged_ = false;
    missing_run_ = 0;
    return answer(Sighting::How::Detected);
  }
  if (tracked && !bridged_) {
    bridged_ = true;
    return answer(Sighting::How::Tracked);
  }
  tracker_.stop();
  following_ = bridged_ = false;
  ++missing_run_;
  return {};
}

std::optional<Face> FaceFollower::choose(const GstVideoFrame &frame, double min_score,
                                         bool look_closer, bool &same) {
  if (min_score <= 0.0) min_score = detector_->default_min_score();
  std::vector<Face> faces = look(frame, kFirstLook, min_score);
  if (faces.empty() && look_closer && images_->fit(kSecondLook) != images_->fit(kFirstLook))
    faces = look(frame, kSecondLook, min_score);

  const Face *face = target_ ? most_overlapping(faces, target_->box) : nullptr;
  same = face != nullptr;
  if (!face) face = largest(faces);
  return face ? std::optional<Face>(*face) : std::nullopt;
}

std::vector<Face> FaceFollower::look(const GstVideoFrame &frame, int max_side, double min_score) {
  const cv::Size size = images_->fit(max_side);
  if (detector_->input() == FaceDetector::Input::Bgr)
    images_->bgr(frame, size, picture_);
  else
    images_->luma(frame, images_->frame_rect(), size, picture_);

  std::vector<Face> faces = detector_->detect(picture_, min_score);
  const cv::Rect2d whole = images_->frame_rect();
  const double sx = whole.width / size.width, sy = whole.height / size.height;
  for (Face &face : faces)
    face.box = {face.box.x * sx, face.box.y * sy, face.box.width * sx, face.box.height * sy};
  // A face of which less than a third is in the frame is none that can be patched.
  faces.erase(std::remove_if(faces.begin(), faces.end(),
                             [&](const Face &face) {
                               return (face.box & whole).area() * 3.0 <= face.box.area();
                             }),
              faces.end());
  return faces;
}

Sighting FaceFollower::answer(Sighting::How how) const {
  return {how, target_->box, target_->score, target_->id};
}

}  // namespace w2l
