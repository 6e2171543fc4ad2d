// gst-wav2lip: the inner loops of YuvToBgr: rows of samples to rows of pixels. Whole numbers, the
// same on all CPUs.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace w2l {

// Of one output colour: y * Y + cb * Cb + cr * Cr + bias, where samples are times 2^kSampleBits and
// weights times 2^kWeightBits.
struct YuvWeights {
  std::int16_t y, cb, cr;
  std::int32_t bias;
};

// Interpolated chroma fills them without rounding.
constexpr int kSampleBits = 4;
// The most that the largest weight (2.28, blue from Cb) leaves room for in 16 bits.
constexpr int kWeightBits = 13;

// A luma position's chroma: near * the sample under it + far * the one `step` further, times 4 in
// one direction.
struct ChromaTaps {
  int near, far, step;
};

// A chroma row between two of the frame's, times 4. `step` samples, 1 or 2, from one to the next.
void mix_rows(const std::uint8_t *near, const std::uint8_t *far, const ChromaTaps &taps, int step,
              int count, std::int16_t *out);

// out[2 * i] and out[2 * i + 1], times 4 again, from in[i] and its neighbours: in[-1] and in[count]
// are read.
void double_columns(const std::int16_t *in, const ChromaTaps &even, const ChromaTaps &odd,
                    int count, std::int16_t *out);

// Three rows of samples at luma's width.
struct YuvRow {
  const std::uint8_t *luma;     // 8 bits
  const std::int16_t *cb, *cr;  // times 2^kSampleBits
  int width;
};

struct YuvMatrix {
  YuvWeights blue, green, red;
};

// Packed BGR, rounded and clamped.
void yuv_row_to_bgr(const YuvRow &row, const YuvMatrix &matrix, std::uint8_t *out);

// The same without AVX2.
void yuv_row_to_bgr_on_any_cpu(const YuvRow &row, const YuvMatrix &matrix, std::uint8_t *out);

}  // namespace w2l
