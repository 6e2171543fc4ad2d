// gst-wav2lip tests: pictures for convolution kernels to read and write, comparison of results, and
// the kernels of all instruction sets that this CPU has.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <random>
#include <thread>
#include <type_traits>
#include <vector>

#include "conv3x3.h"

namespace w2l {

// What lies around the pixels: must not be read into any result, nor written.
inline constexpr float kAround = std::numeric_limits<float>::quiet_NaN();

template <typename T>
T number(float value) {
  if constexpr (std::is_same_v<T, Bf16>)
    return std::isnan(value) ? Bf16{0x7fc0} : to_bf16(value);
  else if constexpr (std::is_same_v<T, std::uint8_t>)  // the nearest to 0..1
    return static_cast<std::uint8_t>(std::lround(std::min(std::fabs(value), 1.0f) * 255));
  else
    return value;
}

// Floats before a page that can neither be read nor written, aligned to 64 bytes.
class GuardedFloats {
 public:
  explicit GuardedFloats(std::size_t count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    count = (count + 15) / 16 * 16;
    const std::size_t usable = (count * sizeof(float) + page - 1) / page * page;
    bytes_ = usable + page;
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    char *end = static_cast<char *>(memory_) + usable;
    mprotect(end, page, PROT_NONE);
    data_ = reinterpret_cast<float *>(end) - count;
  }
  ~GuardedFloats() { munmap(memory_, bytes_); }
  GuardedFloats(const GuardedFloats &) = delete;
  GuardedFloats &operator=(const GuardedFloats &) = delete;

  float *get() const { return data_; }

 private:
  void *memory_;
  std::size_t bytes_;
  float *data_;
};

// Runs all blocks, each thread a part of them, in a workspace with nothing but numbers that are
// none.
template <typename Conv, typename Problem>
void run_on_threads(const Conv &conv, const Problem &problem, int threads) {
  const int blocks = conv.blocks(problem);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&, i] {
      // Behind it a sentinel: 16 floats are a vector and a line of the cache.
      const std::size_t size = conv.workspace_size();
      const GuardedFloats workspace(size + 16);
      std::fill_n(workspace.get(), size, kAround);
      std::fill_n(workspace.get() + size, 16, 123.0f);
      conv.run(problem, blocks * i / threads, blocks * (i + 1) / threads, workspace.get());
      for (std::size_t k = 0; k < 16; ++k) EXPECT_EQ(workspace.get()[size + k], 123.0f);
    });
  for (std::thread &thread : running) thread.join();
}

// Pictures inside of a wider tensor, with unused channels to the left and right, and more unused
// pixels behind each row.
template <typename T>
class Pictures {
 public:
  Pictures(std::mt19937 &random, int images, int height, int width, int channels, int top,
           T around = number<T>(kAround))
      : Pictures(images, height, width, channels) {
    std::uniform_int_distribution<int> some(0, 5);
    left_ = some(random);
    const int pixel_step = left_ + channels + some(random);
    const int row_step = pixel_step * width + some(random);
    place(pixel_step, row_step, row_step * (height - top) + some(random), top, around);
  }

  // Without anything between them.
  static Pictures packed(int images, int height, int width, int channels, int top) {
    Pictures pictures(images, height, width, channels);
    pictures.place(channels, width * channels, (height - top) * width * channels, top,
                   number<T>(kAround));
    return pictures;
  }

  template <typename Value>
  void fill(const Value &value) {
    for (int image = 0; image < images_; ++image)
      for (int row = steps_.top; row < height_; ++row)
        for (int column = 0; column < width_; ++column)
          for (int c = 0; c < channels_; ++c)
            view().at(image, row, column)[c] = number<T>(value(row, column));
  }

  PixelView<T> view() {
    PixelView<T> view = steps_;
    view.data = values_.data() + left_;
    return view;
  }
  PixelView<const T> constant() {
    return {view().data, steps_.image_step, steps_.row_step, steps_.pixel_step, steps_.top};
  }
  std::vector<float> values() const {
    std::vector<float> values;
    for (const T value : values_) values.push_back(to_float(value));
    return values;
  }

 private:
  Pictures(int images, int height, int width, int channels)
      : images_(images), height_(height), width_(width), channels_(channels) {}

  void place(int pixel_step, int row_step, int image_step, int top, T around) {
    steps_ = {nullptr, image_step, row_step, pixel_step, top};
    values_.assign(static_cast<std::size_t>(image_step * images_ + left_), around);
  }

  int images_, height_, width_, channels_, left_ = 0;
  PixelView<T> steps_;
  std::vector<T> values_;
};

// Noise of a result against the largest value of the right one, in decibels.
inline double decibels(const std::vector<float> &actual, const std::vector<float> &expected) {
  double peak = 0, noise = 0, count = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i])) continue;
    const double difference = static_cast<double>(actual[i]) - expected[i];
    peak = std::max(peak, std::fabs(static_cast<double>(expected[i])));
    noise += difference * difference;
    ++count;
  }
  return 10 * std::log10(peak * peak / std::max(noise / count, 1e-30));
}

// Whether exactly the pixels that should be were written.
inline bool same_pixels(const std::vector<float> &actual, const std::vector<float> &expected) {
  return std::equal(actual.begin(), actual.end(), expected.begin(), expected.end(),
                    [](float a, float b) { return std::isnan(a) == std::isnan(b); });
}

// `best` chooses kernels for the CPU.
template <typename Kernels>
std::vector<const Kernels *> all_kernels(const Kernels &(*best)()) {
  std::vector<const Kernels *> list;
  const std::int64_t all = hwy::SupportedTargets();
  for (std::int64_t rest = all; rest != 0; rest &= rest - 1) {
    hwy::SetSupportedTargetsForTest(rest & -rest);
    hwy::GetChosenTarget().DeInit();
    const Kernels &kernels = best();
    if (std::find(list.begin(), list.end(), &kernels) == list.end()) list.push_back(&kernels);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
  return list;
}

}  // namespace w2l
