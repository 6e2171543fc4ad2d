// gst-wav2lip: the inner loops of w2lpatch, one row each, portable code that compilers vectorise.
// Coverage ("alpha") is in 1/256. Called by the blend kernels only.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "gstw2lvideo.h"

namespace w2l {

// 8-bit B'G'R' to Y'CbCr in fixed point with 20 fraction bits: the error stays below 0.001 levels,
// greys have no chroma and white keeps its exact level.
struct YuvCoefficients {
  static constexpr int kFraction = 20;

  std::int32_t y[3], cb[3], cr[3];  // for B, G, R
  std::int32_t y_offset;            // in levels

  explicit YuvCoefficients(const GstW2lColorMatrix &matrix);
};

// dst = (src * alpha + dst * (256 - alpha)) / 256, rounded; exact for alpha 0 and 256.
void blend_row(std::uint8_t *dst, const std::uint8_t *src, const std::uint16_t *alpha, int count);

// out = alpha * opacity / 256, rounded; opacity is in 1/256 too.
void scale_alpha_row(std::uint16_t *out, const std::uint16_t *alpha, int opacity, int count);

void luma_row(std::uint8_t *y, const std::uint8_t *b, const std::uint8_t *g, const std::uint8_t *r,
              const YuvCoefficients &coefficients, int count);

// sums[x] += row[x]
void add_row(std::uint16_t *sums, const std::uint8_t *row, int count);
void add_row(std::uint16_t *sums, const std::uint16_t *row, int count);

// out[x] = sums[2x] + sums[2x + 1]; `out` may not be `sums`.
void add_pairs(std::uint16_t *out, const std::uint16_t *sums, int count);

// b, g, r and alpha hold sums of 2^shift values. Writes both chroma values of their average, and
// the average alpha.
void chroma_row(std::uint8_t *cb, std::uint8_t *cr, std::uint16_t *alpha_out,
                const std::uint16_t *b, const std::uint16_t *g, const std::uint16_t *r,
                const std::uint16_t *alpha, int shift, const YuvCoefficients &coefficients,
                int count);

// out = first[0], second[0], first[1], second[1], ...
void interleave_row(std::uint8_t *out, const std::uint8_t *first, const std::uint8_t *second,
                    int count);
void duplicate_row(std::uint16_t *out, const std::uint16_t *in, int count);

}  // namespace w2l
