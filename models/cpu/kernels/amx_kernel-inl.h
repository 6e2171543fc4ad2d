// gst-wav2lip: one block of an AmxConv, for anything that can do what AMX does with tiles: the CPU
// (amx_kernels.cpp), or the tests' emulator.
// SPDX-License-Identifier: LGPL-2.1-or-later
#if defined(W2L_AMX_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef W2L_AMX_KERNEL_INL_H
#undef W2L_AMX_KERNEL_INL_H
#else
#define W2L_AMX_KERNEL_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

#include "amx_stage.h"
#include "pixels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

constexpr int kAmxSums = kAmxGroup * kAmxRows;  // of one position

// Products of `kPlaces` * 16 positions and `kGroup` * 16 channels, in the tiles 0 to 3. Tiles 4 and
// 5 hold positions, 6 and 7 weights: each is used twice where there are as many. `kFar`: weights
// may come from memory, whose own guessing stops at each page.
template <int kPlaces, int kGroup, bool kFar, typename Tiles>
HWY_INLINE void multiply_tiles(Tiles &tiles, const std::vector<int> &steps, const Bf16 *input,
                               int position_numbers, const Bf16 *weights, float *sums) {
  constexpr std::ptrdiff_t kWeightRow = kAmxNumbers * sizeof(Bf16);
  constexpr std::ptrdiff_t kSumsRow = kAmxSums * sizeof(float);
  constexpr int kLine = 64 / sizeof(Bf16);
  const std::ptrdiff_t row = position_numbers * static_cast<std::ptrdiff_t>(sizeof(Bf16));
  tiles.template zero<0>();
  if constexpr (kGroup > 1) tiles.template zero<1>();
  if constexpr (kPlaces > 1) tiles.template zero<2>();
  if constexpr (kPlaces > 1 && kGroup > 1) tiles.template zero<3>();
  for (const int step : steps) {
    const char *places = reinterpret_cast<const char *>(input) + step;
    if constexpr (kFar) {
      HWY_UNROLL(32)
      for (int i = 0; i < kGroup * kAmxTileWeights; i += kLine)
        hwy::Prefetch(weights + kAmxAhead * kGroup * kAmxTileWeights + i);
    }
    tiles.template load<4>(places, row);
    tiles.template load<6>(weights, kWeightRow);
    tiles.template multiply<0, 4, 6>();
    if constexpr (kGroup > 1) {
      tiles.template load<7>(weights + kAmxTileWeights, kWeightRow);
      tiles.template multiply<1, 4, 7>();
    }
    if constexpr (kPlaces > 1) {
      tiles.template load<5>(places + kAmxRows * row, row);
      tiles.template multiply<2, 5, 6>();
      if constexpr (kGroup > 1) tiles.template multiply<3, 5, 7>();
    }
    weights += kGroup * kAmxTileWeights;
  }
  tiles.template store<0>(sums, kSumsRow);
  if constexpr (kGroup > 1) tiles.template store<1>(sums + kAmxRows, kSumsRow);
  if constexpr (kPlaces > 1) tiles.template store<2>(sums + kAmxRows * kAmxSums, kSumsRow);
  if constexpr (kPlaces > 1 && kGroup > 1)
    tiles.template store<3>(sums + kAmxRows * kAmxSums + kAmxRows, kSumsRow);
}

// Channels [channel, channel + count) of one pixel.
HWY_INLINE void finish_pixel(const float *sums, const float *bias, const Bf16 *residual, bool relu,
                             int count, Bf16 *to) {
  const Floats d;
  for (int c = 0; c < count; c += kLanes) {
    Vector value = hn::Add(hn::LoadU(d, sums + c), hn::LoadU(d, bias + c));
    if (residual) value = hn::Add(value, load_channels(residual + c, count - c));
    if (relu) value = hn::Max(value, hn::Zero(d));
    store_channels(value, to + c, count - c);
  }
}

// Where a phase's results go.
struct AmxTarget {
  const AmxLayer &layer;
  const AmxOutput &to;
  const AmxBlock &block;
  const AmxPhase &phase;
  int image_rows;  // AmxRows::of_image

  // Of `count` positions from `first` on, those that belong to an output pixel.
  HWY_INLINE void finish(const float *sums, int first, int count, int channel) const {
    const int across = layer.row_positions();
    const int channels = std::min(layer.out - channel, kAmxSums);
    for (int i = 0; i < count;) {
      const int row = (first + i) / across, column = (first + i) % across;
      const int image = row / image_rows, y = pixel_row(row % image_rows);
      const int rest = std::min(count - i, across - column);
      if (image < block.images && y >= 0) {
        for (int k = 0; k < rest; ++k) {
          const int x = (column + k) * layer.scale_x + phase.column;
          if (x >= to.out_width) break;
          const Bf16 *residual = to.residual.data
                                     ? to.residual.at(block.first_image + image, y, x) + channel
                                     : nullptr;
          finish_pixel(sums + (i + k) * kAmxSums, layer.bias + channel, residual, to.relu, channels,
                       to.output.at(block.first_image + image, y, x) + channel);
        }
      }
      i += rest;
    }
  }

 private:
  // -1 if no row of the output is wanted there.
  int pixel_row(int row) const {
    const int y = (block.first_row + row) * layer.scale_y + phase.row;
    return row < block.rows && y >= to.first_row && y < to.out_height ? y : -1;
  }
};

template <int kGroup, typename Tiles>
HWY_INLINE void run_group(Tiles &tiles, const AmxTarget &target, const Bf16 *stage,
                          const Bf16 *weights, int positions, int channel, float *sums) {
  const AmxLayer &layer = target.layer;
  const int numbers = layer.position_numbers();
  for (int first = 0; first < positions; first += 2 * kAmxRows) {
    const Bf16 *input = stage + static_cast<std::ptrdiff_t>(first) * numbers;
    const int count = std::min(positions - first, 2 * kAmxRows);
    const std::vector<int> &steps = target.phase.steps;
    if (count <= kAmxRows)
      multiply_tiles<1, kGroup, true>(tiles, steps, input, numbers, weights, sums);
    else if (first == 0)
      multiply_tiles<2, kGroup, true>(tiles, steps, input, numbers, weights, sums);
    else
      multiply_tiles<2, kGroup, false>(tiles, steps, input, numbers, weights, sums);
    target.finish(sums, first, count, channel);
  }
}

template <typename Tiles>
void run_amx_block(Tiles &tiles, const AmxLayer &layer, const AmxOutput &output,
                   const AmxBlock &block, float *workspace) {
  float *sums = workspace;
  const auto *stage = reinterpret_cast<const Bf16 *>(workspace + AmxSpace(layer).sums);
  const AmxRows rows(layer, block);
  const int positions = ((block.images - 1) * rows.of_image + block.rows) * layer.row_positions();
  for (const AmxPhase &phase : layer.phases) {
    const AmxTarget target = {layer, output, block, phase, rows.of_image};
    const std::size_t tile = phase.steps.size() * kAmxTileWeights;
    for (int group = block.first_group; group < block.end_group; ++group) {
      const int channel = group * kAmxSums;
      const Bf16 *weights =
          layer.weights + phase.first_weight + static_cast<std::size_t>(group * kAmxGroup) * tile;
      if (layer.tiles - group * kAmxGroup > 1)
        run_group<2>(tiles, target, stage, weights, positions, channel, sums);
      else
        run_group<1>(tiles, target, stage, weights, positions, channel, sums);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#endif
