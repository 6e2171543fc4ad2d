// gst-wav2lip: the YuNet detector, through OpenCV's FaceDetectorYN; a row of detector_kinds().
// Its box is the s3fd convention already, so nothing is mapped.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/core/version.hpp>
#include <opencv2/objdetect.hpp>

#include "face_detector.h"
#include "facecache_error.h"
#include "serial_section.h"

namespace w2l {

namespace {

// OpenCV 4.8 changed the network's output layout; each side runs only its own model.
#if CV_VERSION_MAJOR > 4 || (CV_VERSION_MAJOR == 4 && CV_VERSION_MINOR >= 8)
constexpr char kModelName[] = "face_detection_yunet_2023mar.onnx";
#else
constexpr char kModelName[] = "face_detection_yunet_2022mar.onnx";
#endif

// 0.9 loses turned and talking faces of the recorded clips, 0.8 keeps them all.
constexpr double kMinScore = 0.8;
constexpr int kMinEdge = 64;           // pixels; below it OpenCV throws
constexpr float kNmsThreshold = 0.3f;  // OpenCV's own default
constexpr int kTopK = 5000;            // OpenCV's own default
constexpr int kFields = 15;            // x, y, w, h, five landmarks, score
constexpr int kScoreField = 14;

class YunetDetector : public FaceDetector {
 public:
  explicit YunetDetector(const std::string &model)
      : net_(cv::FaceDetectorYN::create(model, "", cv::Size(64, 64), static_cast<float>(kMinScore),
                                        kNmsThreshold, kTopK)) {}

  Input input() const override { return Input::Bgr; }
  double default_min_score() const override { return kMinScore; }

  std::vector<Face> detect(const cv::Mat &picture, double min_score) override {
    const cv::Mat image = at_least(picture, kMinEdge);
    net_->setInputSize(image.size());
    net_->setScoreThreshold(static_cast<float>(min_score));
    cv::Mat rows;
    run_serially([&] { net_->detect(image, rows); });

    std::vector<Face> faces;
    for (int i = 0; i < rows.rows; ++i) {
      const float *row = rows.ptr<float>(i);
      const Face face{cv::Rect2d(row[0], row[1], row[2], row[3]), row[kScoreField]};
      if (contrast(image, face.box) >= kMinContrast) faces.push_back(face);
    }
    return faces;
  }

  // A smaller picture, in the corner of a black one of that size: the network's coarsest layers
  // would have nothing to look at.
  static cv::Mat at_least(const cv::Mat &picture, int edge) {
    if (picture.cols >= edge && picture.rows >= edge) return picture;
    cv::Mat larger;
    cv::copyMakeBorder(picture, larger, 0, std::max(0, edge - picture.rows), 0,
                       std::max(0, edge - picture.cols), cv::BORDER_CONSTANT);
    return larger;
  }

  // True if the network answers the way this OpenCV reads it.
  bool works() {
    cv::Mat rows;
    net_->detect(cv::Mat(64, 64, CV_8UC3, cv::Scalar::all(0)), rows);
    return rows.empty() || rows.cols == kFields;
  }

 private:
  cv::Ptr<cv::FaceDetectorYN> net_;
};

}  // namespace

const char *yunet_model_name() {
  return kModelName;
}

std::string find_yunet_model() {
  std::vector<std::string> folders;
  if (const char *path = g_getenv("W2L_MODEL_PATH")) {
    gchar **parts = g_strsplit(path, G_SEARCHPATH_SEPARATOR_S, -1);
    for (gchar **part = parts; *part; ++part)
      if (**part) folders.emplace_back(*part);
    g_strfreev(parts);
  }
  folders.emplace_back(W2L_MODEL_DIR);
  for (const std::string &folder : folders) {
    const std::string file = folder + "/" + kModelName;
    if (g_file_test(file.c_str(), G_FILE_TEST_IS_REGULAR)) return file;
  }
  return "";
}

std::unique_ptr<FaceDetector> open_yunet_detector(const std::string &model) {
  if (!g_file_test(model.c_str(), G_FILE_TEST_IS_REGULAR))
    throw FaceCacheError(FaceCacheError::Code::NotFound, "detector-model \"" + model +
                                                             "\" does not exist: get " +
                                                             kModelName + ", or use detector=haar");
  bool works = false;
  std::unique_ptr<YunetDetector> detector;
  try {
    detector = std::make_unique<YunetDetector>(model);
    works = detector->works();
  } catch (const cv::Exception &) {
    // OpenCV's text names its own source lines; ours below says what to do.
  }
  if (!works)
    throw FaceCacheError(FaceCacheError::Code::OpenRead,
                         "detector-model \"" + model + "\" is not a YuNet model that OpenCV " +
                             CV_VERSION + " can run: use " + kModelName);
  return detector;
}

}  // namespace w2l
