// gst-wav2lip: geometry and weights of AmxConv. See amx_weights.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "amx_weights.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "amx_stage.h"
#include "products.h"
#include "weight_memory.h"

namespace w2l {
namespace {

// A block's pixels stay in the second-level cache, half of which these are. Weights of deep layers
// do not: the more pixels there are, the fewer times they are read again.
constexpr std::size_t kStageBytes = 1024 * 1024;
// Pixels a multiple of this apart would meet in few places of the first-level cache.
constexpr int kBadStep = 512;

// A tap of the filter, and the input pixel it is for, from a position's own on.
struct Tap {
  int index, pixel;
};

// One dimension of a convolution.
class Dimension {
 public:
  Dimension(const ConvGeometry &geometry, int stride) : geometry_(geometry), stride_(stride) {
    int last = 0;
    for (int phase = 0; phase < scale(); ++phase)
      for (const Tap &tap : taps(phase)) {
        first_ = std::min(first_, tap.pixel);
        last = std::max(last, tap.pixel);
      }
    seen_ = last - first_ + 1;
  }

  int stride() const { return geometry_.transposed ? 1 : stride_; }  // pixels between positions
  int scale() const { return geometry_.transposed ? stride_ : 1; }
  int first() const { return first_; }  // pixel that any tap is for, or a position's own
  int seen() const { return seen_; }    // pixels

  // Those of an output pixel of a field, in the order of their pixels, which follow each other.
  std::vector<Tap> taps(int phase) const {
    std::vector<Tap> list;
    for (int tap = 0; tap < geometry_.kernel; ++tap) {
      const int place = phase + geometry_.padding - tap;
      if (!geometry_.transposed)
        list.push_back({tap, tap - geometry_.padding});
      else if (place % stride_ == 0)
        list.insert(list.begin(), {tap, place / stride_});
    }
    return list;
  }

 private:
  const ConvGeometry &geometry_;
  int stride_;
  int first_ = 0, seen_ = 0;
};

// The border of the next row serves as that behind a row.
int pitch_of(const Dimension &x, int width, int out_width) {
  const int across = (out_width + x.scale() - 1) / x.scale();
  const int left = -x.first(), right = (across - 1) * x.stride() + x.seen() - left - width;
  return round_up(left + width + std::max(0, right - left), x.stride());
}

// Successive numbers of a position that one step multiplies.
struct Step {
  int y, x;     // indices among a phase's taps, of the first number
  int channel;  // of the first number
};

// Taps are visited for some channels at a time, whose pixels stay in the first-level cache.
// Channels that fill no step by themselves go on with the next pixel's.
std::vector<Step> steps_of(int rows, int columns, int in) {
  std::vector<Step> steps;
  if (in % kAmxNumbers == 0) {
    for (int c = 0; c < in; c += kAmxNumbers)
      for (int y = 0; y < rows; ++y)
        for (int x = 0; x < columns; ++x) steps.push_back({y, x, c});
  } else {
    for (int y = 0; y < rows; ++y)
      for (int i = 0; i < columns * in; i += kAmxNumbers) steps.push_back({y, i / in, i % in});
  }
  return steps;
}

// What a phase multiplies.
struct PhaseTaps {
  std::vector<Tap> rows, columns;
  std::vector<Step> steps;

  PhaseTaps(const Dimension &y, const Dimension &x, const AmxPhase &phase, int in)
      : rows(y.taps(phase.row)),
        columns(x.taps(phase.column)),
        steps(steps_of(static_cast<int>(rows.size()), static_cast<int>(columns.size()), in)) {}

  const Tap &row(const Step &step) const { return rows[static_cast<std::size_t>(step.y)]; }
  const Tap &column(const Step &step) const { return columns[static_cast<std::size_t>(step.x)]; }
};

// Weights may be larger than the largest bfloat16, and infinities would make NaN of zeros.
Bf16 to_finite_bf16(float value) {
  constexpr Bf16 kLargest{0x7f7f};
  const float largest = to_float(kLargest);
  return to_bf16(std::clamp(value, -largest, largest));
}

// Filters in PyTorch's layout.
struct Filters {
  int kernel, in, out;
  const float *weight;
  float unit;
  std::ptrdiff_t in_step, out_step;

  Filters(const ConvGeometry &geometry, int in, int out, const float *weight, float unit)
      : kernel(geometry.kernel), in(in), out(out), weight(weight), unit(unit) {
    const std::ptrdiff_t taps = kernel * kernel;
    in_step = geometry.transposed ? out * taps : taps;
    out_step = geometry.transposed ? taps : in * taps;
  }

  // One step of 16 output channels from `first` on: pairs of input numbers, side by side for each
  // channel.
  void pack(const PhaseTaps &phase, Step step, int first, Bf16 *to) const {
    const int channels = std::min(kAmxRows, out - first);
    std::fill_n(to, kAmxTileWeights, Bf16{});
    for (int i = 0; i < kAmxNumbers; ++i) {
      if (step.x >= static_cast<int>(phase.columns.size())) return;
      const int tap = phase.row(step).index * kernel + phase.column(step).index;
      const float *from = weight + first * out_step + step.channel * in_step + tap;
      Bf16 *pairs = to + i / 2 * 2 * kAmxRows + i % 2;
      for (int k = 0; k < channels; ++k) pairs[2 * k] = to_finite_bf16(from[k * out_step] * unit);
      if (++step.channel == in) step.channel = 0, ++step.x;
    }
  }
};

// Of one phase.
Bf16 *pack(const Filters &filters, const PhaseTaps &phase, int tiles, Bf16 *to) {
  for (int first = 0; first < tiles; first += kAmxGroup)
    for (const Step &step : phase.steps)
      for (int tile = first; tile < std::min(first + kAmxGroup, tiles); ++tile) {
        filters.pack(phase, step, tile * kAmxRows, to);
        to += kAmxTileWeights;
      }
  return to;
}

// The positions' geometry.
AmxLayer layer_of(const Dimension &y, const Dimension &x, int in, int out, AmxSize size) {
  AmxLayer layer;
  layer.in = in, layer.out = out;
  layer.tiles = round_up(out, kAmxRows) / kAmxRows;
  layer.height = size.height, layer.width = size.width;
  layer.scale_y = y.scale(), layer.scale_x = x.scale();
  layer.stride_y = y.stride(), layer.stride_x = x.stride();
  layer.first_y = y.first(), layer.first_x = x.first();
  layer.taps_y = y.seen(), layer.taps_x = x.seen();
  layer.pixel = in % kBadStep == 0 ? in + kAmxNumbers : in;
  layer.pitch = pitch_of(x, size.width, size.out_width);
  const auto row = static_cast<std::size_t>(layer.pitch * layer.pixel) * sizeof(Bf16);
  const auto fitting = kStageBytes / row / static_cast<std::size_t>(layer.stride_y);
  layer.plane_rows = std::max(static_cast<int>(fitting), 1 + layer.more_rows());
  layer.plane = amx_plane_numbers(layer, layer.plane_rows);
  return layer;
}

// Where a step's numbers lie behind a position's first, in bytes.
int place_of(const AmxLayer &layer, const PhaseTaps &phase, const Step &step) {
  const int down = phase.row(step).pixel - layer.first_y;
  const int right = phase.column(step).pixel - layer.first_x;
  const auto plane = static_cast<std::size_t>(down % layer.stride_y) * layer.plane;
  const int pixel = down / layer.stride_y * layer.pitch + right;
  const std::size_t number = plane + static_cast<std::size_t>(pixel * layer.pixel + step.channel);
  return static_cast<int>(number * sizeof(Bf16));
}

}  // namespace

AmxWeights::AmxWeights(const ConvGeometry &geometry, int in, int out, AmxSize size,
                       const float *weight, float unit, const float *bias) {
  const Dimension y(geometry, geometry.stride_y), x(geometry, geometry.stride_x);
  layer_ = layer_of(y, x, in, out, size);
  std::vector<PhaseTaps> taps;
  std::size_t numbers = 0;
  for (int row = 0; row < y.scale(); ++row)
    for (int column = 0; column < x.scale(); ++column) {
      AmxPhase phase = {row, column, {}, numbers};
      taps.emplace_back(y, x, phase, in);
      for (const Step &step : taps.back().steps)
        phase.steps.push_back(place_of(layer_, taps.back(), step));
      numbers += phase.steps.size() * static_cast<std::size_t>(layer_.tiles * kAmxTileWeights);
      layer_.phases.push_back(std::move(phase));
    }

  bytes_ = numbers * sizeof(Bf16);
  // Weights behind the last ones are asked for, and not used.
  weights_ = allocate_weights<Bf16>(numbers + kAmxAhead * kAmxGroup * kAmxTileWeights);
  Bf16 *to = weights_.get();
  for (const PhaseTaps &phase : taps)
    to = pack(Filters(geometry, in, out, weight, unit), phase, layer_.tiles, to);
  const auto channels = static_cast<std::size_t>(layer_.tiles * kAmxRows);
  bias_ = allocate_weights<float>(channels);
  std::fill(std::copy_n(bias, out, bias_.get()), bias_.get() + channels, 0.0f);
  layer_.weights = weights_.get();
  layer_.bias = bias_.get();
}

}  // namespace w2l
