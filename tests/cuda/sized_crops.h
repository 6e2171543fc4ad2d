// gst-wav2lip tests: faces of any size for engines that resize, and what OpenCV makes of them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <vector>

#include "engine.h"
#include "sample_inputs.h"

namespace w2l::test {

// Keeps what its samples refer to.
class SizedCrops {
 public:
  // Coarse noise, so that neighbouring layers see structure; speech that is new in each sample.
  Sample make(int width, int height) {
    cv::Mat cells(8, 8, CV_8UC3), picture;
    for (std::size_t i = 0; i < cells.total() * 3; ++i)
      cells.data[i] = static_cast<std::uint8_t>(random_());
    cv::resize(cells, picture, cv::Size(width, height), 0, 0, cv::INTER_CUBIC);
    return keep(picture);
  }

  // The same sample as an engine without resizing would be given it.
  Sample resized(const Sample &sample) {
    const cv::Mat picture(sample.crop.height, sample.crop.width, CV_8UC3,
                          const_cast<std::uint8_t *>(sample.crop.pixels));
    cv::Mat square;
    cv::resize(picture, square, cv::Size(96, 96), 0, 0, cv::INTER_LINEAR);
    Sample result = keep(square);
    result.mel = sample.mel;
    return result;
  }

  std::vector<Sample> resized(const std::vector<Sample> &samples) {
    std::vector<Sample> result;
    for (const Sample &sample : samples) result.push_back(resized(sample));
    return result;
  }

 private:
  Sample keep(const cv::Mat &picture) {
    pictures_.emplace_back(picture.data, picture.data + picture.total() * 3);
    mels_.push_back(SampleInput(static_cast<int>(mels_.size()) + 500).mel);
    return {{pictures_.back().data(), picture.cols, picture.rows}, mels_.back().data()};
  }

  std::mt19937 random_{1};
  std::deque<std::vector<std::uint8_t>> pictures_;
  std::deque<std::vector<float>> mels_;
};

}  // namespace w2l::test
