// gst-wav2lip: how strongly each pixel of a box is covered by its patch; see mask.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mask.h"

#include <algorithm>
#include <cmath>

#include "wide_vectors.h"

namespace w2l {
namespace {

float smoothstep(float t) {
  t = std::min(std::max(t, 0.0F), 1.0F);
  return t * t * (3.0F - 2.0F * t);
}

// The superellipse |u|^n + |v|^n = 1 touches the box's sides and bottom; u is 0 at the centre
// column, v is 0 down to the middle line. Coverage falls from 1 where the sum is at most `inner`
// to 0 where it reaches 1.
struct Superellipse {
  double exponent;
  double inner;

  explicit Superellipse(double feather)
      // 3 at feather 0.1 leaves a jaw's width at the height of the chin; the pole at 0 makes the
      // mask converge to the box.
      : exponent(2.0 + 0.1 / feather),
        // The soft edge is feather * width wide where the sides are straight.
        inner(std::pow(1.0 - 2.0 * feather, exponent)) {}

  float term(double coordinate) const {
    return static_cast<float>(std::pow(std::abs(coordinate), exponent));
  }
};

// One row of the mask, written so that the compiler makes vectors of it.
W2L_WIDE void soft_row(const float *__restrict columns, int width, float row_term, float scale,
                       float top, std::uint16_t *__restrict out) {
  for (int x = 0; x < width; x++) {
    float coverage = smoothstep((1.0F - row_term - columns[x]) * scale) * top;
    out[x] = static_cast<std::uint16_t>(static_cast<int>(coverage * kOpaque + 0.5F));
  }
}

}  // namespace

FeatherMask::FeatherMask(int samples, unsigned written) : samples_(samples), written_(written) {}

void FeatherMask::update(int width, int height, RowRange rows, double feather) {
  bool same = width == width_ && height == height_ && rows.first == rows_.first &&
              rows.end == rows_.end && feather == feather_;
  if (same) return;
  // Not the key of a mask until it is there: what follows may throw.
  feather_ = -1.0;
  values_.resize(static_cast<std::size_t>(rows.size()) * width * samples_);
  width_ = width;
  height_ = height;
  rows_ = rows;
  feather_ = feather;
  if (feather > 0.0)
    fill_soft();
  else
    fill_hard();
}

void FeatherMask::write_row(int y, const std::uint16_t *pixels) {
  std::uint16_t *out = values_.data() + offset_of(y);
  if (samples_ == 1 && written_ == 1) {
    std::copy(pixels, pixels + width_, out);
    return;
  }
  for (int sample = 0; sample < samples_; sample++) {
    bool is_written = (written_ >> sample) & 1U;
    for (int x = 0; x < width_; x++) out[x * samples_ + sample] = is_written ? pixels[x] : 0;
  }
}

void FeatherMask::fill_hard() {
  std::vector<std::uint16_t> opaque(width_, kOpaque);
  for (int y = rows_.first; y < rows_.end; y++) write_row(y, opaque.data());
}

void FeatherMask::fill_soft() {
  Superellipse shape(feather_);
  std::vector<float> columns(width_);
  for (int x = 0; x < width_; x++) columns[x] = shape.term((2.0 * x + 1.0) / width_ - 1.0);

  float scale = static_cast<float>(1.0 / (1.0 - shape.inner));
  float top_scale = static_cast<float>(1.0 / (feather_ * width_));
  // The box's middle line, unless the rows end above it.
  double middle = std::min(height_ / 2.0, (rows_.first + rows_.end) / 2.0);
  std::vector<std::uint16_t> pixels(width_);
  for (int y = rows_.first; y < rows_.end; y++) {
    double below_middle = std::max(0.0, y + 0.5 - middle) / (rows_.end - middle);
    float top = smoothstep((y + 0.5F - rows_.first) * top_scale);
    soft_row(columns.data(), width_, shape.term(below_middle), scale, top, pixels.data());
    write_row(y, pixels.data());
  }
}

}  // namespace w2l
