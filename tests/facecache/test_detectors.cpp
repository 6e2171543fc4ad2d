// gst-wav2lip: what the detectors see in drawn faces, in frames without a face, and in the
// recorded stills and clips (W2L_TEST_DATA), and what wrong model files are called.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "box_math.h"
#include "face_detector.h"
#include "facecache_error.h"
#include "small_image.h"
#include "test_frame.h"

using w2l::Face;
using w2l::FaceCacheError;
using w2l::FaceDetector;
using w2l::SmallImage;

namespace {

std::string error_of(const std::string &name, const std::string &model,
                     FaceCacheError::Code expected) {
  try {
    w2l::open_detector(name, model);
  } catch (const FaceCacheError &error) {
    EXPECT_EQ(error.code(), expected);
    return error.what();
  }
  return "no error";
}

// The detectors that can be opened here: Haar always, YuNet when its model is around.
std::vector<std::string> detectors() {
  std::vector<std::string> names = {"haar"};
  if (!w2ltest::yunet_file().empty()) names.emplace_back("yunet");
  return names;
}

std::unique_ptr<FaceDetector> open(const std::string &name) {
  return w2l::open_detector(name, name == "yunet" ? w2ltest::yunet_file() : "").detector;
}

std::vector<Face> faces_in(FaceDetector &detector, const cv::Mat &gray) {
  cv::Mat bgr;
  if (detector.input() == FaceDetector::Input::Luma)
    return detector.detect(gray, detector.default_min_score());
  cv::cvtColor(gray, bgr, cv::COLOR_GRAY2BGR);
  return detector.detect(bgr, detector.default_min_score());
}

// Largest face of a mapped frame in pixels of the frame, as seen at `side` pixels.
std::optional<cv::Rect2d> largest_face(FaceDetector &detector, SmallImage &images,
                                       const GstVideoFrame &frame, int side) {
  cv::Mat picture;
  const cv::Size size = images.fit(side);
  if (detector.input() == FaceDetector::Input::Bgr)
    images.bgr(frame, size, picture);
  else
    images.luma(frame, images.frame_rect(), size, picture);
  std::optional<cv::Rect2d> best;
  const double k = images.frame_rect().width / size.width;
  for (const Face &face : detector.detect(picture, detector.default_min_score())) {
    const cv::Rect2d box(face.box.x * k, face.box.y * k, face.box.width * k, face.box.height * k);
    if (!best || box.area() > best->area()) best = box;
  }
  return best;
}

class TempFile {
 public:
  explicit TempFile(const std::string &name, const std::string &text)
      : path(std::string(g_get_tmp_dir()) + "/w2l-test-" + std::to_string(g_random_int()) + name) {
    std::ofstream(path) << text;
  }
  ~TempFile() { std::remove(path.c_str()); }
  const std::string path;
};

}  // namespace

TEST(Detectors, FindADrawnFaceWithTheTightBoxOfTheConvention) {
  for (const std::string &name : detectors()) {
    const auto detector = open(name);
    cv::Mat gray(240, 320, CV_8UC1, cv::Scalar(90));
    w2ltest::draw_face(gray, {160, 120}, 100);
    const auto faces = faces_in(*detector, gray);
    ASSERT_EQ(faces.size(), 1u) << name;
    EXPECT_GE(w2l::iou(faces[0].box, {116, 60, 90, 122}), 0.75) << name << faces[0].box;
    EXPECT_GE(faces[0].score, 0.9) << name;
    EXPECT_LE(faces[0].score, 1.0) << name;
  }
}

TEST(Detectors, FindBothOfTwoFaces) {
  for (const std::string &name : detectors()) {
    cv::Mat gray(180, 320, CV_8UC1, cv::Scalar(90));
    w2ltest::draw_face(gray, {90, 90}, 70);
    w2ltest::draw_face(gray, {230, 90}, 70);
    EXPECT_EQ(faces_in(*open(name), gray).size(), 2u) << name;
  }
}

TEST(Detectors, HaarsScoreThresholdCuts) {
  const auto detector = open("haar");
  cv::Mat gray(240, 320, CV_8UC1, cv::Scalar(90));
  w2ltest::draw_face(gray, {160, 120}, 100);
  const double score = faces_in(*detector, gray).at(0).score;
  EXPECT_EQ(detector->detect(gray, score - 1e-6).size(), 1u);
  EXPECT_EQ(detector->detect(gray, score + 1e-6).size(), 0u);
}

TEST(Detectors, SeeNoFaceInBlackFlatAndNoisyFrames) {
  cv::RNG random(7);
  for (const std::string &name : detectors()) {
    const auto detector = open(name);
    for (const int level : {0, 16, 40, 128, 235})
      for (const int noise : {0, 1, 6, 12, 16, 24})
        for (const cv::Size size : {cv::Size(320, 180), cv::Size(320, 240), cv::Size(640, 360)}) {
          cv::Mat wide(size, CV_16SC1), gray;
          random.fill(wide, cv::RNG::NORMAL, level, noise);
          wide.convertTo(gray, CV_8U);
          EXPECT_EQ(faces_in(*detector, gray).size(), 0u)
              << name << " level " << level << " noise " << noise << " at " << size;
        }
  }
}

TEST(Detectors, SeeNoFaceInPicturesTooSmallForOne) {
  for (const std::string &name : detectors()) {
    const auto detector = open(name);
    for (const cv::Size size :
         {cv::Size(1, 1), cv::Size(16, 16), cv::Size(31, 33), cv::Size(320, 4)})
      EXPECT_EQ(faces_in(*detector, cv::Mat(size, CV_8UC1, cv::Scalar(90))).size(), 0u)
          << name << " " << size;
  }
}

TEST(Contrast, IsOfTheCellsMeansNotOfTheNoise) {
  cv::Mat halves(80, 80, CV_8UC1, cv::Scalar(100));
  halves.colRange(40, 80).setTo(110);
  EXPECT_DOUBLE_EQ(w2l::contrast(halves, {0, 0, 80, 80}), 5.0);
  EXPECT_DOUBLE_EQ(w2l::contrast(halves, {0, 0, 40, 80}), 0.0);
  EXPECT_DOUBLE_EQ(w2l::contrast(halves, {200, 0, 40, 80}), 0.0);

  cv::Mat checker(80, 80, CV_8UC1);
  for (int y = 0; y < 80; ++y)
    for (int x = 0; x < 80; ++x) checker.at<guint8>(y, x) = (x + y) % 2 ? 200 : 0;
  EXPECT_DOUBLE_EQ(w2l::contrast(checker, {0, 0, 80, 80}), 0.0);
}

TEST(OpenDetector, NamesWhatIsWrongWithAModelFile) {
  using Code = FaceCacheError::Code;
  const std::string yunet = w2l::yunet_model_name();
  EXPECT_EQ(
      error_of("yunet", "/nowhere/x.onnx", Code::NotFound),
      "detector-model \"/nowhere/x.onnx\" does not exist: get " + yunet + ", or use detector=haar");
  EXPECT_EQ(error_of("haar", "/nowhere/x.xml", Code::NotFound),
            "detector-model \"/nowhere/x.xml\" does not exist: name a cascade file (.xml), or "
            "leave it empty for the one inside the plugin");
  EXPECT_EQ(error_of("auto", "/nowhere/x.bin", Code::Settings),
            "detector-model \"/nowhere/x.bin\" ends in neither .onnx nor .xml: say which detector "
            "it is for with detector=yunet or detector=haar");

  const TempFile text(".onnx", "this is not a network");
  EXPECT_EQ(error_of("yunet", text.path, Code::OpenRead),
            "detector-model \"" + text.path + "\" is not a YuNet model that OpenCV " + CV_VERSION +
                " can run: use " + yunet);
  const TempFile xml(".xml", "<?xml version=\"1.0\"?><opencv_storage><a>1</a></opencv_storage>");
  for (const TempFile *file : {&text, &xml})
    EXPECT_EQ(error_of("haar", file->path, Code::OpenRead),
              "detector-model \"" + file->path +
                  "\" is not a Haar cascade: name a cascade file of opencv-data, or leave it "
                  "empty for the one inside the plugin");
}

TEST(OpenDetector, AutoIsYunetWhereItsModelIsElseHaarWithANotice) {
  const std::string saved = g_getenv("W2L_MODEL_PATH") ? g_getenv("W2L_MODEL_PATH") : "";
  const std::string yunet = w2ltest::yunet_file();

  g_setenv("W2L_MODEL_PATH", "/nowhere:/nothing", TRUE);
  if (w2l::find_yunet_model().empty()) {  // unless one is installed
    const auto haar = w2l::open_detector("auto", "");
    EXPECT_EQ(haar.detector->input(), FaceDetector::Input::Luma);
    EXPECT_NE(haar.notice.find("using detector=haar, because face_detection_yunet"),
              std::string::npos)
        << haar.notice;
    EXPECT_NE(error_of("yunet", "", FaceCacheError::Code::NotFound).find("W2L_MODEL_PATH"),
              std::string::npos);
  }
  if (!yunet.empty()) {
    gchar *folder = g_path_get_dirname(yunet.c_str());
    g_setenv("W2L_MODEL_PATH", (std::string("/nowhere:") + folder).c_str(), TRUE);
    const auto found = w2l::open_detector("auto", "");
    EXPECT_EQ(found.detector->input(), FaceDetector::Input::Bgr);
    EXPECT_EQ(found.notice, "");
    g_free(folder);
  }
  if (saved.empty())
    g_unsetenv("W2L_MODEL_PATH");
  else
    g_setenv("W2L_MODEL_PATH", saved.c_str(), TRUE);
}

// What follows needs the recorded stills and clips.

class Recorded : public ::testing::Test {
 protected:
  void SetUp() override {
    if (w2ltest::data_file("").empty()) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  }
  static std::string asset(const std::string &name) { return w2ltest::data_file("assets/" + name); }

  // Largest face of the frames `from` and up to `to` of a file.
  static std::vector<std::optional<cv::Rect2d>> faces(const std::string &name,
                                                      const std::string &file, int side = 320,
                                                      int from = 0, int to = 100000) {
    const auto detector = open(name);
    std::optional<SmallImage> images;
    std::vector<std::optional<cv::Rect2d>> found;
    w2ltest::each_frame(asset(file), "I420",
                        [&](const GstVideoFrame &frame, const GstVideoInfo &info, int index) {
                          if (index < from || index >= to) return;
                          if (!images) images.emplace(info);
                          found.push_back(largest_face(*detector, *images, frame, side));
                        });
    return found;
  }
};

TEST_F(Recorded, TheAstronautHasOneFaceWhereItIs) {
  for (const std::string &name : detectors()) {
    const auto found = faces(name, "still/astronaut_512.png");
    ASSERT_EQ(found.size(), 1u);
    ASSERT_TRUE(found[0]) << name;
    EXPECT_GE(w2l::iou(*found[0], {178, 58, 94, 117}), 0.7) << name << *found[0];
  }
}

TEST_F(Recorded, ThereIsNoFaceWhereNoneIs) {
  for (const std::string &name : detectors())
    for (const int side : {320, 640}) {
      for (const auto &face : faces(name, "still/no_face_512.png", side))
        EXPECT_FALSE(face) << name;
      for (const auto &face : faces(name, "video/h03_no_face_at_all_640x360.mp4", side))
        EXPECT_FALSE(face) << name;
    }
}

TEST_F(Recorded, EveryFrameOfAFrontalClipHasItsFaceAndHaarAgreesWithYunet) {
  const auto haar = faces("haar", "video/h00_frontal_1280x720_25fps.mp4");
  EXPECT_EQ(haar.size(), 125u);
  EXPECT_EQ(std::count(haar.begin(), haar.end(), std::nullopt), 0);
  if (w2ltest::yunet_file().empty()) return;

  const auto yunet = faces("yunet", "video/h00_frontal_1280x720_25fps.mp4");
  ASSERT_EQ(yunet.size(), haar.size());
  EXPECT_EQ(std::count(yunet.begin(), yunet.end(), std::nullopt), 0);
  double sum = 0.0, worst = 1.0;
  for (std::size_t i = 0; i < haar.size(); ++i) {
    const double overlap = w2l::iou(*haar[i], *yunet[i]);
    sum += overlap;
    worst = std::min(worst, overlap);
  }
  EXPECT_GE(sum / static_cast<double>(haar.size()), 0.9);  // unmapped squares: 0.82
  EXPECT_GE(worst, 0.7);
}

TEST_F(Recorded, BlackAndPatternFramesBetweenFacesHaveNone) {
  const std::string file = "video/h03_face_black_pattern_face_640x360.mp4";
  for (const std::string &name : detectors()) {
    const auto found = faces(name, file);
    ASSERT_EQ(found.size(), 150u);
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_EQ(found[i].has_value(), i < 50 || i >= 100) << name << " frame " << i;
    for (const auto &face : faces(name, file, 640, 50, 100))
      EXPECT_FALSE(face) << name << " at 640";
  }
}
