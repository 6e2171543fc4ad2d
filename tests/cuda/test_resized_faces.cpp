// gst-wav2lip tests: the CUDA engine's own resizing, in the kernels' twin, against OpenCV's
// cv::resize: byte by byte, for all sizes that an engine takes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <vector>

#include "cpu_twins.h"
#include "network/family.h"
#include "network_layout.h"

namespace w2l {
namespace {

constexpr int kEdge = 96;
const int kMost = max_crop_edge(families().front());

// Noise, in bytes or in black and white: there what is rounded wrong shows the most.
cv::Mat noise(int width, int height, std::mt19937 &random) {
  cv::Mat picture(height, width, CV_8UC3);
  const bool extreme = random() % 2;
  for (std::size_t i = 0; i < picture.total() * 3; ++i) {
    const auto byte = static_cast<std::uint8_t>(random());
    picture.data[i] = extreme ? (byte & 1 ? 255 : 0) : byte;
  }
  return picture;
}

// What the network would see of them, in bytes.
std::vector<cv::Mat> resized_by_twin(const std::vector<cv::Mat> &pictures, int edge) {
  std::vector<CropPlace> places;
  std::vector<std::uint8_t> crops;
  for (const cv::Mat &picture : pictures) {
    places.push_back({static_cast<std::uint32_t>(crops.size()), picture.cols, picture.rows});
    crops.insert(crops.end(), picture.data, picture.data + picture.total() * 3);
  }
  const auto pixels = static_cast<std::size_t>(edge * edge);
  std::vector<float> output(pictures.size() * pixels * kChannelStep);
  write_faces_on_cpu({Number::Fp32, static_cast<int>(pictures.size()), edge, places.data(),
                      crops.data(), output.data()});
  std::vector<cv::Mat> result;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    cv::Mat &resized = result.emplace_back(edge, edge, CV_8UC3);
    for (std::size_t p = 0; p < pixels; ++p)
      for (std::size_t c = 0; c < 3; ++c)
        resized.data[p * 3 + c] = static_cast<std::uint8_t>(
            std::lround(output[(i * pixels + p) * kChannelStep + 3 + c] * 255));
  }
  return result;
}

void expect_as_opencv(const std::vector<cv::Mat> &pictures, int edge = kEdge) {
  const std::vector<cv::Mat> resized = resized_by_twin(pictures, edge);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    cv::Mat expected;
    cv::resize(pictures[i], expected, cv::Size(edge, edge), 0, 0, cv::INTER_LINEAR);
    EXPECT_EQ(cv::norm(expected, resized[i], cv::NORM_INF), 0)
        << pictures[i].cols << " x " << pictures[i].rows << " to " << edge;
  }
}

TEST(ResizedFaces, AreOpenCvsFromEveryWidthAndHeight) {
  std::mt19937 random(1);
  for (int size = 1; size <= kMost; ++size)
    expect_as_opencv({noise(size, size, random), noise(size, 1, random), noise(1, size, random),
                      noise(size, kMost + 1 - size, random), noise(size, kEdge, random),
                      noise(kEdge, size, random)});
}

TEST(ResizedFaces, AreOpenCvsFromAnySize) {
  std::mt19937 random(2);
  for (int batch = 0; batch < 40; ++batch) {
    std::vector<cv::Mat> pictures;
    for (int i = 0; i < 32; ++i) {
      const auto edge = [&] {
        return 1 + static_cast<int>(random() % static_cast<unsigned>(kMost));
      };
      pictures.push_back(noise(edge(), edge(), random));
    }
    expect_as_opencv(pictures);
  }
}

// Of networks that there are elsewhere.
TEST(ResizedFaces, AreOpenCvsForLargerNetworks) {
  std::mt19937 random(3);
  for (const int edge : {192, 256, 288, 384})
    for (int i = 0; i < 10; ++i)
      expect_as_opencv({noise(1 + static_cast<int>(random() % 500), 2 * edge, random),
                        noise(edge, 1 + static_cast<int>(random() % 500), random)},
                       edge);
}

TEST(ResizedFaces, ThatHaveTheNetworksSizeStayAsTheyAre) {
  std::mt19937 random(4);
  const cv::Mat picture = noise(kEdge, kEdge, random);
  EXPECT_EQ(cv::norm(picture, resized_by_twin({picture}, kEdge)[0], cv::NORM_INF), 0);
}

}  // namespace
}  // namespace w2l
