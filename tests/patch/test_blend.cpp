// gst-wav2lip: tests of the blend kernels on frames in memory: which bytes change, and to what.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "blend.h"
#include "gstw2lvideo.h"
#include "mask.h"
#include "test_frame.h"

using namespace w2l;
using namespace w2l_test;

namespace {

const cv::Scalar kOrange(32, 144, 240);  // B, G, R

struct Scene {
  GstW2lBox box{21, 11, 62, 48};  // odd everywhere
  RowRange valid{0, 96};
  BlendSettings settings{MaskMode::kFull, 0.0, 1.0};
};

cv::Mat solid(const cv::Scalar &color) {
  return cv::Mat(96, 96, CV_8UC3, color);
}

cv::Mat gradient() {
  cv::Mat image(96, 96, CV_8UC3);
  for (int y = 0; y < 96; y++)
    for (int x = 0; x < 96; x++)
      image.at<cv::Vec3b>(y, x) =
          cv::Vec3b(static_cast<uchar>(x * 5 + y * 3), static_cast<uchar>(x * y / 7),
                    static_cast<uchar>(255 - x - y * 2));
  return image;
}

Placement paint(TestFrame &target, const cv::Mat &image, const Scene &scene) {
  PatchGeometry patch{scene.box, image.rows, scene.valid, 1.0};
  Placement placement = place_patch(patch, scene.settings, GST_VIDEO_INFO_WIDTH(&target.info()),
                                    GST_VIDEO_INFO_HEIGHT(&target.info()));
  if (placement.visible())
    make_blend_kernel(target.info())
        ->blend(target.frame(), image, patch, placement, scene.settings.feather);
  return placement;
}

int clamp_round(double value) {
  return std::clamp(static_cast<int>(std::floor(value + 0.5)), 0, 255);
}

// What component `c` becomes for a colour, by the formulas of gstw2lvideo.h in doubles.
int converted(const GstVideoInfo &info, int c, double b, double g, double r) {
  if (GST_VIDEO_INFO_IS_RGB(&info)) return clamp_round(c == 0 ? r : c == 1 ? g : b);
  GstW2lColorMatrix m;
  gst_w2l_color_matrix_init(&m, &info);
  double luma = m.kr * r + m.kg * g + m.kb * b;
  if (c == 0) return clamp_round(m.y_offset + m.y_scale * luma);
  return clamp_round(c == 1 ? 128 + m.cb_scale * (b - luma) : 128 + m.cr_scale * (r - luma));
}

// Plain, slow model of hard-edged painting: the bytes of `before` with the region of the stretched
// image in place. Chroma sites mix by the share of their pixels (those inside the frame) that are
// painted, with the average colour of these.
class Model {
 public:
  Model(const TestFrame &before, const cv::Mat &image, const GstW2lBox &box,
        const Placement &placement)
      : frame_(before),
        info_(before.info()),
        box_(box),
        placement_(placement),
        bytes_(before.bytes()),
        painted_(before.bytes().size()) {
    cv::resize(image, scaled_, cv::Size(box.x2 - box.x1, box.y2 - box.y1), 0, 0, cv::INTER_LINEAR);
    int components = std::min<int>(3, GST_VIDEO_INFO_N_COMPONENTS(&info_));
    for (int c = 0; c < components; c++)
      for (int y = 0; y < GST_VIDEO_INFO_COMP_HEIGHT(&info_, c); y++)
        for (int x = 0; x < GST_VIDEO_INFO_COMP_WIDTH(&info_, c); x++) paint_site(c, x, y);
  }

  int byte(gsize i) const { return bytes_[i]; }
  bool is_painted(gsize i) const { return painted_[i]; }

 private:
  void paint_site(int c, int x, int y) {
    int w_sub = GST_VIDEO_FORMAT_INFO_W_SUB(info_.finfo, c);
    int h_sub = GST_VIDEO_FORMAT_INFO_H_SUB(info_.finfo, c);
    double b = 0, g = 0, r = 0;
    int painted = 0, all = 0;
    for (int j = y << h_sub; j < (y + 1) << h_sub; j++)
      for (int i = x << w_sub; i < (x + 1) << w_sub; i++) {
        if (i >= GST_VIDEO_INFO_WIDTH(&info_) || j >= GST_VIDEO_INFO_HEIGHT(&info_)) continue;
        all++;
        const GstW2lBox &region = placement_.region;
        if (i < region.x1 || i >= region.x2 || j < region.y1 || j >= region.y2) continue;
        painted++;
        const auto &pixel = scaled_.at<cv::Vec3b>(j - box_.y1, i - box_.x1);
        b += pixel[0];
        g += pixel[1];
        r += pixel[2];
      }
    if (painted == 0) return;
    gsize index = frame_.index(c, x, y);
    painted_[index] = true;
    int alpha = 256 * painted / all * placement_.opacity / 256;
    int color = converted(info_, c, b / painted, g / painted, r / painted);
    bytes_[index] =
        static_cast<std::uint8_t>((bytes_[index] * (256 - alpha) + color * alpha + 128) >> 8);
  }

  const TestFrame &frame_;
  const GstVideoInfo &info_;
  const GstW2lBox box_;
  const Placement placement_;
  cv::Mat scaled_;
  std::vector<std::uint8_t> bytes_;
  std::vector<bool> painted_;
};

// Every byte, padding included. `tolerance` is for rounding of painted bytes in fixed point.
void expect_model(GstVideoFormat format, int width, int height, const cv::Mat &image,
                  const Scene &scene, int tolerance, const char *colorimetry = nullptr) {
  TestFrame before(format, width, height, colorimetry), after(format, width, height, colorimetry);
  Placement placement = paint(after, image, scene);
  Model model(before, image, scene.box, placement);
  int different = 0;
  for (gsize i = 0; i < before.bytes().size(); i++) {
    int expected = model.byte(i), got = after.bytes()[i];
    bool same = std::abs(got - expected) <= (model.is_painted(i) ? tolerance : 0);
    if (!same && ++different <= 3)
      ADD_FAILURE() << gst_video_format_to_string(format) << " " << width << "x" << height
                    << ": byte " << i << " is " << got << ", not " << expected;
  }
  EXPECT_EQ(different, 0);
}

TEST(Blend, SolidColourFillsExactlyTheBoxInEveryFormat) {
  for (GstVideoFormat format : all_formats()) expect_model(format, 96, 64, solid(kOrange), {}, 0);
}

TEST(Blend, SolidColourFillsTheBoxOfAnOddFrame) {
  Scene corner;
  corner.box = {60, 30, 95, 63};  // up to the last, half covered chroma sites
  for (GstVideoFormat format : all_formats()) {
    expect_model(format, 95, 63, solid(kOrange), {}, 0);
    expect_model(format, 95, 63, solid(kOrange), corner, 0);
  }
}

TEST(Blend, OrangeInBt601IsTheKnownTriple) {
  TestFrame frame(GST_VIDEO_FORMAT_I420, 96, 64, "bt601");
  paint(frame, solid(kOrange), {});
  EXPECT_EQ(frame.at(0, 40, 30), 153);
  EXPECT_EQ(frame.at(1, 20, 15), 65);
  EXPECT_EQ(frame.at(2, 20, 15), 178);
}

TEST(Blend, GreysHaveNoChromaAndWhiteIsExact) {
  for (const char *colorimetry : {"bt601", "bt709", "bt2020", "1:4:0:1"}) {
    for (int grey : {0, 1, 127, 128, 254, 255}) {
      TestFrame frame(GST_VIDEO_FORMAT_NV12, 96, 64, colorimetry);
      paint(frame, solid(cv::Scalar::all(grey)), {});
      EXPECT_EQ(frame.at(0, 40, 30), converted(frame.info(), 0, grey, grey, grey));
      EXPECT_EQ(frame.at(1, 20, 15), 128);
      EXPECT_EQ(frame.at(2, 20, 15), 128);
    }
  }
}

TEST(Blend, EveryMatrixAndRangeIsHonoured) {
  const cv::Scalar colors[] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {200, 30, 77}, {9, 250, 131}};
  for (const char *colorimetry : {"bt601", "bt709", "bt2020", "smpte240m", "1:4:0:1", "1:3:5:1"})
    for (const cv::Scalar &color : colors)
      for (GstVideoFormat format : {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_Y444})
        expect_model(format, 96, 64, solid(color), {}, 0, colorimetry);
}

TEST(Blend, ImagesFollowTheModelInEveryFormat) {
  for (GstVideoFormat format : all_formats()) {
    int tolerance = GST_VIDEO_INFO_IS_RGB(&TestFrame(format, 16, 16).info()) ? 0 : 1;
    expect_model(format, 97, 65, gradient(), {}, tolerance);
    Scene large;
    large.box = {1, 2, 96, 64};
    expect_model(format, 97, 65, gradient(), large, tolerance);
  }
}

TEST(Blend, ReferenceModeIsOpenCvsResizeInTheBox) {
  for (GstW2lBox box : {GstW2lBox{5, 7, 101, 103}, GstW2lBox{3, 2, 51, 50},
                        GstW2lBox{10, 0, 310, 170}, GstW2lBox{100, 50, 101, 51}}) {
    TestFrame before(GST_VIDEO_FORMAT_BGR, 320, 180), after(GST_VIDEO_FORMAT_BGR, 320, 180);
    Scene scene;
    scene.box = box;
    paint(after, gradient(), scene);
    cv::Mat expected;
    cv::resize(gradient(), expected, cv::Size(box.x2 - box.x1, box.y2 - box.y1));
    for (int y = 0; y < 180; y++)
      for (int x = 0; x < 320; x++)
        for (int channel = 0; channel < 3; channel++) {
          bool inside = x >= box.x1 && x < box.x2 && y >= box.y1 && y < box.y2;
          int want = inside ? expected.at<cv::Vec3b>(y - box.y1, x - box.x1)[channel]
                            : before.at(2 - channel, x, y);
          ASSERT_EQ(after.at(2 - channel, x, y), want) << x << "," << y;
        }
  }
}

TEST(Blend, LowerRowsAreBitEqualToThoseOfAWholeAnswer) {
  for (GstVideoFormat format : all_formats())
    for (double feather : {0.0, 0.1}) {
      Scene scene;
      scene.box = {21, 3, 122, 118};
      scene.settings.feather = feather;
      // Exactly the rows a half answer can give.
      cv::Mat half = gradient();
      half.rowRange(0, 48).setTo(cv::Scalar(255, 0, 255));
      TestFrame from_half(format, 161, 121), from_whole(format, 161, 121);
      scene.valid = {48, 96};
      scene.settings.mask = MaskMode::kAuto;
      Placement placement = paint(from_half, half, scene);
      EXPECT_EQ(placement.region.y1, 3 + 58);  // row 57 of 115 lies at image row 47.5

      scene.valid = {0, 96};
      scene.settings.mask = MaskMode::kLower;
      EXPECT_EQ(paint(from_whole, gradient(), scene).region.y1, 3 + 58);
      EXPECT_EQ(from_half.bytes(), from_whole.bytes()) << gst_video_format_to_string(format);
    }
}

// An answer of which one half cannot be read.
class HalfAnswer {
 public:
  enum class Half { Upper, Lower };
  explicit HalfAnswer(Half readable) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    bytes_ = (kHalf + page - 1) / page * page;
    base_ = static_cast<std::uint8_t *>(
        mmap(nullptr, 2 * bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    const cv::Mat whole = gradient();
    std::uint8_t *middle = base_ + bytes_;  // of the answer
    image_ = cv::Mat(96, 96, CV_8UC3, middle - kHalf);
    whole.copyTo(image_);
    mprotect(readable == Half::Upper ? middle : base_, bytes_, PROT_NONE);
  }
  ~HalfAnswer() { munmap(base_, 2 * bytes_); }
  HalfAnswer(const HalfAnswer &) = delete;
  HalfAnswer &operator=(const HalfAnswer &) = delete;
  const cv::Mat &image() const { return image_; }

 private:
  static constexpr std::size_t kHalf = 48 * 96 * 3;
  std::size_t bytes_;
  std::uint8_t *base_;
  cv::Mat image_;
};

TEST(Blend, RowsThatAreNotValidAreNeverRead) {
  const HalfAnswer upper(HalfAnswer::Half::Upper), lower(HalfAnswer::Half::Lower);
  for (GstVideoFormat format : all_formats()) {
    for (int height : {20, 96, 115}) {
      Scene scene;
      scene.box = {21, 3, 122, 3 + height};
      TestFrame frame(format, 161, 121);
      scene.valid = {0, 48};
      EXPECT_TRUE(paint(frame, upper.image(), scene).visible());
      scene.valid = {48, 96};
      EXPECT_TRUE(paint(frame, lower.image(), scene).visible());
    }
  }
}

TEST(Blend, FeatheredEdgeStaysInsideAndMixesByTheMask) {
  Scene scene;
  scene.settings.feather = 0.2;
  TestFrame before(GST_VIDEO_FORMAT_xRGB, 96, 64), after(GST_VIDEO_FORMAT_xRGB, 96, 64);
  Placement placement = paint(after, solid(kOrange), scene);
  FeatherMask mask;
  mask.update(41, 37, placement.rows, 0.2);
  const int color[3] = {240, 144, 32};
  std::vector<std::uint8_t> expected = before.bytes();
  for (int y = 0; y < 37; y++)
    for (int x = 0; x < 41; x++)
      for (int c = 0; c < 3; c++) {
        int alpha = mask.row(y)[x];
        std::uint8_t &byte = expected[before.index(c, 21 + x, 11 + y)];
        byte = static_cast<std::uint8_t>((byte * (256 - alpha) + color[c] * alpha + 128) >> 8);
      }
  EXPECT_EQ(after.bytes(), expected);
}

TEST(Blend, ChromaOfAFeatheredEdgeUsesTheMeanMask) {
  Scene scene;
  scene.settings.feather = 0.2;
  TestFrame before(GST_VIDEO_FORMAT_NV12, 96, 64), after(GST_VIDEO_FORMAT_NV12, 96, 64);
  Placement placement = paint(after, solid(kOrange), scene);
  FeatherMask mask;
  mask.update(41, 37, placement.rows, 0.2);
  auto alpha_at = [&](int x, int y) {
    bool inside = x >= 21 && x < 62 && y >= 11 && y < 48;
    return inside ? static_cast<int>(mask.row(y - 11)[x - 21]) : 0;
  };
  for (int y = 0; y < 32; y++)
    for (int x = 0; x < 48; x++)
      for (int c = 1; c < 3; c++) {
        int sum = alpha_at(2 * x, 2 * y) + alpha_at(2 * x + 1, 2 * y) + alpha_at(2 * x, 2 * y + 1) +
                  alpha_at(2 * x + 1, 2 * y + 1);
        int alpha = (sum + 2) / 4;
        int color = converted(before.info(), c, 32, 144, 240);
        int want = (before.at(c, x, y) * (256 - alpha) + color * alpha + 128) >> 8;
        ASSERT_EQ(after.at(c, x, y), want) << x << "," << y;
      }
}

TEST(Blend, HalfOpacityIsTheMiddle) {
  Scene scene;
  scene.settings.opacity = 0.5;
  for (GstVideoFormat format : all_formats())
    expect_model(format, 96, 64, solid(kOrange), scene, 0);
}

TEST(Blend, ClippedBoxPaintsThePartInside) {
  Scene scene;
  for (GstW2lBox box :
       {GstW2lBox{-17, -9, 24, 28}, GstW2lBox{70, 40, 111, 77}, GstW2lBox{-5, -6, 103, 72}}) {
    scene.box = box;
    for (GstVideoFormat format : all_formats())
      expect_model(format, 95, 63, solid(kOrange), scene, 0);
    expect_model(GST_VIDEO_FORMAT_BGRA, 95, 63, gradient(), scene, 0);
    expect_model(GST_VIDEO_FORMAT_I420, 95, 63, gradient(), scene, 1);
  }
}

TEST(Blend, TinyBoxes) {
  Scene scene;
  for (GstW2lBox box : {GstW2lBox{20, 10, 21, 11}, GstW2lBox{21, 11, 22, 12},
                        GstW2lBox{21, 11, 23, 13}, GstW2lBox{94, 62, 95, 63}}) {
    scene.box = box;
    for (GstVideoFormat format : all_formats())
      expect_model(format, 95, 63, solid(kOrange), scene, 0);
  }
}

TEST(Blend, AKernelServesManyBoxes) {
  TestFrame frame(GST_VIDEO_FORMAT_I420, 320, 180);
  auto kernel = make_blend_kernel(frame.info());
  BlendSettings settings{MaskMode::kAuto, 0.1, 1.0};
  for (int size = 150; size > 2; size -= 7) {
    PatchGeometry patch{{size % 9, 1, size % 9 + size, 1 + size}, 96, {0, 96}, 1.0};
    Placement placement = place_patch(patch, settings, 320, 180);
    TestFrame again(GST_VIDEO_FORMAT_I420, 320, 180), fresh(GST_VIDEO_FORMAT_I420, 320, 180);
    kernel->blend(again.frame(), gradient(), patch, placement, settings.feather);
    make_blend_kernel(fresh.info())
        ->blend(fresh.frame(), gradient(), patch, placement, settings.feather);
    ASSERT_EQ(again.bytes(), fresh.bytes()) << size;
  }
}

}  // namespace
