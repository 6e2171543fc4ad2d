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
#include <utility>

#include "amx_stage.h"
#include "pixels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

// Channels [0, count) of one pixel.
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

// Makes pixels of the sums of a chunk, a few at a time: between the steps of the next chunk, whose
// products the CPU computes meanwhile.
class AmxFinish {
 public:
  AmxFinish(const AmxLayer &layer, const AmxOutput &to, const AmxBlock &block)
      : layer_(layer),
        to_(to),
        block_(block),
        image_rows_(AmxRows(layer, block).of_image),
        across_(layer.row_positions()) {}

  // What is left of the last chunk, then of `count` positions from `first` on, and the channels
  // from `channel` on.
  void begin(const AmxPhase &phase, int channel, int first, int count, const float *sums) {
    rest();
    phase_ = &phase;
    channel_ = channel;
    channels_ = std::min(layer_.out - channel, kAmxSums);
    columns_ = (to_.out_width - phase.column + layer_.scale_x - 1) / layer_.scale_x;
    sums_ = sums;
    left_ = count;
    row_ = first / across_;
    column_ = first % across_;
    enter_row();
  }

  HWY_INLINE void some(int positions) {
    for (; positions > 0 && left_ > 0; --positions) {
      if (pixel_ && column_ < columns_) finish();
      sums_ += kAmxSums;
      --left_;
      if (++column_ == across_ && left_ > 0) {
        ++row_;
        column_ = 0;
        enter_row();
      }
    }
  }

  void rest() { some(left_); }

 private:
  // Where the row's pixels go; nowhere if none of them is wanted.
  void enter_row() {
    const int image = row_ / image_rows_, row = row_ % image_rows_;
    const int y = (block_.first_row + row) * layer_.scale_y + phase_->row;
    pixel_ = nullptr;
    if (row >= block_.rows || y < to_.first_row || y >= to_.out_height) return;
    const int x = column_ * layer_.scale_x + phase_->column;
    pixel_ = to_.output.at(block_.first_image + image, y, x) + channel_;
    if (to_.residual.data) residual_ = to_.residual.at(block_.first_image + image, y, x) + channel_;
  }

  HWY_INLINE void finish() {
    const float *bias = layer_.bias + channel_;
    if (channels_ == kAmxSums)  // nearly always, and a known number needs no loop
      finish_pixel(sums_, bias, residual_, to_.relu, kAmxSums, pixel_);
    else
      finish_pixel(sums_, bias, residual_, to_.relu, channels_, pixel_);
    pixel_ += layer_.scale_x * to_.output.pixel_step;
    if (residual_) residual_ += layer_.scale_x * to_.residual.pixel_step;
  }

  const AmxLayer &layer_;
  const AmxOutput &to_;
  const AmxBlock &block_;
  const int image_rows_, across_;
  const AmxPhase *phase_ = nullptr;
  int channel_ = 0, channels_ = 0, columns_ = 0;
  int row_ = 0, column_ = 0, left_ = 0;
  const float *sums_ = nullptr;
  const Bf16 *residual_ = nullptr;
  Bf16 *pixel_ = nullptr;
};

// Products of `kPlaces` * 16 positions and `kGroup` * 16 channels, in the tiles 0 to 3. Tiles 4 and
// 5 hold positions, 6 and 7 weights: each is used twice where there are as many. All are loaded
// before the first product: mixed with the products they take a quarter longer beside a busy
// sibling thread (Emerald Rapids). `kFar`: weights may come from memory, whose own guessing stops
// at each page.
template <int kPlaces, int kGroup, bool kFar, typename Tiles>
HWY_INLINE void multiply_tiles(Tiles &tiles, const std::vector<int> &steps, const Bf16 *input,
                               int position_numbers, const Bf16 *weights, float *sums,
                               AmxFinish &last) {
  constexpr std::ptrdiff_t kWeightRow = kAmxNumbers * sizeof(Bf16);
  constexpr std::ptrdiff_t kSumsRow = kAmxSums * sizeof(float);
  constexpr int kLine = 64 / sizeof(Bf16);
  const std::ptrdiff_t row = position_numbers * static_cast<std::ptrdiff_t>(sizeof(Bf16));
  const int share =
      kAmxChunk / std::max(1, static_cast<int>(steps.size())) + 1;  // of the last chunk
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
    tiles.template load<6>(weights, kWeightRow);
    if constexpr (kGroup > 1) tiles.template load<7>(weights + kAmxTileWeights, kWeightRow);
    tiles.template load<4>(places, row);
    if constexpr (kPlaces > 1) tiles.template load<5>(places + kAmxRows * row, row);
    tiles.template multiply<0, 4, 6>();
    if constexpr (kGroup > 1) tiles.template multiply<1, 4, 7>();
    if constexpr (kPlaces > 1) tiles.template multiply<2, 5, 6>();
    if constexpr (kPlaces > 1 && kGroup > 1) tiles.template multiply<3, 5, 7>();
    weights += kGroup * kAmxTileWeights;
    last.some(share);
  }
  tiles.template store<0>(sums, kSumsRow);
  if constexpr (kGroup > 1) tiles.template store<1>(sums + kAmxRows, kSumsRow);
  if constexpr (kPlaces > 1) tiles.template store<2>(sums + kAmxRows * kAmxSums, kSumsRow);
  if constexpr (kPlaces > 1 && kGroup > 1)
    tiles.template store<3>(sums + kAmxRows * kAmxSums + kAmxRows, kSumsRow);
}

// Two chunks' sums: one's are written while the other's are finished.
class AmxSums {
 public:
  explicit AmxSums(float *sums) : now_(sums), last_(sums + kAmxChunk * kAmxSums) {}

  float *next() {
    std::swap(now_, last_);
    return now_;
  }

 private:
  float *now_, *last_;
};

// The channels of one group from `channel` on.
template <int kGroup, typename Tiles>
HWY_INLINE void run_group(Tiles &tiles, const AmxLayer &layer, const AmxPhase &phase,
                          const Bf16 *stage, const Bf16 *weights, int positions, int channel,
                          AmxSums &sums, AmxFinish &finish) {
  const int numbers = layer.position_numbers();
  for (int first = 0; first < positions; first += kAmxChunk) {
    const Bf16 *input = stage + static_cast<std::ptrdiff_t>(first) * numbers;
    const int count = std::min(positions - first, kAmxChunk);
    float *const to = sums.next();
    if (count <= kAmxRows)
      multiply_tiles<1, kGroup, true>(tiles, phase.steps, input, numbers, weights, to, finish);
    else if (first == 0)
      multiply_tiles<2, kGroup, true>(tiles, phase.steps, input, numbers, weights, to, finish);
    else
      multiply_tiles<2, kGroup, false>(tiles, phase.steps, input, numbers, weights, to, finish);
    finish.begin(phase, channel, first, count, to);
  }
}

template <typename Tiles>
void run_amx_block(Tiles &tiles, const AmxLayer &layer, const AmxOutput &output,
                   const AmxBlock &block, float *workspace) {
  const auto *stage = reinterpret_cast<const Bf16 *>(workspace + AmxSpace(layer).sums);
  const int rows = (block.images - 1) * AmxRows(layer, block).of_image + block.rows;
  const int positions = rows * layer.row_positions();
  AmxSums sums(workspace);
  AmxFinish finish(layer, output, block);
  for (const AmxPhase &phase : layer.phases) {
    const std::size_t tile = phase.steps.size() * kAmxTileWeights;
    for (int group = block.first_group; group < block.end_group; ++group) {
      const int channel = group * kAmxSums;
      const Bf16 *weights =
          layer.weights + phase.first_weight + static_cast<std::size_t>(group * kAmxGroup) * tile;
      if (layer.tiles - group * kAmxGroup > 1)
        run_group<2>(tiles, layer, phase, stage, weights, positions, channel, sums, finish);
      else
        run_group<1>(tiles, layer, phase, stage, weights, positions, channel, sums, finish);
    }
  }
  finish.rest();
}

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#endif
