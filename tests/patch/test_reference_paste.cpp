// gst-wav2lip: the reference implementation's recorded answers, pasted by the blend kernel, against
// its recorded frames: bit for bit. Needs W2L_TEST_DATA.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "blend.h"
#include "support/npy_reader.h"

using namespace w2l;

namespace {

constexpr GstW2lBox kRecordedBox = {130, 30, 196, 112};
constexpr int kSide = 96;

// Answer `index` of a batch of planar BGR floats, 0..1, as the reference makes bytes of it.
cv::Mat truncated_answer(const std::vector<float> &batch, int index) {
  cv::Mat image(kSide, kSide, CV_8UC3);
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < kSide * kSide; i++)
      image.data[i * 3 + c] = static_cast<uchar>(
          batch[(static_cast<std::size_t>(index) * 3 + c) * kSide * kSide + i] * 255.0F);
  return image;
}

TEST(ReferencePaste, RecordedAnswersGiveTheRecordedFrames) {
  const char *data = std::getenv("W2L_TEST_DATA");
  if (!data) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  const std::string golden = std::string(data) + "/golden/e2e_25fps";
  const auto answers = test::load_npz(golden + "/net_batch0.npz")["pred"].floats();
  ASSERT_EQ(answers.size(), 8U * 3 * kSide * kSide);

  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_BGR, 320, 180);
  auto kernel = make_blend_kernel(info);
  PatchGeometry patch{kRecordedBox, kSide, {0, kSide}, 1.0};
  Placement placement = place_patch(patch, {MaskMode::kFull, 0.0, 1.0}, 320, 180);
  for (int i = 0; i < 8; i++) {
    const std::string name = "/00" + std::to_string(i) + ".png";
    cv::Mat picture = cv::imread(golden + "/frames" + name);
    cv::Mat expected = cv::imread(golden + "/expected" + name);
    ASSERT_EQ(picture.size(), cv::Size(320, 180));
    ASSERT_EQ(expected.size(), cv::Size(320, 180));
    GstVideoFrame frame{};
    frame.info = info;
    frame.data[0] = picture.data;
    kernel->blend(&frame, truncated_answer(answers, i), patch, placement, 0.0);
    EXPECT_EQ(cv::norm(picture, expected, cv::NORM_INF), 0.0) << name;
  }
}

}  // namespace
