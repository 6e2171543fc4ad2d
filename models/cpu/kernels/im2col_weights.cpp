// gst-wav2lip: the weights of Im2colConv. See im2col_weights.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "im2col_weights.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <vector>

#include "weight_memory.h"

namespace w2l {
namespace {

// Where the weights of a layer are in PyTorch's layout.
class WeightSource {
 public:
  WeightSource(const ConvGeometry &geometry, int in, int out, const float *weight)
      : weight_(weight),
        taps_(geometry.kernel * geometry.kernel),
        in_step_(geometry.transposed ? out * taps_ : taps_),
        out_step_(geometry.transposed ? taps_ : in * taps_),
        turned_(geometry.transposed) {}

  const float *channel(int k) const { return weight_ + k * out_step_; }
  std::ptrdiff_t in_step() const { return in_step_; }
  // The tap of the filter that lies on a patch's pixel.
  std::ptrdiff_t tap(int pixel) const { return turned_ ? taps_ - 1 - pixel : pixel; }

 private:
  const float *weight_;
  std::ptrdiff_t taps_, in_step_, out_step_;
  bool turned_;
};

// Of each column of a group, what it is multiplied by.
std::vector<float> group_scales(const float *weights, int numbers, int width) {
  // So that nothing is divided by zero, nor scales become infinite.
  constexpr float kLeastMagnitude = 1e-30f;
  // Sums of floats may be too small by their roundings.
  constexpr double kSumError = 1 + kExactChannels * 0x1p-23;
  const auto count = static_cast<std::size_t>(width);
  std::vector<float> largest(count, kLeastMagnitude), largest_sum(count, kLeastMagnitude);
  for (int start = 0; start < numbers; start += kExactChannels) {
    std::vector<float> sums(count, 0.0f);
    for (int i = start; i < std::min(numbers, start + kExactChannels); ++i) {
      const float *row = weights + static_cast<std::ptrdiff_t>(i) * width;
      for (std::size_t k = 0; k < count; ++k) {
        sums[k] += std::fabs(row[k]);
        largest[k] = std::max(largest[k], std::fabs(row[k]));
      }
    }
    for (std::size_t k = 0; k < count; ++k) largest_sum[k] = std::max(largest_sum[k], sums[k]);
  }
  std::vector<float> scales;
  for (std::size_t k = 0; k < count; ++k)
    scales.push_back(static_cast<float>(weight_scale(
        static_cast<double>(largest[k]), static_cast<double>(largest_sum[k]) * kSumError)));
  return scales;
}

// The nearest integer in the last bits of the mantissa, as store_point() (pixels-inl.h) makes it.
std::uint32_t rounded_bits(float value) {
  constexpr float kIntegers = 3 << 22;
  value += kIntegers;
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Two rows become one of pairs.
void round_rows(const float *first, const float *second, const std::vector<float> &scales,
                std::int16_t *to) {
  for (std::size_t k = 0; k < scales.size(); ++k) {
    const std::uint32_t pair =
        (rounded_bits(first[k] * scales[k]) & 0xffff) | rounded_bits(second[k] * scales[k]) << 16;
    std::memcpy(to + 2 * k, &pair, sizeof pair);
  }
}

// Some columns of the matrix, as many as the kernels multiply by at once.
template <typename Number>
class Group {
 public:
  // `to` has room for all numbers of a patch.
  Group(const Im2colLayer<Number> &layer, const WeightSource &source, int first, int width,
        float *to)
      : layer_(layer), source_(source), first_(first), numbers_(to) {
    for (int column = first; column < first + width; ++column) {
      const int k = column % layer.channels(), pixel = column / layer.channels();
      columns_.push_back(k < layer.out ? source.channel(k) + pixel : nullptr);
    }
  }

  // [numbers of a patch][columns], of input channels [first, end).
  void gather(int first, int end) {
    const int pixels = layer_.geometry.kernel * layer_.geometry.kernel;
    for (int c = first; c < end; ++c)
      for (int pixel = 0; pixel < pixels; ++pixel) {
        // Of several output pixels each has a tap of its own, which columns_ point at.
        const std::ptrdiff_t at = c * source_.in_step() + (pixels > 1 ? source_.tap(pixel) : 0);
        float *row = numbers_ + static_cast<std::size_t>(pixel * layer_.in + c) * columns_.size();
        for (const float *column : columns_) *row++ = column ? column[at] : 0;
      }
  }

  // What has been gathered, for the kernels: int16 and what products of each column are multiplied
  // by.
  void round(std::int16_t *to, float *product_scales) const {
    const auto width = static_cast<std::ptrdiff_t>(columns_.size());
    const int patch = layer_.patch();
    const std::vector<float> scales = group_scales(numbers_, patch, static_cast<int>(width));
    const std::vector<float> zeros(columns_.size(), 0.0f);
    for (int i = 0; i < patch; i += 2) {
      const float *row = numbers_ + i * width;
      round_rows(row, i + 1 < patch ? row + width : zeros.data(), scales, to + i * width);
    }
    for (std::size_t k = 0; k < scales.size(); ++k)
      product_scales[static_cast<std::size_t>(first_) + k] = 1 / scales[k];
  }

 private:
  const Im2colLayer<Number> &layer_;
  const WeightSource &source_;
  int first_;
  float *numbers_;
  // Of each the weight of a patch's first pixel and channel; none for those that fill up.
  std::vector<const float *> columns_;
};

// All columns of the layer.
template <typename Number>
void pack(const Im2colLayer<Number> &layer, const WeightSource &source, int lanes, Number *weights,
          float *product_scales) {
  // So few input channels of all that is gathered together stay in a cache.
  constexpr int kChannels = 32;
  const int width = 2 * lanes, groups = round_up(layer.columns, width) / width;
  // Of several output pixels, groups of the same channels lie in the same memory.
  const int outputs = layer.geometry.outputs * layer.geometry.outputs;
  const int alike = layer.channels() % width == 0 ? outputs : 1, apart = groups / alike;
  const auto padded = static_cast<std::size_t>(layer.elements() * layer.kNumbers);
  const auto place = [&](int i) { return weights + padded * static_cast<std::size_t>(i * width); };
  std::vector<std::vector<float>> memory(static_cast<std::size_t>(alike));
  for (int first = 0; first < apart; ++first) {
    std::vector<Group<Number>> some;
    for (int i = 0; i < alike; ++i) {
      const int index = first + i * apart, column = index * width;
      const int count = std::min(width, layer.columns - column);
      if constexpr (std::is_same_v<Number, float>) {
        some.emplace_back(layer, source, column, count, place(index));
      } else {
        std::vector<float> &own = memory[static_cast<std::size_t>(i)];
        own.resize(padded * static_cast<std::size_t>(width));
        some.emplace_back(layer, source, column, count, own.data());
      }
    }
    for (int c = 0; c < layer.in; c += kChannels)
      for (Group<Number> &group : some) group.gather(c, std::min(c + kChannels, layer.in));
    if constexpr (!std::is_same_v<Number, float>)
      for (int i = 0; i < alike; ++i)
        some[static_cast<std::size_t>(i)].round(place(first + i * apart), product_scales);
  }
}

}  // namespace

PatchGeometry::PatchGeometry(const ConvGeometry &geometry)
    : kernel(geometry.kernel),
      stride_y(geometry.stride_y),
      stride_x(geometry.stride_x),
      padding(geometry.padding),
      spread_y(1),
      spread_x(1),
      outputs(1) {
  if (!geometry.transposed) return;
  if (geometry.spreads_pixels()) {
    outputs = geometry.kernel;
    kernel = 1;
    return;
  }
  spread_y = geometry.stride_y, spread_x = geometry.stride_x;
  stride_y = stride_x = 1;
  padding = geometry.kernel - 1 - geometry.padding;
}

template <typename Number>
Im2colWeights<Number>::Im2colWeights(const ConvGeometry &geometry, int in, int out,
                                     const float *weight, const float *bias, int lanes)
    : layer_{PatchGeometry(geometry), in, out, 0, nullptr, nullptr, nullptr} {
  const int pixels = layer_.geometry.outputs * layer_.geometry.outputs;
  layer_.columns = pixels * round_up(out, lanes);
  const auto columns = static_cast<std::size_t>(layer_.columns);
  const auto padded = static_cast<std::size_t>(layer_.elements() * layer_.kNumbers);
  weights_ = allocate_weights<Number>(padded * columns);
  bias_ = allocate_weights<float>(columns);
  product_scales_ = allocate_weights<float>(columns);
  std::fill_n(bias_.get(), columns, 0.0f);
  for (int i = 0; i < pixels; ++i) std::copy_n(bias, out, bias_.get() + i * layer_.channels());

  pack(layer_, WeightSource(geometry, in, out, weight), lanes, weights_.get(),
       product_scales_.get());
  layer_.weights = weights_.get();
  layer_.bias = bias_.get();
  layer_.product_scales = product_scales_.get();
}

template class Im2colWeights<float>;
template class Im2colWeights<std::int16_t>;

}  // namespace w2l
