// gst-wav2lip: stretches 8-bit planes as cv::resize does. See linear_stretch.h. First the rows that
// are needed are stretched across, then pairs of them are mixed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "linear_stretch.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "wide_vectors.h"

namespace w2l {
namespace {

// OpenCV's arithmetic: weights are multiples of 1/2048, a row's sum is cut to seven bits behind the
// point, its share of the sum of both rows to two, and only that is rounded.
constexpr int kWholeWeight = 2048;
constexpr int kSumBits = 4;     // cut off a row's sum
constexpr int kShareBits = 16;  // cut off a row's share
constexpr int kLastBits = 2;

constexpr int kBlock = 16;
constexpr int kHalfBlock = kBlock / 2;
constexpr int kBytes = 16;  // of a row that half a block is computed from

std::int16_t weight_of(float share) {
  return static_cast<std::int16_t>(std::lrint(share * static_cast<float>(kWholeWeight)));
}

W2L_WIDE void mix_shares(const std::int16_t *__restrict first,
                         const std::int16_t *__restrict second, int first_weight, int second_weight,
                         int count, std::uint8_t *__restrict out) {
  for (int x = 0; x < count; ++x) {
    const int sum =
        ((first[x] * first_weight) >> kShareBits) + ((second[x] * second_weight) >> kShareBits);
    out[x] = static_cast<std::uint8_t>((sum + (1 << (kLastBits - 1))) >> kLastBits);
  }
}

#ifdef W2L_AVX2
W2L_AVX2 inline __m256i load_aligned(const void *at) {
  return _mm256_load_si256(static_cast<const __m256i *>(at));
}

W2L_AVX2 inline __m256i two_halves(const std::uint8_t *first, const std::uint8_t *second) {
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i *>(first))),
      _mm_loadu_si128(reinterpret_cast<const __m128i *>(second)), 1);
}
#endif

}  // namespace

// Of pixel centres, in float as OpenCV has them: large boxes come to the same weights only so.
std::vector<LinearStretch::Taps> LinearStretch::taps(int from, int to) {
  const double scale = 1.0 / (static_cast<double>(to) / from);
  std::vector<Taps> taps;
  taps.reserve(static_cast<std::size_t>(to));
  for (int i = 0; i < to; ++i) {
    const auto centre = static_cast<float>((i + 0.5) * scale - 0.5);
    const int first = static_cast<int>(std::floor(centre));
    const float share = centre - static_cast<float>(first);
    Taps t{std::clamp(first, 0, from - 1), std::clamp(first + 1, 0, from - 1),
           weight_of(1.0F - share), weight_of(share)};
    if (t.second_weight == 0) t.second = t.first;  // it need not be there
    taps.push_back(t);
  }
  return taps;
}

// Beyond the centres of the outermost pixels a row goes on as it is.
std::vector<LinearStretch::Taps> LinearStretch::taps_across(int from, int to) {
  std::vector<Taps> across = taps(from, to);
  for (Taps &t : across)
    if (t.first == t.second) t = {t.first, t.second, kWholeWeight, 0};
  return across;
}

void LinearStretch::set_sizes(int from_width, int from_height, int to_width, int to_height) {
  if (std::min({from_width, from_height, to_width, to_height}) < 1)
    throw std::invalid_argument("a picture without pixels cannot be stretched");
  // Sizes only when all that belongs to them is there: what comes before may throw.
  if (from_width != from_width_ || to_width != to_width_) {
    std::vector<Taps> across = taps_across(from_width, to_width);
    blocks_ = blocks(across, from_width);
    across_ = std::move(across);
    from_width_ = from_width;
    to_width_ = to_width;
  }
  if (from_height != from_height_ || to_height != to_height_) {
    down_ = taps(from_height, to_height);
    from_height_ = from_height;
    to_height_ = to_height;
  }
}

// None where that is not possible: no AVX2, rows too short, or shrunk too much.
std::vector<LinearStretch::Block> LinearStretch::blocks(const std::vector<Taps> &across,
                                                        int from_width) {
  std::vector<Block> blocks;
#ifdef W2L_AVX2
  const auto to_width = static_cast<int>(across.size());
  if (from_width < kBytes || to_width < kBlock || !__builtin_cpu_supports("avx2")) return blocks;
  blocks.reserve(static_cast<std::size_t>((to_width + kBlock - 1) / kBlock));
  for (int next = 0; next < to_width; next += kBlock) {
    Block block{};
    block.at = std::min(next, to_width - kBlock);  // the last one has some for the second time
    const Taps *taps = &across[static_cast<std::size_t>(block.at)];
    if (!fill_half(block, 0, taps, from_width) ||
        !fill_half(block, 1, taps + kHalfBlock, from_width))
      return {};
    blocks.push_back(block);
  }
#endif
  return blocks;
}

bool LinearStretch::fill_half(Block &block, int half, const Taps *taps, int from_width) {
  const int begin = std::min(taps[0].first, from_width - kBytes);
  block.begin[half] = begin;
  for (int i = 0; i < kHalfBlock; ++i) {
    if (taps[i].second - begin >= kBytes) return false;
    std::uint8_t *places = block.places + half * kBytes + 2 * i;
    places[0] = static_cast<std::uint8_t>(taps[i].first - begin);
    places[1] = static_cast<std::uint8_t>(taps[i].second - begin);
    std::int16_t *weights = block.weights[i / 4] + half * kHalfBlock + i % 4 * 2;
    weights[0] = taps[i].first_weight;
    weights[1] = taps[i].second_weight;
  }
  return true;
}

RowRange LinearStretch::rows_read(RowRange rows) const {
  return {down_[static_cast<std::size_t>(rows.first)].first,
          down_[static_cast<std::size_t>(rows.end - 1)].second + 1};
}

void LinearStretch::stretch_row(const std::uint8_t *from, std::int16_t *out) const {
  for (const Taps &t : across_)
    *out++ = static_cast<std::int16_t>(
        (from[t.first] * t.first_weight + from[t.second] * t.second_weight) >> kSumBits);
}

#ifdef W2L_AVX2
W2L_AVX2 void LinearStretch::stretch_row_by_blocks(const std::uint8_t *from,
                                                   std::int16_t *out) const {
  const __m256i zero = _mm256_setzero_si256();
  for (const Block &block : blocks_) {
    // Unpacking and packing both keep to halves of vectors, which are the halves of the block.
    const __m256i taps = _mm256_shuffle_epi8(
        two_halves(from + block.begin[0], from + block.begin[1]), load_aligned(block.places));
    const __m256i low =
        _mm256_madd_epi16(_mm256_unpacklo_epi8(taps, zero), load_aligned(block.weights[0]));
    const __m256i high =
        _mm256_madd_epi16(_mm256_unpackhi_epi8(taps, zero), load_aligned(block.weights[1]));
    const __m256i shares =
        _mm256_packs_epi32(_mm256_srai_epi32(low, kSumBits), _mm256_srai_epi32(high, kSumBits));
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(out + block.at), shares);
  }
}
#else
void LinearStretch::stretch_row_by_blocks(const std::uint8_t *, std::int16_t *) const {}
#endif

void LinearStretch::stretch(const std::uint8_t *from, std::ptrdiff_t stride, RowRange rows,
                            std::uint8_t *out) {
  const RowRange read = rows_read(rows);
  const auto width = static_cast<std::size_t>(to_width_);
  shares_.resize(static_cast<std::size_t>(read.size()) * width);
  const auto share = [&](int row) {
    return shares_.data() + static_cast<std::size_t>(row - read.first) * width;
  };
  for (int row = read.first; row < read.end; ++row, from += stride) {
    if (blocks_.empty() || plain_)
      stretch_row(from, share(row));
    else
      stretch_row_by_blocks(from, share(row));
  }
  for (int row = rows.first; row < rows.end; ++row, out += width) {
    const Taps &t = down_[static_cast<std::size_t>(row)];
    mix_shares(share(t.first), share(t.second), t.first_weight, t.second_weight, to_width_, out);
  }
}

}  // namespace w2l
