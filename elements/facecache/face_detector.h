// gst-wav2lip: what a face detector is, and the table of those there are.
// w2lfacecache opens one by name, FaceFollower runs it on small pictures of the frames.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace w2l {

struct Face {
  cv::Rect2d box;  // tight: brow to chin, ear to ear, as s3fd draws it; may cross the frame's edge
  double score;    // 0..1
};

class FaceDetector {
 public:
  enum class Input { Luma, Bgr };

  virtual ~FaceDetector() = default;

  // What detect() wants to see: CV_8UC1 or CV_8UC3.
  virtual Input input() const = 0;
  // The score below which this detector's answers are mostly not faces.
  virtual double default_min_score() const = 0;
  // Faces of at least `min_score`, in pixels of `image`, in no particular order. Runs on the
  // calling thread only, and leaves OpenCV's process-wide thread count alone.
  virtual std::vector<Face> detect(const cv::Mat &image, double min_score) = 0;
};

// One row per detector. `find_model` answers the path open() is to get when the user gave none;
// empty = not found. `model_name` is what a message tells the user to get.
struct DetectorKind {
  const char *name;
  const char *model_suffix;
  const char *model_name;
  bool embedded;  // opens without a model file
  std::string (*find_model)();
  // Throws FaceCacheError when the file is missing, unreadable or not this detector's.
  std::unique_ptr<FaceDetector> (*open)(const std::string &model);
};

// Best first: what "auto" tries, in this order.
const std::vector<DetectorKind> &detector_kinds();

struct OpenedDetector {
  std::unique_ptr<FaceDetector> detector;
  std::string notice;  // what "auto" had to do without, for the user; empty = nothing
};

// `name`: a row's name, or "auto" = the row that `model` belongs to by its suffix, or without a
// model the first row that has one. `model`: a path, or empty = the row's own search.
OpenedDetector open_detector(const std::string &name, const std::string &model);

// A face has light and shade: standard deviation of the luma of the region's 8 x 8 cells, of their
// means so that noise does not count. Faces of the recorded clips have 25..44 (exposed at a tenth,
// 3.0 at least); black and noisy frames, in which YuNet sees faces with scores up to 0.94, have at
// most 1.1, whatever the noise. Detectors answer nothing below kMinContrast.
double contrast(const cv::Mat &image, const cv::Rect2d &region);
constexpr double kMinContrast = 2.0;

std::unique_ptr<FaceDetector> open_yunet_detector(const std::string &model);
std::string find_yunet_model();
const char *yunet_model_name();
std::unique_ptr<FaceDetector> open_haar_detector(const std::string &model);

}  // namespace w2l
