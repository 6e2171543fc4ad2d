// gst-wav2lip: the inner loops of w2lpatch; see row_kernels.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "row_kernels.h"

#include <algorithm>
#include <cmath>

#include "wide_vectors.h"

namespace w2l {
namespace {

std::int32_t fixed_point(double value) {
  return static_cast<std::int32_t>(std::lround(value * (1 << YuvCoefficients::kFraction)));
}

}  // namespace

YuvCoefficients::YuvCoefficients(const GstW2lColorMatrix &m)
    : y_offset(static_cast<std::int32_t>(m.y_offset)) {
  y[0] = fixed_point(m.y_scale * m.kb);
  y[2] = fixed_point(m.y_scale * m.kr);
  // Green takes what rounding left, so that white is exact and greys are colourless.
  y[1] = fixed_point(m.y_scale) - y[0] - y[2];
  cb[0] = fixed_point(m.cb_scale * (1.0 - m.kb));
  cb[2] = fixed_point(-m.cb_scale * m.kr);
  cb[1] = -cb[0] - cb[2];
  cr[2] = fixed_point(m.cr_scale * (1.0 - m.kr));
  cr[0] = fixed_point(-m.cr_scale * m.kb);
  cr[1] = -cr[2] - cr[0];
}

W2L_WIDE void blend_row(std::uint8_t *__restrict dst, const std::uint8_t *__restrict src,
                        const std::uint16_t *__restrict alpha, int count) {
  for (int i = 0; i < count; i++) {
    // At most 255 * 256 + 128: 16-bit lanes hold it.
    std::uint16_t cover = alpha[i];
    std::uint16_t rest = static_cast<std::uint16_t>(256 - cover);
    std::uint16_t sum = static_cast<std::uint16_t>(dst[i] * rest + src[i] * cover + 128);
    dst[i] = static_cast<std::uint8_t>(sum >> 8);
  }
}

W2L_WIDE void scale_alpha_row(std::uint16_t *__restrict out, const std::uint16_t *__restrict alpha,
                              int opacity, int count) {
  // 256 * 256 + 128 needs 17 bits.
  for (int i = 0; i < count; i++)
    out[i] = static_cast<std::uint16_t>((std::uint32_t{alpha[i]} * opacity + 128U) >> 8);
}

W2L_WIDE void luma_row(std::uint8_t *__restrict y, const std::uint8_t *__restrict b,
                       const std::uint8_t *__restrict g, const std::uint8_t *__restrict r,
                       const YuvCoefficients &c, int count) {
  constexpr int kShift = YuvCoefficients::kFraction;
  const std::int32_t offset = (c.y_offset << kShift) + (1 << (kShift - 1));
  const std::int32_t cb = c.y[0], cg = c.y[1], cr = c.y[2];
  for (int i = 0; i < count; i++)
    y[i] = static_cast<std::uint8_t>((offset + cb * b[i] + cg * g[i] + cr * r[i]) >> kShift);
}

W2L_WIDE void add_row(std::uint16_t *__restrict sums, const std::uint8_t *__restrict row,
                      int count) {
  for (int i = 0; i < count; i++) sums[i] = static_cast<std::uint16_t>(sums[i] + row[i]);
}

W2L_WIDE void add_row(std::uint16_t *__restrict sums, const std::uint16_t *__restrict row,
                      int count) {
  for (int i = 0; i < count; i++) sums[i] = static_cast<std::uint16_t>(sums[i] + row[i]);
}

W2L_WIDE void add_pairs(std::uint16_t *__restrict out, const std::uint16_t *__restrict sums,
                        int count) {
  for (int i = 0; i < count; i++)
    out[i] = static_cast<std::uint16_t>(sums[2 * i] + sums[2 * i + 1]);
}

W2L_WIDE void chroma_row(std::uint8_t *__restrict cb, std::uint8_t *__restrict cr,
                         std::uint16_t *__restrict alpha_out, const std::uint16_t *__restrict b,
                         const std::uint16_t *__restrict g, const std::uint16_t *__restrict r,
                         const std::uint16_t *__restrict alpha, int shift, const YuvCoefficients &c,
                         int count) {
  // Sums of four with 20 fraction bits reach 2^30: 32-bit lanes hold it.
  const int total_shift = YuvCoefficients::kFraction + shift;
  const std::int32_t offset = (128 << total_shift) + (1 << (total_shift - 1));
  const std::int32_t bb = c.cb[0], bg = c.cb[1], br = c.cb[2];
  const std::int32_t rb = c.cr[0], rg = c.cr[1], rr = c.cr[2];
  const int half = (1 << shift) >> 1;
  for (int i = 0; i < count; i++) {
    std::int32_t u = (offset + bb * b[i] + bg * g[i] + br * r[i]) >> total_shift;
    std::int32_t v = (offset + rb * b[i] + rg * g[i] + rr * r[i]) >> total_shift;
    // Full range reaches 255.5 for pure blue and pure red.
    cb[i] = static_cast<std::uint8_t>(std::min(u, 255));
    cr[i] = static_cast<std::uint8_t>(std::min(v, 255));
    alpha_out[i] = static_cast<std::uint16_t>((alpha[i] + half) >> shift);
  }
}

void interleave_row(std::uint8_t *__restrict out, const std::uint8_t *__restrict first,
                    const std::uint8_t *__restrict second, int count) {
  for (int i = 0; i < count; i++) {
    out[2 * i] = first[i];
    out[2 * i + 1] = second[i];
  }
}

void duplicate_row(std::uint16_t *__restrict out, const std::uint16_t *__restrict in, int count) {
  for (int i = 0; i < count; i++) out[2 * i] = out[2 * i + 1] = in[i];
}

}  // namespace w2l
