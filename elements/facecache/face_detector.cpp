// gst-wav2lip: the table of face detectors, and which row "auto" means.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "face_detector.h"

#include <opencv2/imgproc.hpp>

#include "facecache_error.h"

namespace w2l {

namespace {

bool ends_with(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

OpenedDetector open_auto(const std::string &model) {
  const auto &kinds = detector_kinds();
  if (!model.empty()) {
    for (const DetectorKind &kind : kinds)
      if (ends_with(model, kind.model_suffix)) return {kind.open(model), ""};
    throw FaceCacheError(FaceCacheError::Code::Settings,
                         "detector-model \"" + model +
                             "\" ends in neither .onnx nor .xml: say which detector it is for "
                             "with detector=yunet or detector=haar");
  }
  std::string without;
  for (const DetectorKind &kind : kinds) {
    const std::string found = kind.find_model ? kind.find_model() : "";
    if (kind.embedded || !found.empty())
      return {kind.open(found), without.empty() ? "" : "using detector=" + (kind.name + without)};
    without += std::string(", because ") + kind.model_name +
               " was not found: put it into a folder named in W2L_MODEL_PATH, or set "
               "detector-model, for a better one";
  }
  throw FaceCacheError(FaceCacheError::Code::NotFound, "no face detector in this build");
}

}  // namespace

const std::vector<DetectorKind> &detector_kinds() {
  static const std::vector<DetectorKind> kinds = {
      {"yunet", ".onnx", yunet_model_name(), false, find_yunet_model, open_yunet_detector},
      {"haar", ".xml", "haarcascade_frontalface_default.xml", true, nullptr, open_haar_detector},
  };
  return kinds;
}

OpenedDetector open_detector(const std::string &name, const std::string &model) {
  if (name == "auto") return open_auto(model);
  for (const DetectorKind &kind : detector_kinds()) {
    if (name != kind.name) continue;
    const std::string path = model.empty() && kind.find_model ? kind.find_model() : model;
    if (path.empty() && !kind.embedded)
      throw FaceCacheError(FaceCacheError::Code::NotFound,
                           std::string("detector=") + kind.name + " needs " + kind.model_name +
                               ", which was not found: set detector-model, or name its folder in "
                               "W2L_MODEL_PATH, or use detector=haar");
    return {kind.open(path), ""};
  }
  throw FaceCacheError(FaceCacheError::Code::Settings, "there is no detector=" + name);
}

double contrast(const cv::Mat &image, const cv::Rect2d &region) {
  const cv::Rect inside = cv::Rect(region) & cv::Rect(cv::Point(), image.size());
  if (inside.empty()) return 0.0;
  cv::Mat cells;
  cv::resize(image(inside), cells, cv::Size(8, 8), 0, 0, cv::INTER_AREA);
  // Of a BGR picture the green plane, which carries most of the luma, is enough.
  cv::Scalar mean, deviation;
  cv::meanStdDev(cells, mean, deviation);
  return deviation[image.channels() == 3 ? 1 : 0];
}

}  // namespace w2l
