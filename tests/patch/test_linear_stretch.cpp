// gst-wav2lip tests: rows of a stretched plane are those of cv::resize, byte for byte.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "linear_stretch.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <stdexcept>
#include <vector>

namespace w2l {
namespace {

constexpr std::uint8_t kUntouched = 0xa5;

// Its end is the end of what can be read.
class Noise {
 public:
  Noise(int width, int height, int seed) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    const std::size_t readable = (bytes + page - 1) / page * page;
    length_ = readable + page;
    base_ = static_cast<std::uint8_t *>(
        mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + readable, page, PROT_NONE);
    plane = cv::Mat(height, width, CV_8UC1, base_ + readable - bytes);
    cv::RNG random(static_cast<std::uint64_t>(seed));
    random.fill(plane, cv::RNG::UNIFORM, 0, 256);
    // Extremes side by side, where rounding shows.
    plane.forEach<std::uint8_t>([](std::uint8_t &value, const int *) {
      if (value < 40) value = 0;
      if (value > 215) value = 255;
    });
  }
  ~Noise() { munmap(base_, length_); }
  Noise(const Noise &) = delete;
  Noise &operator=(const Noise &) = delete;

  cv::Mat plane;

 private:
  std::uint8_t *base_;
  std::size_t length_;
};

void stretch_all(LinearStretch &stretch, const cv::Mat &plane, int rows, cv::Mat &out) {
  const RowRange all{0, rows};
  stretch.stretch(plane.ptr(stretch.rows_read(all).first), static_cast<std::ptrdiff_t>(plane.step),
                  all, out.data);
}

// All of the rows, in the vectors that the CPU has and without them.
void expect_as_opencv(int from_width, int from_height, int to_width, int to_height) {
  const Noise noise(from_width, from_height, to_width + 7 * to_height);
  const cv::Mat &plane = noise.plane;
  cv::Mat wanted;
  cv::resize(plane, wanted, cv::Size(to_width, to_height), 0, 0, cv::INTER_LINEAR);
  LinearStretch stretch;
  stretch.set_sizes(from_width, from_height, to_width, to_height);
  for (const bool plain : {false, true}) {
    cv::Mat out(to_height + 1, to_width, CV_8UC1, cv::Scalar(kUntouched));
    stretch.set_plain(plain);
    stretch_all(stretch, plane, to_height, out);
    EXPECT_EQ(cv::norm(wanted, out.rowRange(0, to_height), cv::NORM_INF), 0)
        << from_width << "x" << from_height << " to " << to_width << "x" << to_height
        << (plain ? ", plain" : "");
    EXPECT_EQ(cv::countNonZero(out.row(to_height) != kUntouched), 0);
  }
}

TEST(LinearStretch, AnswersToBoxesOfAnySize) {
  for (int size = 1; size <= 1100; size += size < 300 ? 1 : 7) {
    expect_as_opencv(96, 96, size, 3 + size % 50);
    expect_as_opencv(96, 96, 5 + size % 60, size);
  }
}

TEST(LinearStretch, HugeBoxes) {
  for (int size : {2048, 2400, 3001, 4096, 6000, 9999, 16384}) {
    expect_as_opencv(1, 96, size, 2);
    expect_as_opencv(96, 96, size, 2);
    expect_as_opencv(96, 96, 20, size);
  }
}

TEST(LinearStretch, PlanesOfAnySize) {
  for (int from : {1, 2, 3, 15, 16, 17, 31, 48, 64, 128, 200})
    for (int to : {1, 2, 8, 15, 16, 17, 24, 33, 64, 100, 128, 255, 400}) {
      expect_as_opencv(from, 5, to, 9);
      expect_as_opencv(20, from, 30, to);
    }
}

// OpenCV has other ways for them.
TEST(LinearStretch, SameSizeAndExactHalves) {
  for (int size : {1, 16, 96, 97}) expect_as_opencv(size, size, size, size);
  for (int size : {1, 16, 48, 97}) expect_as_opencv(2 * size, 2 * size, size, size);
}

TEST(LinearStretch, OnlyTheRowsThatAreWanted) {
  const Noise noise(96, 96, 1);
  const cv::Mat &plane = noise.plane;
  cv::Mat wanted;
  cv::resize(plane, wanted, cv::Size(170, 230), 0, 0, cv::INTER_LINEAR);
  LinearStretch stretch;
  stretch.set_sizes(96, 96, 170, 230);
  for (const RowRange rows : {RowRange{116, 230}, RowRange{0, 1}, RowRange{229, 230},
                              RowRange{50, 51}, RowRange{1, 200}}) {
    const RowRange read = stretch.rows_read(rows);
    cv::Mat out(rows.size(), 170, CV_8UC1);
    stretch.stretch(plane.ptr(read.first), 96, rows, out.data);
    EXPECT_EQ(cv::norm(wanted.rowRange(rows.first, rows.end), out, cv::NORM_INF), 0)
        << rows.first << " to " << rows.end;
  }
  // Half of the answer is enough for half of the box.
  const RowRange read = stretch.rows_read({116, 230});
  EXPECT_EQ(read.first, 48);
  EXPECT_EQ(read.end, 96);
}

TEST(LinearStretch, NoPixels) {
  LinearStretch stretch;
  EXPECT_THROW(stretch.set_sizes(0, 96, 10, 10), std::invalid_argument);
  EXPECT_THROW(stretch.set_sizes(96, 96, 10, 0), std::invalid_argument);
}

TEST(LinearStretch, SizesMayChange) {
  LinearStretch stretch;
  const Noise noise(96, 96, 2);
  const cv::Mat &plane = noise.plane;
  for (const cv::Size size : {cv::Size(170, 230), cv::Size(171, 230), cv::Size(171, 40),
                              cv::Size(9, 40), cv::Size(170, 230)}) {
    cv::Mat wanted, out(size, CV_8UC1);
    cv::resize(plane, wanted, size, 0, 0, cv::INTER_LINEAR);
    stretch.set_sizes(96, 96, size.width, size.height);
    stretch_all(stretch, plane, size.height, out);
    EXPECT_EQ(cv::norm(wanted, out, cv::NORM_INF), 0) << size;
  }
}

}  // namespace
}  // namespace w2l
