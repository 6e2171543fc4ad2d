// gst-wav2lip: the tracker on textures whose motion is known to the pixel.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "face_tracker.h"
#include "test_frame.h"

using w2l::FaceTracker;
using w2l::SmallImage;
using w2ltest::Frame;

namespace {

constexpr int kWidth = 400, kHeight = 300;

// The part of a larger texture that a camera at x, y sees.
void show(Frame &frame, const cv::Mat &world, int x, int y) {
  frame.draw(world(cv::Rect(x, y, kWidth, kHeight)).clone());
}

}  // namespace

TEST(FaceTracker, FollowsATranslatedTextureToThePixel) {
  const cv::Mat world = w2ltest::texture(600, 500, 4.0, 1);
  for (const GstVideoFormat format : {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_BGRx}) {
    Frame frame(format, kWidth, kHeight);
    SmallImage images(frame.info());
    FaceTracker tracker;
    show(frame, world, 100, 100);
    // Faces at the fine patch's scale, above it (200 px = 2.08 per sample) and far below it.
    for (const cv::Rect2d face : {cv::Rect2d(140.25, 100.5, 96, 120), cv::Rect2d(100, 60, 200, 200),
                                  cv::Rect2d(150, 120, 24, 30)}) {
      show(frame, world, 100, 100);
      tracker.start(images, *frame, face);
      ASSERT_TRUE(tracker.active());
      // Path of the camera; steps within a quarter of the face's width.
      const cv::Point path[] = {{100, 100}, {103, 100}, {99, 104}, {95, 108}, {98, 103}};
      for (const cv::Point camera : path) {
        show(frame, world, camera.x, camera.y);
        const auto found = tracker.follow(images, *frame);
        ASSERT_TRUE(found) << face << camera;
        EXPECT_EQ(*found, face + cv::Point2d(100 - camera.x, 100 - camera.y));
      }
    }
  }
}

TEST(FaceTracker, PlacesALargeFaceToThePixelThoughItsCoarsePixelIsEleven) {
  // Large blobs for the coarse patch, and detail that only the fine one sees.
  const cv::Mat world =
      0.6 * w2ltest::texture(600, 500, 16.0, 4) + 0.4 * w2ltest::texture(600, 500, 3.0, 5);
  Frame frame(GST_VIDEO_FORMAT_I420, kWidth, kHeight);
  SmallImage images(frame.info());
  FaceTracker tracker;
  const cv::Rect2d face(20, 10, 352, 280);
  show(frame, world, 100, 100);
  tracker.start(images, *frame, face);
  for (const cv::Point camera : {cv::Point(105, 100), cv::Point(110, 97), cv::Point(104, 104),
                                 cv::Point(99, 101), cv::Point(93, 107), cv::Point(87, 112)}) {
    show(frame, world, camera.x, camera.y);
    const auto found = tracker.follow(images, *frame);
    ASSERT_TRUE(found) << camera;
    EXPECT_EQ(*found, face + cv::Point2d(100 - camera.x, 100 - camera.y));
  }
}

TEST(FaceTracker, LosesTheFaceOnACut) {
  Frame frame(GST_VIDEO_FORMAT_I420, kWidth, kHeight);
  SmallImage images(frame.info());
  FaceTracker tracker;
  frame.draw(w2ltest::texture(kWidth, kHeight, 6.0, 1));
  tracker.start(images, *frame, {140, 100, 100, 120});
  ASSERT_TRUE(tracker.follow(images, *frame));
  EXPECT_DOUBLE_EQ(tracker.confidence(), 1.0);

  frame.draw(w2ltest::texture(kWidth, kHeight, 6.0, 2));
  EXPECT_FALSE(tracker.follow(images, *frame));
  EXPECT_LT(tracker.confidence(), 0.8);
  EXPECT_FALSE(tracker.active());

  // Lost stays lost, even when the picture comes back: only a detection starts it again.
  frame.draw(w2ltest::texture(kWidth, kHeight, 6.0, 1));
  EXPECT_FALSE(tracker.follow(images, *frame));
}

TEST(FaceTracker, LosesTheFaceInABlackFrame) {
  Frame frame(GST_VIDEO_FORMAT_NV12, kWidth, kHeight);
  SmallImage images(frame.info());
  FaceTracker tracker;
  frame.draw(w2ltest::texture(kWidth, kHeight, 6.0, 1));
  tracker.start(images, *frame, {140, 100, 100, 120});
  frame.fill(0, 16);
  EXPECT_FALSE(tracker.follow(images, *frame));
}

TEST(FaceTracker, LosesWhatJumpsOutOfItsWindow) {
  const cv::Mat world = w2ltest::texture(600, 500, 8.0, 3);
  Frame frame(GST_VIDEO_FORMAT_I420, kWidth, kHeight);
  SmallImage images(frame.info());
  FaceTracker tracker;
  show(frame, world, 100, 100);
  tracker.start(images, *frame, {140, 100, 96, 120});
  show(frame, world, 160, 100);
  EXPECT_FALSE(tracker.follow(images, *frame));
}

TEST(FaceTracker, KeepsAFaceThatTouchesTheFramesEdge) {
  const cv::Mat world = w2ltest::texture(600, 500, 4.0, 5);
  Frame frame(GST_VIDEO_FORMAT_I420, kWidth, kHeight);
  SmallImage images(frame.info());
  FaceTracker tracker;
  const cv::Rect2d face(0, 0, 96, 120);
  show(frame, world, 100, 100);
  tracker.start(images, *frame, face);
  show(frame, world, 97, 98);
  const auto found = tracker.follow(images, *frame);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, face + cv::Point2d(3, 2));
}
