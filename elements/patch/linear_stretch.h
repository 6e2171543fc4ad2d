// gst-wav2lip: stretches 8-bit planes as OpenCV's cv::resize (INTER_LINEAR) does, the same bytes,
// but only those rows that are wanted. YuvKernel stretches answers with it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "placement.h"

namespace w2l {

class LinearStretch {
 public:
  // In pixels. Cheap while they stay the same. Throws std::invalid_argument if one is less than 1.
  void set_sizes(int from_width, int from_height, int to_width, int to_height);

  // The plane's rows that these rows of the stretched one are made of.
  RowRange rows_read(RowRange rows) const;

  // Writes `rows` of the stretched plane, which are not none, to `out`, packed. `from` is the first
  // of rows_read(rows).
  void stretch(const std::uint8_t *from, std::ptrdiff_t stride, RowRange rows, std::uint8_t *out);

  // For tests: on any CPU, as where there is no AVX2.
  void set_plain(bool plain) { plain_ = plain; }

 private:
  // The two pixels of a line that a stretched one is mixed of, and their weights.
  struct Taps {
    int first, second;
    std::int16_t first_weight, second_weight;
  };
  // Sixteen stretched pixels of a row, as AVX2 computes them: two times eight, each from sixteen
  // bytes of the row.
  struct Block {
    int at;                                   // of the first one
    int begin[2];                             // of the bytes
    alignas(32) std::uint8_t places[32];      // of both taps of each pixel, in the bytes
    alignas(32) std::int16_t weights[2][16];  // for the lower, then the upper half of each eight
  };

  static std::vector<Taps> taps_across(int from, int to);
  static std::vector<Taps> taps(int from, int to);
  static std::vector<Block> blocks(const std::vector<Taps> &across, int from_width);
  static bool fill_half(Block &block, int half, const Taps *taps, int from_width);
  void stretch_row(const std::uint8_t *from, std::int16_t *out) const;
  void stretch_row_by_blocks(const std::uint8_t *from, std::int16_t *out) const;

  int from_width_ = 0, from_height_ = 0, to_width_ = 0, to_height_ = 0;
  std::vector<Taps> across_, down_;
  std::vector<Block> blocks_;  // none where a row has to be computed pixel by pixel
  bool plain_ = false;
  std::vector<std::int16_t> shares_;  // rows that are stretched across, and not down yet
};

}  // namespace w2l
