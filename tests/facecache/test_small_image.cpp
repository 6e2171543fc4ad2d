// gst-wav2lip: which source pixels a small picture is made of, in every format and layout.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "small_image.h"
#include "test_frame.h"

using w2l::SmallImage;
using w2ltest::Frame;

namespace {

const GstVideoFormat kYuvFormats[] = {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_YV12,
                                      GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_NV21,
                                      GST_VIDEO_FORMAT_Y42B, GST_VIDEO_FORMAT_Y444};
const GstVideoFormat kRgbFormats[] = {
    GST_VIDEO_FORMAT_RGB,  GST_VIDEO_FORMAT_BGR,  GST_VIDEO_FORMAT_RGBx, GST_VIDEO_FORMAT_BGRx,
    GST_VIDEO_FORMAT_xRGB, GST_VIDEO_FORMAT_xBGR, GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_BGRA,
    GST_VIDEO_FORMAT_ARGB, GST_VIDEO_FORMAT_ABGR};

// Rows of a one-channel picture, for exact comparison.
std::vector<std::vector<int>> rows_of(const cv::Mat &image) {
  std::vector<std::vector<int>> rows(image.rows);
  for (int y = 0; y < image.rows; ++y)
    for (int x = 0; x < image.cols; ++x) rows[y].push_back(image.at<guint8>(y, x));
  return rows;
}

using Rows = std::vector<std::vector<int>>;

}  // namespace

TEST(SmallImage, FitsTheLongestSideAndNeverEnlarges) {
  const auto fit = [](int width, int height, int side) {
    GstVideoInfo info;
    gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, width, height);
    return SmallImage(info).fit(side);
  };
  EXPECT_EQ(fit(1280, 720, 320), cv::Size(320, 180));
  EXPECT_EQ(fit(720, 1280, 320), cv::Size(180, 320));
  EXPECT_EQ(fit(853, 479, 640), cv::Size(640, 359));
  EXPECT_EQ(fit(200, 100, 320), cv::Size(200, 100));
  EXPECT_EQ(fit(5000, 1, 320), cv::Size(320, 1));
}

TEST(SmallImage, HalfSizeLumaIsTheRoundedMeanOfTwoByTwo) {
  for (const GstVideoFormat format : kYuvFormats) {
    Frame frame(format, 4, 4, 5);
    const int pixels[4][4] = {{0, 1, 10, 20}, {0, 1, 30, 40}, {255, 255, 7, 7}, {255, 254, 7, 8}};
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 4; ++x) frame.at(0, x, y) = pixels[y][x];
    cv::Mat out;
    SmallImage(frame.info()).luma(*frame, {0, 0, 4, 4}, {2, 2}, out);
    // 2/4 = 0.5 -> 1, 100/4 = 25, 1019/4 = 254.75 -> 255, 29/4 = 7.25 -> 7
    EXPECT_EQ(rows_of(out), (Rows{{1, 25}, {255, 7}})) << gst_video_format_to_string(format);
  }
}

TEST(SmallImage, FullSizeLumaIsTheLumaItselfForOddSizes) {
  for (const GstVideoFormat format : kYuvFormats) {
    Frame frame(format, 5, 3, 3);
    Rows expected(3);
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 5; ++x) {
        frame.at(0, x, y) = static_cast<guint8>(50 * y + 7 * x);
        expected[y].push_back(50 * y + 7 * x);
      }
    cv::Mat out;
    SmallImage(frame.info()).luma(*frame, {0, 0, 5, 3}, {5, 3}, out);
    EXPECT_EQ(rows_of(out), expected) << gst_video_format_to_string(format);
  }
}

TEST(SmallImage, OfSixPixelsPerCellTakesFourSpreadEvenly) {
  Frame frame(GST_VIDEO_FORMAT_I420, 6, 1);
  // Samples at 0.75, 2.25, 3.75, 5.25: pixels 0, 2, 3 and 5.
  const int pixels[] = {10, 200, 20, 30, 200, 40};
  for (int x = 0; x < 6; ++x) frame.at(0, x, 0) = static_cast<guint8>(pixels[x]);
  cv::Mat out;
  SmallImage(frame.info()).luma(*frame, {0, 0, 6, 1}, {1, 1}, out);
  EXPECT_EQ(rows_of(out), (Rows{{25}}));
}

TEST(SmallImage, BeyondTheFrameRepeatsItsEdge) {
  Frame frame(GST_VIDEO_FORMAT_NV12, 2, 2);
  frame.at(0, 0, 0) = 1;
  frame.at(0, 1, 0) = 2;
  frame.at(0, 0, 1) = 3;
  frame.at(0, 1, 1) = 4;
  cv::Mat out;
  SmallImage(frame.info()).luma(*frame, {-1, -1, 4, 4}, {4, 4}, out);
  EXPECT_EQ(rows_of(out), (Rows{{1, 1, 2, 2}, {1, 1, 2, 2}, {3, 3, 4, 4}, {3, 3, 4, 4}}));
}

TEST(SmallImage, RgbComponentsLandInBgrOrderAndAlphaIsIgnored) {
  for (const GstVideoFormat format : kRgbFormats) {
    Frame frame(format, 3, 3, 2);
    frame.fill(0, 200);
    frame.fill(1, 100);
    frame.fill(2, 50);
    cv::Mat out;
    SmallImage small(frame.info());
    small.bgr(*frame, {2, 2}, out);
    EXPECT_EQ(out.at<cv::Vec3b>(1, 1), cv::Vec3b(50, 100, 200))
        << gst_video_format_to_string(format);
    small.luma(*frame, {0, 0, 3, 3}, {1, 1}, out);
    // An R'G'B' GstVideoInfo has no Y'CbCr matrix, so BT.601: 59.8 + 58.7 + 5.7
    EXPECT_EQ(rows_of(out), (Rows{{124}})) << gst_video_format_to_string(format);
  }
}

TEST(SmallImage, YuvBecomesTheColourOfItsMatrixAndRange) {
  for (const GstVideoFormat format : kYuvFormats) {
    Frame frame(format, 7, 5, 4);
    frame.fill(0, 81);  // BT.601, 16..235: pure red is 81, 90, 240
    frame.fill(1, 90);
    frame.fill(2, 240);
    GstVideoInfo info = frame.info();
    gst_video_colorimetry_from_string(&info.colorimetry, GST_VIDEO_COLORIMETRY_BT601);
    cv::Mat out;
    SmallImage(info).bgr(*frame, {4, 3}, out);
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 4; ++x)
        EXPECT_LE(cv::norm(out.at<cv::Vec3b>(y, x), cv::Vec3b(0, 0, 255), cv::NORM_INF), 1.0)
            << gst_video_format_to_string(format) << out.at<cv::Vec3b>(y, x);

    // The same bytes as full-range BT.709: R = 81 + 1.5748 * 112, B = 81 - 1.8556 * 38,
    // G = (81 - 0.2126 * 257.4 - 0.0722 * 10.5) / 0.7152
    gst_video_colorimetry_from_string(&info.colorimetry, "1:3:5:1");
    SmallImage(info).bgr(*frame, {4, 3}, out);
    EXPECT_EQ(out.at<cv::Vec3b>(0, 0), cv::Vec3b(10, 36, 255));
  }
}

TEST(SmallImage, ChromaIsTakenFromUnderThePixel) {
  // 4:2:0 of 3x3: chroma sample (1, 0) belongs to pixel column 2 of rows 0 and 1 only.
  Frame frame(GST_VIDEO_FORMAT_I420, 3, 3);
  frame.fill(0, 126);
  frame.fill(1, 128);
  frame.fill(2, 128);
  frame.at(1, 1, 0) = 228;
  cv::Mat out;
  SmallImage(frame.info()).bgr(*frame, {3, 3}, out);
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 3; ++x) {
      const bool blue = x == 2 && y < 2;
      EXPECT_EQ(out.at<cv::Vec3b>(y, x)[0], blue ? 255 : 128) << x << "," << y;
      EXPECT_EQ(out.at<cv::Vec3b>(y, x)[2], 128) << x << "," << y;
    }
}
