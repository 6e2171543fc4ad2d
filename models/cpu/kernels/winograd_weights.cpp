// gst-wav2lip: the weights of a Winograd convolution. See winograd_weights.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "winograd_weights.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "weight_memory.h"
#include "weight_transform.h"

namespace w2l {
namespace {

// What the matrices belong to: 0, 1, -1, (2, (-2,)) and infinity. The transposed forms start with
// that of the even pixels, which is no sum at all.
constexpr WinogradPoint kF2[] = {
    {{1, 0, 0}, 1, 1}, {{0.5, 0.5, 0.5}, 2, 0}, {{0.5, -0.5, 0.5}, 1, 1}, {{0, 0, 1}, 1, 1}};
constexpr WinogradPoint kF3[] = {{{1. / 2, 0, 0}, 3, 3},
                                 {{-1. / 2, -1. / 2, -1. / 2}, 1, 3},
                                 {{-1. / 6, 1. / 6, -1. / 6}, 3, 3},
                                 {{1. / 6, 1. / 3, 2. / 3}, 1, 1},
                                 {{0, 0, 1}, 3, 3}};
constexpr WinogradPoint kF4[] = {{{1. / 4, 0, 0}, 5, 5},
                                 {{-1. / 6, -1. / 6, -1. / 6}, 2, 8},
                                 {{-1. / 6, 1. / 6, -1. / 6}, 5, 5},
                                 {{1. / 24, 1. / 12, 1. / 6}, 3, 3},
                                 {{1. / 24, -1. / 12, 1. / 6}, 3, 3},
                                 {{0, 0, 1}, 5, 5}};
constexpr WinogradPoint kTransposedF3[] = {{{0, 1, 0}, 1, 0},
                                           {{0, 0, 1}, 1, 1},
                                           {{0.5, 0, 0.5}, 2, 0},
                                           {{-0.5, 0, 0.5}, 1, 1},
                                           {{1, 0, 0}, 1, 1}};
constexpr WinogradPoint kTransposedF4[] = {{{0, 1, 0}, 1, 0},
                                           {{0, 0, 1. / 2}, 3, 3},
                                           {{-1. / 2, 0, -1. / 2}, 1, 3},
                                           {{1. / 6, 0, -1. / 6}, 3, 3},
                                           {{1. / 3, 0, 1. / 6}, 1, 1},
                                           {{1, 0, 0}, 3, 3}};

const WinogradPoint *points_of(WinogradForm form) {
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

// The largest magnitude of a point of inputs in 0..1, and of inputs in -1..1.
double largest(const WinogradPoint &row, const WinogradPoint &column) {
  return std::max(row.positive * column.positive + row.negative * column.negative,
                  row.positive * column.negative + row.negative * column.positive);
}

double largest_signed(const WinogradPoint &row, const WinogradPoint &column) {
  return (row.positive + row.negative) * (column.positive + column.negative);
}

// Between a matrix's weights of one output channel and the next matrix's. A line of the cache more
// than there are: powers of two would put all matrices on the same few lines.
std::size_t row_step(int in) {
  return static_cast<std::size_t>(round_up(in, kWeightsRoundedUp)) + 8;
}

}  // namespace

// So many output channels are packed together: their numbers fill lines of the cache, and what
// waits for it stays in the cache.
constexpr int kPackedTogether = 64 / sizeof(float);

// Weights on their way: room for `step` input channels in each row.
template <typename T>
struct WinogradWeights<T>::Rows {
  std::size_t step;
  std::vector<double> filters, weights;  // [9] and [matrices] rows
  std::vector<std::int32_t> rounded;     // one row
  std::vector<Number> packed;            // [matrices][kPackedTogether] rows

  Rows(std::size_t step, std::size_t matrices)
      : step(step),
        filters(9 * step),
        weights(matrices * step),
        rounded(step),
        packed(matrices * kPackedTogether * step) {}
};

template <typename T>
WinogradWeights<T>::WinogradWeights(WinogradForm form, int in, int out, const float *weight,
                                    const float *bias, int lanes)
    : layer_{form, in, out, nullptr, nullptr, nullptr, nullptr, 1} {
  const WinogradPoint *points = points_of(form);
  const int edge = shape_of(form).matrices, matrices = edge * edge;
  const auto count = static_cast<std::size_t>(matrices);
  const auto padded_in = static_cast<std::size_t>(layer_.elements() * WinogradLayer<T>::kNumbers);
  const auto padded_out = static_cast<std::size_t>(round_up(out, lanes));
  weights_ = allocate_weights<Number>(count * padded_in * padded_out);
  if (layer_.elements() * WinogradLayer<T>::kNumbers != in || round_up(out, lanes) != out)
    std::fill_n(weights_.get(), count * padded_in * padded_out, Number{0});
  bias_ = allocate_weights<float>(padded_out);
  std::fill_n(std::copy_n(bias, out, bias_.get()), padded_out - static_cast<std::size_t>(out),
              0.0f);

  if constexpr (WinogradLayer<T>::kNumbers > 1) {
    for (int i = 0; i < matrices; ++i) {
      const WinogradPoint &row = points[i / edge], &column = points[i % edge];
      const double bound = largest(row, column);
      point_scales_.push_back(static_cast<float>((kPointLimit - 2) / bound));
      layer_.signed_growth =
          std::max(layer_.signed_growth, static_cast<float>(largest_signed(row, column) / bound));
    }
    product_scales_.resize(count * padded_out);
  }

  Rows rows(row_step(in), count);
  for (int k = 0; k < out; k += kPackedTogether) {
    const int together = std::min(kPackedTogether, out - k);
    for (int j = 0; j < together; ++j) transform(k + j, weight, rows, j);
    interleave(k, together, rows, lanes);
  }
  layer_.weights = weights_.get();
  layer_.bias = bias_.get();
  layer_.point_scales = point_scales_.data();
  layer_.product_scales = product_scales_.data();
}

template <typename T>
void WinogradWeights<T>::transform(int k, const float *weight, Rows &rows, int j) {
  const WinogradPoint *points = points_of(layer_.form);
  const int in = layer_.in, edge = shape_of(layer_.form).matrices;
  const bool transposed = shape_of(layer_.form).scale() == 2;  // (in, out, 3, 3)
  for (int c = 0; c < in; ++c) {
    const float *taps =
        weight + 9 * static_cast<std::ptrdiff_t>(transposed ? c * layer_.out + k : k * in + c);
    for (std::size_t i = 0; i < 9; ++i)
      rows.filters[i * rows.step + static_cast<std::size_t>(c)] = static_cast<double>(taps[i]);
  }
  const WeightTransform &kernels = best_weight_transform();
  kernels.transform(rows.filters.data(), in, points, edge, rows.step, rows.weights.data());
  for (int i = 0; i < edge * edge; ++i) {
    const auto matrix = static_cast<std::size_t>(i);
    const double *from = &rows.weights[matrix * rows.step];
    Number *to = &rows.packed[(matrix * kPackedTogether + static_cast<std::size_t>(j)) * rows.step];
    const auto put = [&](const auto *values) {
      for (int c = 0; c < in; ++c) to[c] = static_cast<Number>(values[c]);
    };
    if constexpr (WinogradLayer<T>::kNumbers > 1) {
      const WeightMagnitudes found = kernels.magnitudes(from, in);
      const double scale = weight_scale(found.largest, found.largest_sum);
      const auto padded_out = product_scales_.size() / static_cast<std::size_t>(edge * edge);
      product_scales_[matrix * padded_out + static_cast<std::size_t>(k)] =
          static_cast<float>(1 / (scale * static_cast<double>(point_scales_[matrix])));
      kernels.round(from, in, scale, rows.rounded.data());
      put(rows.rounded.data());
    } else {
      put(from);
    }
  }
}

template <typename T>
void WinogradWeights<T>::interleave(int k, int count, const Rows &rows, int lanes) {
  constexpr int kNumbers = WinogradLayer<T>::kNumbers;
  const int group = 2 * lanes, padded_out = round_up(layer_.out, lanes);
  const auto elements = static_cast<std::size_t>(layer_.elements());
  const int edge = shape_of(layer_.form).matrices;
  for (int i = 0; i < edge * edge; ++i) {
    const Number *from = &rows.packed[static_cast<std::size_t>(i * kPackedTogether) * rows.step];
    // With narrow vectors more than one group, with wide ones a part of one.
    for (int done = 0; done < count;) {
      const int start = (k + done) / group * group, width = std::min(group, padded_out - start);
      const int part = std::min(count - done, start + width - (k + done));
      Number *to = weights_.get() +
                   elements * kNumbers * static_cast<std::size_t>(i * padded_out + start) +
                   (k + done - start) * kNumbers;
      for (std::size_t e = 0; e < elements; ++e, to += width * kNumbers)
        for (int j = 0; j < part; ++j)
          std::memcpy(to + j * kNumbers,
                      from + static_cast<std::size_t>(done + j) * rows.step + e * kNumbers,
                      kNumbers * sizeof(Number));
      done += part;
    }
  }
}

template class WinogradWeights<float>;
template class WinogradWeights<Bf16>;

}  // namespace w2l
