// gst-wav2lip: the weights of a Winograd convolution. See winograd_weights.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "winograd_weights.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <new>
#include <numeric>
#include <type_traits>

namespace w2l {
namespace {

// One matrix's points in one dimension.
struct Point {
  // How the three taps of a filter become the point: a row of Lavin and Gray's G.
  double taps[3];
  // The sums of the positive and of the negative factors of the input's transform, their B.
  double positive, negative;
};

// They belong to 0, 1, -1, (2, (-2,)) and infinity. The transposed forms start with that of the
// even pixels, which is no sum at all.
constexpr Point kF2[] = {
    {{1, 0, 0}, 1, 1}, {{0.5, 0.5, 0.5}, 2, 0}, {{0.5, -0.5, 0.5}, 1, 1}, {{0, 0, 1}, 1, 1}};
constexpr Point kF3[] = {{{1. / 2, 0, 0}, 3, 3},
                         {{-1. / 2, -1. / 2, -1. / 2}, 1, 3},
                         {{-1. / 6, 1. / 6, -1. / 6}, 3, 3},
                         {{1. / 6, 1. / 3, 2. / 3}, 1, 1},
                         {{0, 0, 1}, 3, 3}};
constexpr Point kF4[] = {{{1. / 4, 0, 0}, 5, 5},
                         {{-1. / 6, -1. / 6, -1. / 6}, 2, 8},
                         {{-1. / 6, 1. / 6, -1. / 6}, 5, 5},
                         {{1. / 24, 1. / 12, 1. / 6}, 3, 3},
                         {{1. / 24, -1. / 12, 1. / 6}, 3, 3},
                         {{0, 0, 1}, 5, 5}};
constexpr Point kTransposedF3[] = {{{0, 1, 0}, 1, 0},
                                   {{0, 0, 1}, 1, 1},
                                   {{0.5, 0, 0.5}, 2, 0},
                                   {{-0.5, 0, 0.5}, 1, 1},
                                   {{1, 0, 0}, 1, 1}};
constexpr Point kTransposedF4[] = {{{0, 1, 0}, 1, 0},
                                   {{0, 0, 1. / 2}, 3, 3},
                                   {{-1. / 2, 0, -1. / 2}, 1, 3},
                                   {{1. / 6, 0, -1. / 6}, 3, 3},
                                   {{1. / 3, 0, 1. / 6}, 1, 1},
                                   {{1, 0, 0}, 3, 3}};

const Point *points_of(WinogradForm form) {
  switch (form) {
    case WinogradForm::F2:
      return kF2;
    case WinogradForm::F3:
      return kF3;
    case WinogradForm::F4:
      return kF4;
    case WinogradForm::TransposedF3:
      return kTransposedF3;
    case WinogradForm::TransposedF4:
      break;
  }
  return kTransposedF4;
}

// One filter's weights in all `edge` x `edge` matrices, `step` apart.
void transform(const float *taps, const Point *points, int edge, double *to, std::size_t step) {
  for (int y = 0; y < edge; ++y) {
    double row[3];
    for (int x = 0; x < 3; ++x) {
      row[x] = 0;
      for (int i = 0; i < 3; ++i)
        row[x] += points[y].taps[i] * static_cast<double>(taps[i * 3 + x]);
    }
    for (int x = 0; x < edge; ++x, to += step)
      *to = row[0] * points[x].taps[0] + row[1] * points[x].taps[1] + row[2] * points[x].taps[2];
  }
}

// The largest magnitude of a point of inputs in 0..1, and of inputs in -1..1.
double largest(const Point &row, const Point &column) {
  return std::max(row.positive * column.positive + row.negative * column.negative,
                  row.positive * column.negative + row.negative * column.positive);
}

double largest_signed(const Point &row, const Point &column) {
  return (row.positive + row.negative) * (column.positive + column.negative);
}

// Of the weights of one matrix and output channel.
struct Magnitudes {
  double largest = 0;
  double largest_sum = 0;  // of kExactChannels successive ones
};

// In several sums at once, as one would wait for each of its additions.
Magnitudes magnitudes(const double *weights, int in) {
  constexpr int kSums = 8;
  double peaks[kSums] = {};
  Magnitudes result;
  for (int start = 0; start < in; start += kExactChannels) {
    const int end = std::min(in, start + kExactChannels);
    double sums[kSums] = {};
    int c = start;
    for (; c + kSums <= end; c += kSums)
      for (int i = 0; i < kSums; ++i) {
        const double magnitude = std::fabs(weights[c + i]);
        sums[i] += magnitude;
        peaks[i] = std::max(peaks[i], magnitude);
      }
    for (; c < end; ++c) {
      sums[0] += std::fabs(weights[c]);
      peaks[0] = std::max(peaks[0], std::fabs(weights[c]));
    }
    result.largest_sum =
        std::max(result.largest_sum, std::accumulate(std::begin(sums), std::end(sums), 0.0));
  }
  result.largest = *std::max_element(std::begin(peaks), std::end(peaks));
  return result;
}

// Between the weights of one matrix and those of the next. A line of the cache more than there are:
// powers of two would put all matrices on the same few lines.
std::size_t values_step(int in) {
  return static_cast<std::size_t>(in) + 8;
}

// What weights may be multiplied by before they are rounded, by half at most.
double weight_scale(const double *weights, int in) {
  const Magnitudes found = magnitudes(weights, in);
  if (found.largest == 0) return 1;
  return std::min((kWeightSumLimit - kExactChannels / 2) / found.largest_sum,
                  INT16_MAX / found.largest);
}

// Rounds to the nearest.
template <typename Number>
Number number(double value) {
  if constexpr (std::is_integral_v<Number>)
    return static_cast<Number>(std::lrint(value));
  else
    return static_cast<Number>(value);
}

template <typename Value>
hwy::AlignedFreeUniquePtr<Value[]> allocate(std::size_t count) {
  auto memory = hwy::AllocateAligned<Value>(count);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

template <typename T>
WinogradWeights<T>::WinogradWeights(WinogradForm form, int in, int out, const float *weight,
                                    const float *bias, int lanes)
    : layer_{form, in, out, nullptr, nullptr, nullptr, nullptr, 1} {
  const Point *points = points_of(form);
  const int edge = shape_of(form).matrices, matrices = edge * edge;
  const auto count = static_cast<std::size_t>(matrices);
  const auto padded_in = static_cast<std::size_t>(layer_.elements() * WinogradLayer<T>::kNumbers);
  const auto padded_out = static_cast<std::size_t>(round_up(out, lanes));
  weights_ = allocate<Number>(count * padded_in * padded_out);
  if (layer_.elements() * WinogradLayer<T>::kNumbers != in || round_up(out, lanes) != out)
    std::fill_n(weights_.get(), count * padded_in * padded_out, Number{0});
  bias_ = allocate<float>(padded_out);
  std::fill_n(std::copy_n(bias, out, bias_.get()), padded_out - static_cast<std::size_t>(out),
              0.0f);

  if constexpr (WinogradLayer<T>::kNumbers > 1) {
    for (int i = 0; i < matrices; ++i) {
      const Point &row = points[i / edge], &column = points[i % edge];
      const double bound = largest(row, column);
      point_scales_.push_back(static_cast<float>((kPointLimit - 2) / bound));
      layer_.signed_growth =
          std::max(layer_.signed_growth, static_cast<float>(largest_signed(row, column) / bound));
    }
    product_scales_.resize(count * padded_out);
  }

  const bool transposed = shape_of(form).scale() == 2;  // (in, out, 3, 3)
  const std::size_t step = values_step(in);
  std::vector<double> values(count * step);
  for (int k = 0; k < out; ++k) {
    for (int c = 0; c < in; ++c) {
      const float *taps =
          weight + 9 * static_cast<std::ptrdiff_t>(transposed ? c * out + k : k * in + c);
      transform(taps, points, edge, &values[static_cast<std::size_t>(c)], step);
    }
    pack(k, values, lanes);
  }
  layer_.weights = weights_.get();
  layer_.bias = bias_.get();
  layer_.point_scales = point_scales_.data();
  layer_.product_scales = product_scales_.data();
}

// Of output channel `k`, `values` [matrices][values_step(in)].
template <typename T>
void WinogradWeights<T>::pack(int k, const std::vector<double> &values, int lanes) {
  const int in = layer_.in, group = 2 * lanes, padded_out = round_up(layer_.out, lanes);
  const int start = k / group * group, width = std::min(group, padded_out - start);
  const auto padded_in = static_cast<std::size_t>(layer_.elements() * WinogradLayer<T>::kNumbers);
  const int edge = shape_of(layer_.form).matrices;
  for (int i = 0; i < edge * edge; ++i) {
    const double *from = &values[static_cast<std::size_t>(i) * values_step(in)];
    Number *to = weights_.get() + padded_in * static_cast<std::size_t>(i * padded_out + start) +
                 (k - start) * WinogradLayer<T>::kNumbers;
    double scale = 1;
    if constexpr (WinogradLayer<T>::kNumbers > 1) {
      scale = weight_scale(from, in);
      const double point_scale = static_cast<double>(point_scales_[static_cast<std::size_t>(i)]);
      product_scales_[static_cast<std::size_t>(i * padded_out + k)] =
          static_cast<float>(1 / (scale * point_scale));
    }
    for (int c = 0; c < in; ++c) {
      const double value = from[c] * scale;
      to[c / WinogradLayer<T>::kNumbers * width * WinogradLayer<T>::kNumbers +
         c % WinogradLayer<T>::kNumbers] = number<Number>(value);
    }
  }
}

template class WinogradWeights<float>;
template class WinogradWeights<Bf16>;

}  // namespace w2l
