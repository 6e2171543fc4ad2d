// gst-wav2lip: how long a stage takes, as the percentiles that w2linfer's stats property shows.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace w2l {

// Totals over the whole run, percentiles over the newest kSamples; not thread-safe.
class StageStats {
 public:
  static constexpr std::size_t kSamples = 512;

  void add(double milliseconds) {
    samples_[count_ % kSamples] = milliseconds;
    count_++;
    total_ += milliseconds;
  }

  // fraction in 0..1: 0.5 is the median. 0 before the first sample.
  double percentile(double fraction) const {
    std::size_t held = static_cast<std::size_t>(std::min<std::uint64_t>(count_, kSamples));
    if (held == 0) return 0;
    std::array<double, kSamples> samples = samples_;
    const auto nth =
        samples.begin() + std::min(held - 1, static_cast<std::size_t>(fraction * held));
    std::nth_element(samples.begin(), nth, samples.begin() + held);
    return *nth;
  }

  double total() const { return total_; }  // milliseconds
  std::uint64_t count() const { return count_; }

 private:
  std::array<double, kSamples> samples_{};
  std::uint64_t count_ = 0;
  double total_ = 0;
};

class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace w2l
