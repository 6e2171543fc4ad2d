// gst-wav2lip tests: rows of Y'CbCr samples to pixels, against the formulas, exactly.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "yuv_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace w2l {
namespace {

constexpr std::uint8_t kUntouched = 0xa5;
constexpr int kMargin = 64;

// BT.601, limited range.
const YuvMatrix kMatrix{{9539, 16525, 0, -(9539 * 16 + 16525 * 128) * 16},
                        {9539, -3209, -6660, -(9539 * 16 + (-3209 - 6660) * 128) * 16},
                        {9539, 0, 13075, -(9539 * 16 + 13075 * 128) * 16}};

struct Samples {
  std::vector<std::uint8_t> luma;
  std::vector<std::int16_t> cb, cr;

  Samples(int width, std::mt19937 &random) {
    const auto sample = [&random] {  // the extremes often
      const unsigned number = random() % 8;
      return number == 0 ? 0U : number == 1 ? 255U : random() % 256;
    };
    for (int x = 0; x < width; ++x) {
      luma.push_back(static_cast<std::uint8_t>(sample()));
      cb.push_back(static_cast<std::int16_t>(16 * sample() - random() % 16));
      cr.push_back(static_cast<std::int16_t>(16 * sample() - random() % 16));
    }
  }

  YuvRow row() const { return {luma.data(), cb.data(), cr.data(), static_cast<int>(luma.size())}; }
};

std::vector<std::uint8_t> expected(const YuvRow &row, const YuvMatrix &matrix) {
  std::vector<std::uint8_t> pixels;
  for (int x = 0; x < row.width; ++x)
    for (const YuvWeights &w : {matrix.blue, matrix.green, matrix.red}) {
      const std::int64_t sum = std::int64_t{w.y} * 16 * row.luma[x] + w.cb * row.cb[x] +
                               w.cr * row.cr[x] + w.bias + (1 << 16);
      pixels.push_back(static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum >> 17, 0, 255)));
    }
  return pixels;
}

TEST(YuvRows, PixelsOfRowsOfAnyWidth) {
  std::mt19937 random{3};
  for (int width = 1; width <= 200; ++width) {
    const Samples samples(width, random);
    const std::vector<std::uint8_t> wanted = expected(samples.row(), kMatrix);
    for (const auto convert : {yuv_row_to_bgr, yuv_row_to_bgr_on_any_cpu}) {
      std::vector<std::uint8_t> out(wanted.size() + kMargin, kUntouched);
      convert(samples.row(), kMatrix, out.data());
      EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), out.begin())) << "width " << width;
      EXPECT_EQ(std::count(out.end() - kMargin, out.end(), kUntouched), kMargin);
    }
  }
}

TEST(YuvRows, ChromaRowsAreMixed) {
  std::mt19937 random{4};
  for (int step : {1, 2}) {
    for (int count = 1; count <= 70; ++count) {
      std::vector<std::uint8_t> near(static_cast<std::size_t>(step * (count - 1) + 1)), far = near;
      for (auto *row : {&near, &far})
        for (std::uint8_t &sample : *row) sample = static_cast<std::uint8_t>(random());
      std::vector<std::int16_t> out(static_cast<std::size_t>(count) + 1, 77);
      mix_rows(near.data(), far.data(), {3, 1, -1}, step, count, out.data());
      for (int i = 0; i < count; ++i)
        ASSERT_EQ(out[static_cast<std::size_t>(i)], 3 * near[static_cast<std::size_t>(step * i)] +
                                                        far[static_cast<std::size_t>(step * i)]);
      EXPECT_EQ(out.back(), 77);
    }
  }
}

TEST(YuvRows, ChromaColumnsAreDoubled) {
  std::mt19937 random{5};
  for (int count = 1; count <= 70; ++count) {
    std::vector<std::int16_t> in(static_cast<std::size_t>(count) + 2);
    for (std::int16_t &sample : in) sample = static_cast<std::int16_t>(random() % 1021);
    std::vector<std::int16_t> out(2 * static_cast<std::size_t>(count) + 1, 77);
    double_columns(in.data() + 1, {3, 1, -1}, {2, 2, 1}, count, out.data());
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      ASSERT_EQ(out[2 * i], 3 * in[i + 1] + in[i]);
      ASSERT_EQ(out[2 * i + 1], 2 * in[i + 1] + 2 * in[i + 2]);
    }
    EXPECT_EQ(out.back(), 77);
  }
}

}  // namespace
}  // namespace w2l
