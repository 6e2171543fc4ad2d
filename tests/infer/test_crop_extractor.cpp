// gst-wav2lip: CropExtractor against cv::resize and against the colour formulas of gstw2lvideo.h in
// double arithmetic. Every plane of a test frame ends (or begins) at a page that cannot be read.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crop_extractor.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <string>
#include <vector>

#include "../support/npy_reader.h"
#include "gstw2lvideo.h"

namespace w2l {
namespace {

constexpr int kY = GST_VIDEO_COMP_Y, kU = GST_VIDEO_COMP_U, kV = GST_VIDEO_COMP_V;

const GstVideoFormat kYuvFormats[] = {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_YV12,
                                      GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_NV21,
                                      GST_VIDEO_FORMAT_Y42B, GST_VIDEO_FORMAT_Y444};
const GstVideoFormat kRgbFormats[] = {
    GST_VIDEO_FORMAT_RGB,  GST_VIDEO_FORMAT_BGR,  GST_VIDEO_FORMAT_RGBx, GST_VIDEO_FORMAT_BGRx,
    GST_VIDEO_FORMAT_xRGB, GST_VIDEO_FORMAT_xBGR, GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_BGRA,
    GST_VIDEO_FORMAT_ARGB, GST_VIDEO_FORMAT_ABGR};
const char *const kColorimetries[] = {"bt601", "bt709", "1:4:7:1", "1:3:5:1"};  // last two: 0..255

enum class Guard { AfterEnd, BeforeStart };

// Memory that cannot be touched just after its end, or just before its start.
class GuardedMemory {
 public:
  GuardedMemory(std::size_t size, Guard guard) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t pages = (size + page - 1) / page * page;
    length_ = pages + 2 * page;
    base_ = static_cast<std::uint8_t *>(
        mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_, page, PROT_NONE);
    mprotect(base_ + page + pages, page, PROT_NONE);
    data_ = base_ + page + (guard == Guard::AfterEnd ? pages - size : 0);
    std::memset(data_, 0xa5, size);
  }
  ~GuardedMemory() { munmap(base_, length_); }
  GuardedMemory(const GuardedMemory &) = delete;
  GuardedMemory &operator=(const GuardedMemory &) = delete;
  std::uint8_t *data() { return data_; }

 private:
  std::uint8_t *base_, *data_;
  std::size_t length_;
};

// A mapped frame. Strides have no padding but `padding` bytes; the last row has none.
class Frame {
 public:
  Frame(GstVideoFormat format, int width, int height, const char *colorimetry = "bt601",
        int padding = 0, Guard guard = Guard::AfterEnd) {
    gst_video_info_set_format(&frame.info, format, width, height);
    gst_video_colorimetry_from_string(&frame.info.colorimetry, colorimetry);
    frame.info.chroma_site = GST_VIDEO_CHROMA_SITE_MPEG2;
    for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&frame.info); ++c) {
      const int plane = GST_VIDEO_INFO_COMP_PLANE(&frame.info, c);
      if (frame.data[plane]) continue;
      const int row =
          GST_VIDEO_INFO_COMP_WIDTH(&frame.info, c) * GST_VIDEO_INFO_COMP_PSTRIDE(&frame.info, c);
      frame.info.stride[plane] = row + padding;
      const std::size_t rows = GST_VIDEO_INFO_COMP_HEIGHT(&frame.info, c);
      memory_.push_back(std::make_unique<GuardedMemory>((rows - 1) * (row + padding) + row, guard));
      frame.data[plane] = memory_.back()->data();
    }
  }

  std::uint8_t &sample(int component, int x, int y) {
    return static_cast<std::uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(
        &frame, component))[y * GST_VIDEO_FRAME_COMP_STRIDE(&frame, component) +
                            x * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, component)];
  }
  int width(int component) const { return GST_VIDEO_FRAME_COMP_WIDTH(&frame, component); }
  int height(int component) const { return GST_VIDEO_FRAME_COMP_HEIGHT(&frame, component); }

  void fill(const std::array<int, 3> &values) {
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < height(c); ++y)
        for (int x = 0; x < width(c); ++x) sample(c, x, y) = static_cast<std::uint8_t>(values[c]);
  }

  // The same picture in every format of a kind, whatever the layout.
  void fill_with_noise(unsigned seed) {
    std::mt19937 random(seed);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < height(c); ++y)
        for (int x = 0; x < width(c); ++x) sample(c, x, y) = static_cast<std::uint8_t>(random());
  }

  GstVideoFrame frame{};

 private:
  std::vector<std::unique_ptr<GuardedMemory>> memory_;
};

cv::Mat extract(const Frame &frame, const GstW2lBox &box, int size) {
  cv::Mat crop(size, size, CV_8UC3);
  CropExtractor extractor(frame.frame.info);
  EXPECT_TRUE(extractor.extract(frame.frame, box, size, crop.data));
  return crop;
}

bool equal(const cv::Mat &a, const cv::Mat &b) {
  return a.size() == b.size() && cv::norm(a, b, cv::NORM_INF) == 0;
}

cv::Mat cut(const Frame &frame, const GstW2lBox &box, int size, int max_edge) {
  FaceCrop crop;
  CropExtractor extractor(frame.frame.info);
  EXPECT_TRUE(extractor.cut(frame.frame, box, size, max_edge, &crop));
  EXPECT_EQ(crop.pixels.size(), static_cast<std::size_t>(crop.width * crop.height * 3));
  return cv::Mat(crop.height, crop.width, CV_8UC3, crop.pixels.data()).clone();
}

using Bgr = std::array<double, 3>;

Bgr exact_bgr(const GstVideoInfo &info, double y, double cb, double cr) {
  GstW2lColorMatrix m;
  gst_w2l_color_matrix_init(&m, &info);
  const double luma = (y - m.y_offset) / m.y_scale;
  const double b = luma + (cb - 128) / m.cb_scale, r = luma + (cr - 128) / m.cr_scale;
  const double g = (luma - m.kr * r - m.kb * b) / m.kg;
  const auto clamp = [](double value) { return std::min(255.0, std::max(0.0, value)); };
  return {clamp(b), clamp(g), clamp(r)};
}

// Where the chroma value of a luma position lies between samples, inside [first, last].
double interpolate(const std::vector<double> &samples, double position, int first, int last) {
  position = std::min<double>(last, std::max<double>(first, position));
  const int left = std::min(static_cast<int>(std::floor(position)), last);
  const int right = std::min(left + 1, last);
  return samples[left] + (position - left) * (samples[right] - samples[left]);
}

double exact_chroma(Frame &frame, int component, const GstW2lBox &box, int x, int y) {
  const GstVideoInfo &info = frame.frame.info;
  const int w_sub = GST_VIDEO_FORMAT_INFO_W_SUB(info.finfo, component);
  const int h_sub = GST_VIDEO_FORMAT_INFO_H_SUB(info.finfo, component);
  const bool left = info.chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED;
  const bool top = info.chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED;
  const double across = w_sub ? (left ? x / 2.0 : (x - 0.5) / 2.0) : x;
  const double down = h_sub ? (top ? y / 2.0 : (y - 0.5) / 2.0) : y;
  std::vector<double> column(frame.height(component));
  for (int row = 0; row < frame.height(component); ++row) {
    std::vector<double> samples(frame.width(component));
    for (int i = 0; i < frame.width(component); ++i) samples[i] = frame.sample(component, i, row);
    column[row] = interpolate(samples, across, box.x1 >> w_sub, (box.x2 - 1) >> w_sub);
  }
  return interpolate(column, down, box.y1 >> h_sub, (box.y2 - 1) >> h_sub);
}

// The largest difference between what a square box became and the exact values.
double max_error(Frame &frame, const GstW2lBox &box) {
  const cv::Mat crop = extract(frame, box, box.x2 - box.x1);  // same size: nothing is resized
  double worst = 0;
  for (int y = box.y1; y < box.y2; ++y)
    for (int x = box.x1; x < box.x2; ++x) {
      const Bgr exact =
          exact_bgr(frame.frame.info, frame.sample(kY, x, y), exact_chroma(frame, kU, box, x, y),
                    exact_chroma(frame, kV, box, x, y));
      for (int c = 0; c < 3; ++c)
        worst =
            std::max(worst, std::fabs(crop.at<cv::Vec3b>(y - box.y1, x - box.x1)[c] - exact[c]));
    }
  return worst;
}

TEST(CropExtractor, KnownColoursOfBt601And709) {
  struct Case {
    const char *colorimetry;
    std::array<int, 3> yuv;
    cv::Scalar bgr;
  };
  for (const Case &c :
       {Case{"bt601", {16, 128, 128}, {0, 0, 0}}, Case{"bt601", {235, 128, 128}, {255, 255, 255}},
        Case{"bt601", {81, 90, 240}, {0, 0, 254}}, Case{"bt709", {173, 42, 26}, {1, 255, 0}},
        Case{"1:4:7:1", {76, 85, 255}, {0, 0, 254}},
        Case{"1:4:7:1", {128, 128, 128}, {128, 128, 128}},
        Case{"1:3:5:1", {18, 255, 117}, {254, 0, 1}}}) {
    Frame frame(GST_VIDEO_FORMAT_I420, 40, 40, c.colorimetry);
    frame.fill(c.yuv);
    EXPECT_TRUE(equal(extract(frame, {1, 1, 39, 39}, 96), cv::Mat(96, 96, CV_8UC3, c.bgr)))
        << c.colorimetry << " Y " << c.yuv[0] << " gives "
        << extract(frame, {1, 1, 39, 39}, 96).at<cv::Vec3b>(0, 0);
  }
}

TEST(CropExtractor, SolidColoursInEveryYuvFormatMatrixAndRange) {
  for (GstVideoFormat format : kYuvFormats)
    for (const char *colorimetry : kColorimetries) {
      Frame frame(format, 37, 23, colorimetry);
      for (int y = 0; y < 256; y += 51)
        for (int u = 0; u < 256; u += 51)
          for (int v = 0; v < 256; v += 51) {
            frame.fill({y, u, v});
            const cv::Mat crop = extract(frame, {0, 0, 37, 23}, 32);
            const cv::Vec3b first = crop.at<cv::Vec3b>(0, 0);
            const Bgr exact = exact_bgr(frame.frame.info, y, u, v);
            for (int c = 0; c < 3; ++c)
              ASSERT_LE(std::fabs(first[c] - exact[c]), 0.52)
                  << gst_video_format_to_string(format) << ' ' << colorimetry << ' ' << y << ' '
                  << u << ' ' << v;
            ASSERT_TRUE(equal(crop, cv::Mat(32, 32, CV_8UC3, cv::Scalar(first))));
          }
    }
}

TEST(CropExtractor, GreyStaysGreyExactly) {
  for (const char *colorimetry : kColorimetries) {
    Frame frame(GST_VIDEO_FORMAT_NV12, 256, 2, colorimetry);
    frame.fill({0, 128, 128});
    for (int x = 0; x < 256; ++x) frame.sample(kY, x, 0) = frame.sample(kY, x, 1) = x;
    for (int x = 0; x < 256; x += 2) {
      const cv::Vec3b pixel = extract(frame, {x, 0, x + 2, 2}, 2).at<cv::Vec3b>(0, 0);
      EXPECT_EQ(pixel[0], pixel[1]) << colorimetry << ' ' << x;
      EXPECT_EQ(pixel[1], pixel[2]) << colorimetry << ' ' << x;
    }
  }
}

TEST(CropExtractor, InterpolatesChromaWhereItsSamplesLie) {
  // Widths on both sides of a vector register, all parities of the edges.
  const GstW2lBox boxes[] = {{0, 0, 53, 53},   {1, 0, 17, 16},   {2, 3, 18, 19}, {5, 7, 36, 38},
                             {20, 21, 53, 54}, {52, 54, 53, 55}, {9, 9, 11, 11}};
  for (GstVideoFormat format : kYuvFormats)
    for (int site : {GST_VIDEO_CHROMA_SITE_NONE, GST_VIDEO_CHROMA_SITE_H_COSITED,
                     GST_VIDEO_CHROMA_SITE_V_COSITED, GST_VIDEO_CHROMA_SITE_COSITED}) {
      Frame frame(format, 53, 55, "bt709", 5);
      frame.frame.info.chroma_site = static_cast<GstVideoChromaSite>(site);
      frame.fill_with_noise(site + 1);
      for (const GstW2lBox &box : boxes)
        EXPECT_LE(max_error(frame, box), 0.52)
            << gst_video_format_to_string(format) << " site " << site << " box " << box.x1 << ' '
            << box.y1 << ' ' << box.x2 << ' ' << box.y2;
    }
}

TEST(CropExtractor, ChromaOfCapsWithoutSitingLiesLeft) {
  Frame frame(GST_VIDEO_FORMAT_I420, 20, 20);
  frame.fill_with_noise(1);
  const cv::Mat left = extract(frame, {0, 0, 20, 20}, 20);
  frame.frame.info.chroma_site = GST_VIDEO_CHROMA_SITE_UNKNOWN;
  EXPECT_TRUE(equal(extract(frame, {0, 0, 20, 20}, 20), left));
  frame.frame.info.chroma_site = GST_VIDEO_CHROMA_SITE_NONE;
  EXPECT_FALSE(equal(extract(frame, {0, 0, 20, 20}, 20), left));
}

TEST(CropExtractor, BgrEqualsResizingTheRegion) {
  Frame frame(GST_VIDEO_FORMAT_BGR, 301, 299);
  frame.fill_with_noise(2);
  const cv::Mat whole(299, 301, CV_8UC3, frame.frame.data[0],
                      GST_VIDEO_FRAME_PLANE_STRIDE(&frame.frame, 0));
  for (const GstW2lBox &box :
       {GstW2lBox{0, 0, 301, 299}, GstW2lBox{13, 7, 205, 199}, GstW2lBox{130, 30, 196, 112},
        GstW2lBox{300, 298, 301, 299}, GstW2lBox{5, 5, 101, 101}, GstW2lBox{10, 0, 11, 299}})
    for (int size : {96, 256}) {
      cv::Mat expected;
      cv::resize(whole(cv::Rect(box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1)), expected,
                 cv::Size(size, size), 0, 0, cv::INTER_LINEAR);
      EXPECT_TRUE(equal(extract(frame, box, size), expected)) << box.x1 << ' ' << size;
    }
}

TEST(CropExtractor, EveryRgbOrderGivesWhatBgrGives) {
  Frame bgr(GST_VIDEO_FORMAT_BGR, 211, 151);
  bgr.fill_with_noise(3);
  for (GstVideoFormat format : kRgbFormats) {
    Frame other(format, 211, 151, "sRGB", 3);
    other.fill_with_noise(3);
    for (const GstW2lBox &box : {GstW2lBox{0, 0, 211, 151}, GstW2lBox{101, 77, 134, 120}})
      EXPECT_TRUE(equal(extract(other, box, 96), extract(bgr, box, 96)))
          << gst_video_format_to_string(format);
  }
}

TEST(CropExtractor, PackedBytesAreWhereTheFormatSays) {
  // One orange pixel, 0xff8000, bytes as they lie in memory.
  struct Case {
    GstVideoFormat format;
    std::vector<std::uint8_t> bytes;
  };
  for (const Case &c : {Case{GST_VIDEO_FORMAT_RGB, {0xff, 0x80, 0x00}},
                        Case{GST_VIDEO_FORMAT_BGR, {0x00, 0x80, 0xff}},
                        Case{GST_VIDEO_FORMAT_RGBx, {0xff, 0x80, 0x00, 0x11}},
                        Case{GST_VIDEO_FORMAT_BGRA, {0x00, 0x80, 0xff, 0x11}},
                        Case{GST_VIDEO_FORMAT_xRGB, {0x11, 0xff, 0x80, 0x00}},
                        Case{GST_VIDEO_FORMAT_ABGR, {0x11, 0x00, 0x80, 0xff}}}) {
    Frame frame(c.format, 1, 1);
    std::memcpy(frame.frame.data[0], c.bytes.data(), c.bytes.size());
    EXPECT_EQ(extract(frame, {0, 0, 1, 1}, 1).at<cv::Vec3b>(0, 0), cv::Vec3b(0x00, 0x80, 0xff))
        << gst_video_format_to_string(c.format);
  }
}

TEST(CropExtractor, LargeBoxEqualsConvertingAllOfItFirst) {
  Frame frame(GST_VIDEO_FORMAT_I420, 1081, 1083);
  frame.fill_with_noise(4);
  for (int edge : {95, 96, 97, 191, 192, 193, 288, 384, 385, 500, 771, 1080}) {
    const GstW2lBox box{1, 3, 1 + edge, 3 + edge};
    const cv::Mat converted = extract(frame, box, edge);
    for (int size : {1, 7, 96}) {
      cv::Mat expected;
      cv::resize(converted, expected, cv::Size(size, size), 0, 0, cv::INTER_LINEAR);
      EXPECT_TRUE(equal(extract(frame, box, size), expected)) << edge << " to " << size;
    }
  }
}

TEST(CropExtractor, ReadsNothingBeyondTheFrame) {
  // A read past a plane's first or last byte ends the test program.
  for (const GstVideoFormat *format :
       {kYuvFormats + 0, kYuvFormats + 1, kYuvFormats + 2, kYuvFormats + 3, kYuvFormats + 4,
        kYuvFormats + 5, kRgbFormats + 0, kRgbFormats + 1, kRgbFormats + 2, kRgbFormats + 4,
        kRgbFormats + 9})
    for (Guard guard : {Guard::AfterEnd, Guard::BeforeStart})
      for (int padding : {0, 13}) {
        const int width = 67, height = 43;
        Frame frame(*format, width, height, "bt601", padding, guard), tight(*format, width, height);
        frame.fill_with_noise(5);
        tight.fill_with_noise(5);
        for (const GstW2lBox &box :
             {GstW2lBox{0, 0, width, height}, GstW2lBox{0, 5, 20, 30}, GstW2lBox{9, 0, 30, 21},
              GstW2lBox{width - 33, 5, width, 30}, GstW2lBox{9, height - 22, 30, height},
              GstW2lBox{width - 1, height - 1, width, height}, GstW2lBox{0, 0, 1, 1},
              GstW2lBox{width - 2, 0, width - 1, 1}})
          EXPECT_TRUE(equal(extract(frame, box, 96), extract(tight, box, 96)))
              << gst_video_format_to_string(*format) << " box at " << box.x1 << ' ' << box.y1;
      }
}

TEST(CropExtractor, PixelsOutsideTheBoxDoNotMatter) {
  const GstW2lBox box{7, 5, 30, 26};
  for (GstVideoFormat format : kYuvFormats) {
    Frame frame(format, 41, 33);
    frame.fill_with_noise(6);
    const cv::Mat before = extract(frame, box, 96);
    for (int c : {kY, kU, kV}) {
      const int w_sub = GST_VIDEO_FORMAT_INFO_W_SUB(frame.frame.info.finfo, c);
      const int h_sub = GST_VIDEO_FORMAT_INFO_H_SUB(frame.frame.info.finfo, c);
      for (int y = 0; y < frame.height(c); ++y)
        for (int x = 0; x < frame.width(c); ++x)
          if (x < box.x1 >> w_sub || x > (box.x2 - 1) >> w_sub || y < box.y1 >> h_sub ||
              y > (box.y2 - 1) >> h_sub)
            frame.sample(c, x, y) ^= 0xff;
    }
    EXPECT_TRUE(equal(extract(frame, box, 96), before)) << gst_video_format_to_string(format);
  }
}

TEST(CropExtractor, CutsBoxesAtTheirOwnSize) {
  std::vector<GstVideoFormat> formats(std::begin(kYuvFormats), std::end(kYuvFormats));
  formats.insert(formats.end(), std::begin(kRgbFormats), std::end(kRgbFormats));
  for (GstVideoFormat format : formats) {
    Frame frame(format, 411, 403, "bt709", 3);
    frame.fill_with_noise(8);
    // The last one has rows that are not read to make 96 of them, but are to be there.
    for (int edge : {1, 61, 96, 400}) {
      const GstW2lBox box{3, 1, 3 + edge, 1 + edge};
      EXPECT_TRUE(equal(cut(frame, box, 96, 400), extract(frame, box, edge)))
          << gst_video_format_to_string(format) << ' ' << edge;
    }
    for (const GstW2lBox &box : {GstW2lBox{7, 5, 68, 80}, GstW2lBox{0, 0, 200, 3},
                                 GstW2lBox{410, 0, 411, 399}, GstW2lBox{11, 2, 171, 402}}) {
      const cv::Mat crop = cut(frame, box, 96, 400);
      EXPECT_EQ(crop.size(), cv::Size(box.x2 - box.x1, box.y2 - box.y1));
      cv::Mat resized;
      cv::resize(crop, resized, cv::Size(96, 96), 0, 0, cv::INTER_LINEAR);
      EXPECT_TRUE(equal(resized, extract(frame, box, 96))) << gst_video_format_to_string(format);
    }
  }
}

TEST(CropExtractor, CutsNothingThatIsLargerThanItShouldBe) {
  Frame frame(GST_VIDEO_FORMAT_I420, 120, 120);
  frame.fill_with_noise(9);
  for (const GstW2lBox &box : {GstW2lBox{0, 0, 51, 50}, GstW2lBox{0, 0, 50, 51},
                               GstW2lBox{10, 10, 11, 120}, GstW2lBox{0, 0, 120, 120}})
    EXPECT_TRUE(equal(cut(frame, box, 96, 50), extract(frame, box, 96)));
  EXPECT_EQ(cut(frame, {0, 0, 50, 50}, 96, 50).size(), cv::Size(50, 50));
  // An engine that does not resize has 0.
  EXPECT_TRUE(equal(cut(frame, {0, 0, 1, 1}, 96, 0), extract(frame, {0, 0, 1, 1}, 96)));
}

TEST(CropExtractor, RefusesBoxesThatAreEmptyOrNotInTheFrame) {
  for (GstVideoFormat format :
       {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_BGR, GST_VIDEO_FORMAT_xRGB}) {
    Frame frame(format, 64, 48);
    CropExtractor extractor(frame.frame.info);
    std::vector<std::uint8_t> out(96 * 96 * 3, 0x5a);
    const std::vector<std::uint8_t> untouched = out;
    for (const GstW2lBox &box :
         {GstW2lBox{-1, 0, 10, 10}, GstW2lBox{0, -1, 10, 10}, GstW2lBox{0, 0, 65, 10},
          GstW2lBox{0, 0, 10, 49}, GstW2lBox{10, 0, 10, 10}, GstW2lBox{0, 10, 10, 10},
          GstW2lBox{20, 0, 10, 10}, GstW2lBox{0, 20, 10, 10}, GstW2lBox{64, 0, 70, 10},
          GstW2lBox{G_MININT, G_MININT, G_MAXINT, G_MAXINT}}) {
      EXPECT_FALSE(extractor.extract(frame.frame, box, 96, out.data()))
          << box.x1 << ' ' << box.y1 << ' ' << box.x2 << ' ' << box.y2;
      FaceCrop crop;
      EXPECT_FALSE(extractor.cut(frame.frame, box, 96, 100, &crop));
      EXPECT_TRUE(crop.pixels.empty());
    }
    EXPECT_EQ(out, untouched);
  }
}

TEST(CropExtractor, OneExtractorServesBoxesOfAnySizeInTurn) {
  Frame frame(GST_VIDEO_FORMAT_NV21, 400, 300);
  frame.fill_with_noise(7);
  CropExtractor extractor(frame.frame.info);
  for (const GstW2lBox &box : {GstW2lBox{0, 0, 400, 300}, GstW2lBox{11, 13, 24, 37},
                               GstW2lBox{200, 100, 201, 101}, GstW2lBox{1, 1, 300, 299}}) {
    cv::Mat crop(96, 96, CV_8UC3);
    ASSERT_TRUE(extractor.extract(frame.frame, box, 96, crop.data));
    EXPECT_TRUE(equal(crop, extract(frame, box, 96)));
  }
}

TEST(CropExtractor, NamesAFormatItDoesNotKnow) {
  for (GstVideoFormat format : {GST_VIDEO_FORMAT_GRAY8, GST_VIDEO_FORMAT_YUY2,
                                GST_VIDEO_FORMAT_I420_10LE, GST_VIDEO_FORMAT_Y41B}) {
    GstVideoInfo info;
    gst_video_info_set_format(&info, format, 64, 64);
    try {
      CropExtractor extractor(info);
      ADD_FAILURE() << gst_video_format_to_string(format) << " was taken";
    } catch (const std::invalid_argument &error) {
      EXPECT_NE(std::string(error.what()).find(gst_video_format_to_string(format)),
                std::string::npos);
    }
  }
}

TEST(CropExtractor, GivesTheNetworkWhatTheReferenceGaveIt) {
  const char *folder = std::getenv("W2L_TEST_DATA");
  if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  const std::string golden = std::string(folder) + "/golden/e2e_25fps";
  const std::vector<float> faces = test::load_npz(golden + "/net_batch0.npz")["face"].floats();
  ASSERT_EQ(faces.size(), 8u * 6 * 96 * 96);
  for (int i = 0; i < 8; ++i) {
    const cv::Mat picture = cv::imread(golden + "/frames/00" + std::to_string(i) + ".png");
    ASSERT_EQ(picture.size(), cv::Size(320, 180));
    Frame frame(GST_VIDEO_FORMAT_BGR, 320, 180);
    std::memcpy(frame.frame.data[0], picture.data, picture.total() * 3);
    const cv::Mat crop = extract(frame, {130, 30, 196, 112}, 96);
    int differing = 0;
    for (int c = 0; c < 3; ++c)  // channels 3..5 hold the whole crop
      for (int at = 0; at < 96 * 96; ++at)
        differing += crop.data[3 * at + c] / 255.0f != faces[((i * 6 + 3 + c) * 96 * 96) + at];
    EXPECT_EQ(differing, 0) << "frame " << i;
  }
}

}  // namespace
}  // namespace w2l
