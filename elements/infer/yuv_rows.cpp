// gst-wav2lip: the inner loops of YuvToBgr, see yuv_rows.h. The matrix runs on AVX2 where the CPU
// has it and rows are long enough, else on OpenCV's universal intrinsics (SSE2, NEON, ...), of
// which a scalar form takes a row's last pixels. All compute the same integers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "yuv_rows.h"

#include <algorithm>
#include <array>
#include <opencv2/core/hal/intrin.hpp>

#include "wide_vectors.h"

namespace w2l {
namespace {

constexpr int kShift = kSampleBits + kWeightBits;
constexpr std::int32_t kHalf = 1 << (kShift - 1);

// From pixel `x` on.
void convert_scalar(const YuvRow &row, const YuvMatrix &matrix, int x, std::uint8_t *out) {
  const auto apply = [](const YuvWeights &w, int y, int u, int v) {
    const int value = (w.y * y + w.cb * u + w.cr * v + w.bias + kHalf) >> kShift;
    return static_cast<std::uint8_t>(std::min(255, std::max(0, value)));
  };
  for (; x < row.width; ++x) {
    const int y = row.luma[x] << kSampleBits;
    out[3 * x] = apply(matrix.blue, y, row.cb[x], row.cr[x]);
    out[3 * x + 1] = apply(matrix.green, y, row.cb[x], row.cr[x]);
    out[3 * x + 2] = apply(matrix.red, y, row.cb[x], row.cr[x]);
  }
}

#ifdef W2L_AVX2

constexpr int kAvx2Pixels = 32;  // at once: no fewer

// For byte i of 48 that are 16 pixels: which byte of its colour's vector of 16 it is. [which 16 of
// them][colour][i]; 0x80, which shuffles a zero, where it is of another colour.
constexpr std::array<std::array<std::array<std::uint8_t, 16>, 3>, 3> interleaving() {
  std::array<std::array<std::array<std::uint8_t, 16>, 3>, 3> places{};
  for (unsigned i = 0; i < 48; ++i)
    for (unsigned colour = 0; colour < 3; ++colour)
      places[i / 16][colour][i % 16] = static_cast<std::uint8_t>(i % 3 == colour ? i / 3 : 0x80);
  return places;
}

struct Avx2Matrix {
  // The weights of two samples that come in turns. Green has three, the third beside a zero.
  __m256i blue, green, red, green_cr;
  __m256i blue_bias, green_bias, red_bias;
};

W2L_AVX2 inline __m256i in_turns(std::int16_t first, std::int16_t second) {
  const std::uint32_t both = static_cast<std::uint16_t>(first) |
                             static_cast<std::uint32_t>(static_cast<std::uint16_t>(second)) << 16;
  return _mm256_set1_epi32(static_cast<std::int32_t>(both));
}

W2L_AVX2 Avx2Matrix avx2_matrix(const YuvMatrix &matrix) {
  return {in_turns(matrix.blue.y, matrix.blue.cb),     in_turns(matrix.green.y, matrix.green.cb),
          in_turns(matrix.red.y, matrix.red.cr),       in_turns(matrix.green.cr, 0),
          _mm256_set1_epi32(matrix.blue.bias + kHalf), _mm256_set1_epi32(matrix.green.bias + kHalf),
          _mm256_set1_epi32(matrix.red.bias + kHalf)};
}

W2L_AVX2 inline __m256i dot(__m256i samples, __m256i weights, __m256i addend) {
  return _mm256_add_epi32(_mm256_madd_epi16(samples, weights), addend);
}

W2L_AVX2 inline __m256i rounded(__m256i low, __m256i high) {
  return _mm256_packs_epi32(_mm256_srai_epi32(low, kShift), _mm256_srai_epi32(high, kShift));
}

struct Avx2Pixels {
  __m256i blue, green, red;  // of 16 pixels, 16 bits wide, not clamped yet
};

// Unpacking and packing both keep to halves of vectors, so that pixels end in their order.
W2L_AVX2 inline Avx2Pixels convert_16(const YuvRow &row, const Avx2Matrix &m, int x) {
  const __m256i y = _mm256_slli_epi16(
      _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i *>(row.luma + x))),
      kSampleBits);
  const __m256i u = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(row.cb + x));
  const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(row.cr + x));
  const __m256i zero = _mm256_setzero_si256();
  const __m256i yu0 = _mm256_unpacklo_epi16(y, u), yu1 = _mm256_unpackhi_epi16(y, u);
  const __m256i yv0 = _mm256_unpacklo_epi16(y, v), yv1 = _mm256_unpackhi_epi16(y, v);
  const __m256i v0 = _mm256_unpacklo_epi16(v, zero), v1 = _mm256_unpackhi_epi16(v, zero);
  return {rounded(dot(yu0, m.blue, m.blue_bias), dot(yu1, m.blue, m.blue_bias)),
          rounded(dot(yu0, m.green, dot(v0, m.green_cr, m.green_bias)),
                  dot(yu1, m.green, dot(v1, m.green_cr, m.green_bias))),
          rounded(dot(yv0, m.red, m.red_bias), dot(yv1, m.red, m.red_bias))};
}

// To bytes, clamped; packing takes halves in turns, which the permutation undoes.
W2L_AVX2 inline __m256i bytes_of(__m256i first16, __m256i last16) {
  return _mm256_permute4x64_epi64(_mm256_packus_epi16(first16, last16), 0xd8);
}

W2L_AVX2 void convert_avx2(const YuvRow &row, const YuvMatrix &matrix, std::uint8_t *out) {
  alignas(16) static constexpr auto kPlaces = interleaving();
  const Avx2Matrix m = avx2_matrix(matrix);
  __m256i places[3][3];
  for (int part = 0; part < 3; ++part)
    for (int colour = 0; colour < 3; ++colour)
      places[part][colour] = _mm256_broadcastsi128_si256(
          _mm_load_si128(reinterpret_cast<const __m128i *>(kPlaces[part][colour].data())));

  for (int next = 0; next < row.width; next += kAvx2Pixels) {
    // The last ones are converted again with those before them.
    const int x = std::min(next, row.width - kAvx2Pixels);
    const Avx2Pixels a = convert_16(row, m, x), b = convert_16(row, m, x + 16);
    const __m256i blue = bytes_of(a.blue, b.blue), green = bytes_of(a.green, b.green),
                  red = bytes_of(a.red, b.red);
    for (int part = 0; part < 3; ++part) {
      const __m256i bytes =
          _mm256_or_si256(_mm256_or_si256(_mm256_shuffle_epi8(blue, places[part][0]),
                                          _mm256_shuffle_epi8(green, places[part][1])),
                          _mm256_shuffle_epi8(red, places[part][2]));
      auto *to = reinterpret_cast<__m128i *>(out + 3 * x) + part;
      _mm_storeu_si128(to, _mm256_castsi256_si128(bytes));
      _mm_storeu_si128(to + 3, _mm256_extracti128_si256(bytes, 1));
    }
  }
}

#endif

// On any CPU. Returns the pixel behind the last one.
int convert_universal([[maybe_unused]] const YuvRow &row, [[maybe_unused]] const YuvMatrix &matrix,
                      [[maybe_unused]] std::uint8_t *out) {
  int x = 0;
#if CV_SIMD128
  const auto taking_turns = [](std::int16_t first, std::int16_t second) {
    const std::int16_t lanes[8] = {first, second, first, second, first, second, first, second};
    return cv::v_load(lanes);
  };
  const YuvWeights &blue = matrix.blue, &green = matrix.green, &red = matrix.red;
  const cv::v_int16x8 blue_weights = taking_turns(blue.y, blue.cb),
                      green_weights = taking_turns(green.y, green.cb),
                      red_weights = taking_turns(red.y, red.cr),
                      green_cr = taking_turns(green.cr, 0), zero = cv::v_setzero_s16();
  const cv::v_int32x4 blue_bias = cv::v_setall_s32(blue.bias),
                      green_bias = cv::v_setall_s32(green.bias),
                      red_bias = cv::v_setall_s32(red.bias);

  // Eight pixels, still 16 bits wide.
  const auto convert8 = [&](const cv::v_uint16x8 &y8, int at, cv::v_int16x8 &b, cv::v_int16x8 &g,
                            cv::v_int16x8 &r) {
    const cv::v_int16x8 y = cv::v_reinterpret_as_s16(cv::v_shl<kSampleBits>(y8));
    const cv::v_int16x8 u = cv::v_load(row.cb + at), v = cv::v_load(row.cr + at);
    cv::v_int16x8 yu0, yu1, yv0, yv1, v0, v1;
    cv::v_zip(y, u, yu0, yu1);
    cv::v_zip(y, v, yv0, yv1);
    cv::v_zip(v, zero, v0, v1);
    b = cv::v_rshr_pack<kShift>(cv::v_dotprod(yu0, blue_weights, blue_bias),
                                cv::v_dotprod(yu1, blue_weights, blue_bias));
    r = cv::v_rshr_pack<kShift>(cv::v_dotprod(yv0, red_weights, red_bias),
                                cv::v_dotprod(yv1, red_weights, red_bias));
    g = cv::v_rshr_pack<kShift>(
        cv::v_dotprod(yu0, green_weights, cv::v_dotprod(v0, green_cr, green_bias)),
        cv::v_dotprod(yu1, green_weights, cv::v_dotprod(v1, green_cr, green_bias)));
  };

  for (; x + 16 <= row.width; x += 16) {
    cv::v_uint16x8 y0, y1;
    cv::v_expand(cv::v_load(row.luma + x), y0, y1);
    cv::v_int16x8 b0, g0, r0, b1, g1, r1;
    convert8(y0, x, b0, g0, r0);
    convert8(y1, x + 8, b1, g1, r1);
    cv::v_store_interleave(out + 3 * x, cv::v_pack_u(b0, b1), cv::v_pack_u(g0, g1),
                           cv::v_pack_u(r0, r1));
  }
#endif
  return x;
}

template <int kStep>
inline void mix(const std::uint8_t *near, const std::uint8_t *far, int near_weight, int far_weight,
                int count, std::int16_t *__restrict out) {
  for (int i = 0; i < count; ++i)
    out[i] = static_cast<std::int16_t>(near_weight * near[i * kStep] + far_weight * far[i * kStep]);
}

}  // namespace

W2L_WIDE void mix_rows(const std::uint8_t *near, const std::uint8_t *far, const ChromaTaps &taps,
                       int step, int count, std::int16_t *out) {
  if (step == 2)
    mix<2>(near, far, taps.near, taps.far, count, out);
  else
    mix<1>(near, far, taps.near, taps.far, count, out);
}

W2L_WIDE void double_columns(const std::int16_t *__restrict in, const ChromaTaps &even,
                             const ChromaTaps &odd, int count, std::int16_t *__restrict out) {
  const ChromaTaps a = even, b = odd;  // not to be read again after each store
  for (int i = 0; i < count; ++i) {
    out[2 * i] = static_cast<std::int16_t>(a.near * in[i] + a.far * in[i + a.step]);
    out[2 * i + 1] = static_cast<std::int16_t>(b.near * in[i] + b.far * in[i + b.step]);
  }
}

void yuv_row_to_bgr_on_any_cpu(const YuvRow &row, const YuvMatrix &matrix, std::uint8_t *out) {
  convert_scalar(row, matrix, convert_universal(row, matrix, out), out);
}

void yuv_row_to_bgr(const YuvRow &row, const YuvMatrix &matrix, std::uint8_t *out) {
#ifdef W2L_AVX2
  if (row.width >= kAvx2Pixels && __builtin_cpu_supports("avx2"))
    return convert_avx2(row, matrix, out);
#endif
  yuv_row_to_bgr_on_any_cpu(row, matrix, out);
}

}  // namespace w2l
