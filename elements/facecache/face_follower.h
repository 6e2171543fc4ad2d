// gst-wav2lip: decides on every frame whether to detect or to track, and which face it is.
// w2lfacecache hands it mapped frames in order and attaches what it answers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "face_detector.h"
#include "face_tracker.h"
#include "small_image.h"

namespace w2l {

struct Sighting {
  enum class How { Missing, Detected, Tracked };
  How how = How::Missing;
  cv::Rect2d box;      // pixels of the frame; may cross its edge
  double score = 0.0;  // of the last detection
  unsigned id = 0;
};

// The rules:
// - No face followed: the detector runs on every frame and the largest face is taken.
// - A face followed: the detector runs on every `interval`-th frame and when tracking fails.
//   Of what it finds, the face that overlaps the followed one most is the same face and keeps its
//   id. If none does, but the tracker still sees it, one such miss is bridged; else the largest
//   face is taken, under a new id.
// - A lost face found again where it was last seen keeps its id.
class FaceFollower {
 public:
  explicit FaceFollower(std::unique_ptr<FaceDetector> detector);

  // Before the first frame, and when the video's size or format changes; forgets the face.
  void set_video(const GstVideoInfo &info);
  // After a seek or a gap: the next frame has nothing to do with the last one.
  void reset();

  // `interval` >= 1; `min_score` 0 = the detector's own.
  Sighting next(const GstVideoFrame &frame, int interval, double min_score);

  // Frames on which the detector ran, and what that took together, in milliseconds.
  std::uint64_t detections() const { return detections_; }
  double detection_ms() const { return detection_ms_; }

 private:
  struct Target {
    cv::Rect2d box;
    double score;
    unsigned id;
  };

  std::vector<Face> look(const GstVideoFrame &frame, int max_side, double min_score);
  std::optional<Face> choose(const GstVideoFrame &frame, double min_score, bool look_closer,
                             bool &same);
  Sighting detect(const GstVideoFrame &frame, int interval, double min_score, bool tracked);
  Sighting answer(Sighting::How how) const;

  std::unique_ptr<FaceDetector> detector_;
  std::optional<SmallImage> images_;
  FaceTracker tracker_;
  cv::Mat picture_;

  std::optional<Target> target_;  // the followed face, or where it was lost
  bool following_ = false;
  bool bridged_ = false;  // the last detection missed it, the tracker did not
  int age_ = 0;           // frames since the last detection
  int missing_run_ = 0;   // frames without a face up to now
  unsigned next_id_ = 0;
  std::uint64_t detections_ = 0;
  double detection_ms_ = 0.0;
};

}  // namespace w2l
