// gst-wav2lip: when FaceFollower detects, when it tracks, and which face keeps which id; with a
// detector that answers what the test says.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "face_follower.h"
#include "test_frame.h"

using w2l::Face;
using w2l::FaceDetector;
using w2l::FaceFollower;
using w2l::Sighting;
using w2ltest::Frame;

namespace {

// What the detector sees, in pixels of the frame; shared with the test that changes it.
struct Script {
  std::vector<Face> faces;
  double scale = 1.0;       // frame pixels per pixel of a 320-pixel picture
  int only_at_width = 0;    // 0 = at every size
  std::vector<int> widths;  // of the pictures it was given
  double min_score = -1.0;
};

class ScriptedDetector : public FaceDetector {
 public:
  explicit ScriptedDetector(Script &script) : script_(script) {}
  Input input() const override { return Input::Luma; }
  double default_min_score() const override { return 0.25; }
  std::vector<Face> detect(const cv::Mat &image, double min_score) override {
    script_.widths.push_back(image.cols);
    script_.min_score = min_score;
    if (script_.only_at_width && script_.only_at_width != image.cols) return {};
    std::vector<Face> faces = script_.faces;
    const double k = image.cols / (320.0 * script_.scale);
    for (Face &face : faces)
      face.box = {face.box.x * k, face.box.y * k, face.box.width * k, face.box.height * k};
    return faces;
  }

 private:
  Script &script_;
};

class FollowerTest : public ::testing::Test {
 protected:
  FollowerTest() { follower.set_video(frame.info()); }

  // How, id and left edge of the next `count` frames: "D0@40 T0@40 -".
  std::string run(int count, int interval = 5) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      const Sighting s = follower.next(*frame, interval, 0.0);
      if (!text.empty()) text += " ";
      if (s.how == Sighting::How::Missing)
        text += "-";
      else
        text += (s.how == Sighting::How::Detected ? "D" : "T") + std::to_string(s.id) + "@" +
                std::to_string(cvRound(s.box.x));
    }
    return text;
  }
  void picture(unsigned seed) { frame.draw(w2ltest::texture(320, 240, 5.0, seed)); }

  Frame frame{GST_VIDEO_FORMAT_I420, 320, 240};
  Script script;
  FaceFollower follower{std::make_unique<ScriptedDetector>(script)};
  const Face left{{40, 60, 80, 100}, 0.9}, right{{200, 60, 90, 110}, 0.9};
};

}  // namespace

TEST_F(FollowerTest, DetectsEveryIntervalthFrameAndTracksBetween) {
  picture(1);
  script.faces = {left};
  EXPECT_EQ(run(11), "D0@40 T0@40 T0@40 T0@40 T0@40 D0@40 T0@40 T0@40 T0@40 T0@40 D0@40");
  EXPECT_EQ(follower.detections(), 3u);
  EXPECT_EQ(run(3, 1), "D0@40 D0@40 D0@40");
  EXPECT_EQ(follower.detections(), 6u);
}

TEST_F(FollowerTest, ReportsTheLastDetectionsScoreWhileTracking) {
  picture(1);
  script.faces = {left};
  run(1);
  EXPECT_DOUBLE_EQ(follower.next(*frame, 5, 0.0).score, 0.9);
}

TEST_F(FollowerTest, PassesTheDetectorsOwnThresholdUnlessTold) {
  picture(1);
  follower.next(*frame, 5, 0.0);
  EXPECT_DOUBLE_EQ(script.min_score, 0.25);
  follower.next(*frame, 5, 0.5);
  EXPECT_DOUBLE_EQ(script.min_score, 0.5);
}

TEST_F(FollowerTest, DetectsAtOnceWhenTrackingFailsAndCarriesNoBoxOverACut) {
  picture(1);
  script.faces = {left};
  EXPECT_EQ(run(2), "D0@40 T0@40");
  picture(2);
  script.faces = {};
  EXPECT_EQ(run(1), "-");
  EXPECT_EQ(follower.detections(), 2u);
}

TEST_F(FollowerTest, LooksAtEveryFrameWhileThereIsNoFace) {
  picture(1);
  EXPECT_EQ(run(3), "- - -");
  script.faces = {left};
  EXPECT_EQ(run(2), "D0@40 T0@40");
  EXPECT_EQ(follower.detections(), 4u);
}

TEST_F(FollowerTest, TakesTheLargestThenStaysWithIt) {
  picture(1);
  script.faces = {left, right};
  EXPECT_EQ(run(6), "D0@200 T0@200 T0@200 T0@200 T0@200 D0@200");
  // The other one grows beyond it, and comes first: still the same face.
  script.faces = {{{20, 20, 130, 180}, 0.99}, right};
  EXPECT_EQ(run(6), "T0@200 T0@200 T0@200 T0@200 D0@200 T0@200");
}

TEST_F(FollowerTest, BridgesOneMissedDetectionOnly) {
  picture(1);
  script.faces = {right};
  EXPECT_EQ(run(1, 2), "D0@200");
  script.faces = {left};  // the detector misses the followed face and sees another
  EXPECT_EQ(run(3, 2), "T0@200 T0@200 T0@200");
  EXPECT_EQ(run(1, 2), "D1@40");
}

TEST_F(FollowerTest, LosesAFaceThatTwoDetectionsDoNotSee) {
  picture(1);
  script.faces = {right};
  EXPECT_EQ(run(1, 2), "D0@200");
  script.faces = {};
  EXPECT_EQ(run(4, 2), "T0@200 T0@200 T0@200 -");
}

TEST_F(FollowerTest, KeepsTheIdWhenFoundAgainInPlaceAndGivesANewOneElsewhere) {
  picture(1);
  script.faces = {left};
  EXPECT_EQ(run(1), "D0@40");
  picture(2);
  script.faces = {};
  EXPECT_EQ(run(2), "- -");
  script.faces = {{{50, 65, 80, 100}, 0.9}};
  EXPECT_EQ(run(1), "D0@50");
  picture(3);
  script.faces = {};
  EXPECT_EQ(run(1), "-");
  script.faces = {right};
  EXPECT_EQ(run(1), "D1@200");
}

TEST_F(FollowerTest, AResetForgetsTheFace) {
  picture(1);
  script.faces = {left};
  EXPECT_EQ(run(2), "D0@40 T0@40");
  follower.reset();
  EXPECT_EQ(run(2), "D1@40 T1@40");
  follower.set_video(frame.info());
  EXPECT_EQ(run(1), "D2@40");
}

TEST_F(FollowerTest, IgnoresAFaceThatIsMostlyOutsideTheFrame) {
  picture(1);
  script.faces = {{{-70, 60, 100, 100}, 0.9}};  // 30 of 100 columns are visible
  EXPECT_EQ(run(1), "-");
  script.faces = {{{-60, 60, 100, 100}, 0.9}};  // 40
  EXPECT_EQ(run(1), "D0@-60");
}

TEST(FaceFollower, LooksCloserForSmallFacesOnEveryIntervalthFrameWithoutAFace) {
  Frame frame(GST_VIDEO_FORMAT_I420, 1280, 720);
  frame.draw(w2ltest::texture(1280, 720, 10.0, 1));
  Script script;
  script.scale = 4.0;
  FaceFollower follower{std::make_unique<ScriptedDetector>(script)};
  follower.set_video(frame.info());
  for (int i = 0; i < 4; ++i) follower.next(*frame, 3, 0.0);
  EXPECT_EQ(script.widths, (std::vector<int>{320, 640, 320, 320, 320, 640}));

  script.faces = {{{600, 300, 48, 60}, 0.9}};
  script.only_at_width = 640;
  EXPECT_EQ(follower.next(*frame, 1, 0.0).how, Sighting::How::Detected);
  const Sighting s = follower.next(*frame, 1, 0.0);
  EXPECT_EQ(s.box, cv::Rect2d(600, 300, 48, 60));
  EXPECT_EQ(follower.detections(), 6u);  // frames, however often each was looked at
}
