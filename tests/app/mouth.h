// gst-wav2lip tests: how far a drawn mouth is open in a picture, and how well a course of openings
// follows another.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace w2l::test {

struct Mouth {
  double x = 0, y = 0, half_width = 0;  // of the closed lips, in pixels
};

// How much a pixel is one of the mouth's inside, 0 to 1: nearly black, or as bright as teeth and as
// grey. Skin and lips are neither; a pixel that the network blurred is something in between.
inline double inside_of_mouth(const std::uint8_t *rgb) {
  const auto [low, high] = std::minmax({rgb[0], rgb[1], rgb[2]});
  const double dark = (110 - high) / 60.0;
  const double teeth = std::min((low - 140) / 50.0, (75 - (high - low)) / 35.0);
  return std::clamp(std::max(dark, teeth), 0.0, 1.0);
}

// Mean height of the mouth's inside over its middle half, in half widths, in an RGB picture.
inline double opening(const GstVideoFrame &picture, const Mouth &mouth) {
  const auto *pixels = static_cast<const std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&picture, 0));
  const int stride = GST_VIDEO_FRAME_PLANE_STRIDE(&picture, 0);
  const auto at = [&](double centre, double half_widths) {
    return static_cast<int>(std::lround(centre + half_widths * mouth.half_width));
  };
  // From under the nostrils down to the chin.
  const int left = at(mouth.x, -0.5), right = at(mouth.x, 0.5);
  double sum = 0;
  for (int y = at(mouth.y, -0.6); y < at(mouth.y, 1.2); ++y)
    for (int x = left; x < right; ++x) sum += inside_of_mouth(pixels + y * stride + 3 * x);
  return sum / (right - left) / mouth.half_width;
}

// Of `seen` with `truth` moved to `delay` frames later, over the frames that both have.
inline double correlation(const std::vector<double> &seen, const std::vector<double> &truth,
                          int delay) {
  double n = 0, s = 0, t = 0, ss = 0, tt = 0, st = 0;
  for (int i = std::max(0, delay); i < static_cast<int>(seen.size()); ++i) {
    if (i - delay >= static_cast<int>(truth.size())) break;
    const double a = seen[i], b = truth[i - delay];
    n++, s += a, t += b, ss += a * a, tt += b * b, st += a * b;
  }
  const double spread = (ss - s * s / n) * (tt - t * t / n);
  return spread > 0 ? (st - s * t / n) / std::sqrt(spread) : 0;
}

}  // namespace w2l::test
