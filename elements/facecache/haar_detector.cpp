// gst-wav2lip: the Haar cascade detector; a row of detector_kinds(). Its default cascade is part
// of the plugin, so it works without any file.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include <algorithm>
#include <cmath>
#include <opencv2/objdetect.hpp>

#include "face_detector.h"
#include "facecache_error.h"
#include "serial_section.h"

// haar_cascade.S: the text of haarcascade_frontalface_default.xml, ending in a NUL.
extern "C" const char w2l_haar_cascade_xml[];

namespace w2l {

namespace {

constexpr double kScaleFactor = 1.1;
constexpr int kMinNeighbors = 4;
constexpr double kMinFaceShare = 0.1;  // of the picture's shorter side; below is mostly noise
constexpr double kMinScore = 0.6;

// A cascade marks a square around the head's front; YuNet and s3fd draw brow to chin, ear to ear.
// Mean of the least-squares maps from one to the other over 225 frames of the seven upright face
// clips (three people, 320 px pictures), in squares' sides: x 0.060 +- 0.03, y -0.013 +- 0.02,
// width 0.853 +- 0.03, height 1.038 +- 0.04.
cv::Rect2d tight_box(const cv::Rect &square) {
  const double side = square.width;
  return {square.x + 0.060 * side, square.y - 0.013 * side, 0.853 * side, 1.038 * side};
}

// The last stage's margin, about -1 (no face) to 10 (plainly a face), made a score of 0..1.
double to_score(double margin) {
  return 1.0 / (1.0 + std::exp(-margin / 2.0));
}

class HaarDetector : public FaceDetector {
 public:
  explicit HaarDetector(const cv::CascadeClassifier &cascade) : cascade_(cascade) {}

  Input input() const override { return Input::Luma; }
  double default_min_score() const override { return kMinScore; }

  std::vector<Face> detect(const cv::Mat &image, double min_score) override {
    std::vector<cv::Rect> squares;
    std::vector<int> levels;
    std::vector<double> margins;
    const int shorter = std::min(image.cols, image.rows);
    const int smallest = std::max(24, static_cast<int>(kMinFaceShare * shorter));
    run_serially([&] {
      cascade_.detectMultiScale(image, squares, levels, margins, kScaleFactor, kMinNeighbors, 0,
                                cv::Size(smallest, smallest), cv::Size(), true);
    });

    std::vector<Face> faces;
    for (std::size_t i = 0; i < squares.size(); ++i) {
      const Face face{tight_box(squares[i]), to_score(margins[i])};
      if (face.score >= min_score && contrast(image, face.box) >= kMinContrast)
        faces.push_back(face);
    }
    return faces;
  }

 private:
  cv::CascadeClassifier cascade_;
};

cv::CascadeClassifier load_embedded() {
  cv::CascadeClassifier cascade;
  const cv::FileStorage storage(w2l_haar_cascade_xml, cv::FileStorage::READ |
                                                          cv::FileStorage::MEMORY |
                                                          cv::FileStorage::FORMAT_XML);
  if (!cascade.read(storage.getFirstTopLevelNode()))
    throw FaceCacheError(FaceCacheError::Code::OpenRead,
                         "the Haar cascade inside the plugin cannot be read: rebuild it with "
                         "an intact opencv-data package");
  return cascade;
}

cv::CascadeClassifier load_file(const std::string &model) {
  if (!g_file_test(model.c_str(), G_FILE_TEST_IS_REGULAR))
    throw FaceCacheError(FaceCacheError::Code::NotFound,
                         "detector-model \"" + model +
                             "\" does not exist: name a cascade file (.xml), or leave it empty "
                             "for the one inside the plugin");
  cv::CascadeClassifier cascade;
  bool loaded = false;
  try {
    loaded = cascade.load(model);
  } catch (const cv::Exception &) {
    // OpenCV's text names its own source lines; ours below says what to do.
  }
  if (!loaded)
    throw FaceCacheError(FaceCacheError::Code::OpenRead,
                         "detector-model \"" + model +
                             "\" is not a Haar cascade: name a cascade file of opencv-data, or "
                             "leave it empty for the one inside the plugin");
  return cascade;
}

}  // namespace

std::unique_ptr<FaceDetector> open_haar_detector(const std::string &model) {
  return std::make_unique<HaarDetector>(model.empty() ? load_embedded() : load_file(model));
}

}  // namespace w2l
