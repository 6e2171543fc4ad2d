// gst-wav2lip: the 3x3 convolution of the CUDA engine that moves by a pixel, which is most of the
// network. Unlike conv_kernel.cuh, where a pixel is copied anew for each tap that sees it, a block
// has all pixels that its tile sees in shared memory, for some channels at a time, and each tap is
// a distance in there (PatchSpace in conv_tiles.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "conv_kernel.cuh"

namespace w2l {
namespace conv {

// A pixel of the patch, in pieces from the start of both inputs.
struct PatchPixel {
  unsigned first, second;
};

template <Number number, int kind>
class PatchBlock {
  using S = Shape<number, kind>;
  using Stored = typename S::Stored;
  using Sums = WarpSums<number, kind>;
  static constexpr ConvTile kTile = S::kTile;
  static constexpr int kPixel = kPatchPixelBytes / static_cast<int>(sizeof(Stored));  // numbers
  static constexpr int kRightSize = S::kStep * S::kRightStride;
  static_assert(kPixel == S::kLeftStride);
  static_assert(kTile.threads % kStepPieces == 0);

  // Each warp writes its sums by way of its own part of the patches' memory.
  static constexpr int kSlabStride = S::kWarpColumns + 8;
  static constexpr int kSlabSize = Sums::kSlabRows * kSlabStride;
  static_assert(S::kWarps * kSlabSize * static_cast<int>(sizeof(float)) <=
                2 * kTile.rows * kPatchPixelBytes);

 public:
  W2L_DEVICE PatchBlock(const ConvArgs &args, unsigned char *shared)
      : args_(args),
        space_(patch_space(args)),
        seen_(space_.seen(kTile.rows)),
        channels_(conv_input_channels(args)),
        thread_(static_cast<int>(threadIdx.x)) {
    const PatchMemory memory = patch_memory(conv_tile(kind), seen_);
    pixels_ = reinterpret_cast<PatchPixel *>(shared);
    outputs_ = reinterpret_cast<OutputRow *>(shared + memory.outputs);
    patches_ = reinterpret_cast<Stored *>(shared + memory.patches);
    weights_ = reinterpret_cast<Stored *>(shared + memory.weights);
    const int across = divide_up(args.output.channels, kTile.columns);
    const int tile = static_cast<int>(blockIdx.x);
    first_position_ = tile / across * kTile.rows;
    first_column_ = tile % across * kTile.columns;
  }

  W2L_DEVICE void run() {
    for (int i = thread_; i < seen_; i += kTile.threads)
      pixels_[i] = find_pixel(first_position_ - space_.width - 1 + i);
    for (int i = thread_; i < kTile.rows; i += kTile.threads)
      outputs_[i] = find_output(first_position_ + i);
    __syncthreads();
    sums_.clear();
    multiply();
    finish();
  }

 private:
  struct Position {
    int image, y, x;
  };

  W2L_DEVICE Position position(int index) const {
    const int row = index / space_.width;
    return {row / space_.height, row % space_.height + space_.first_row, index % space_.width - 1};
  }

  W2L_DEVICE PatchPixel find_pixel(int index) const {
    const Position at = position(index);
    if (index < 0 || at.image >= args_.images || at.x < 0 || at.y < 0 || at.y >= args_.input_height)
      return {kNoPixel, kNoPixel};
    const auto seen = static_cast<unsigned>(at.y * args_.input_width + at.x);
    PatchPixel pixel = {
        image_start<number>(args_.inputs[0], at.image) + seen * pieces<number>(args_.inputs[0]), 0};
    if (args_.inputs[1].channels)
      pixel.second =
          image_start<number>(args_.inputs[1], at.image) + seen * pieces<number>(args_.inputs[1]);
    return pixel;
  }

  W2L_DEVICE OutputRow find_output(int index) const {
    const Position at = position(index);
    if (at.image >= args_.images || at.x < 0 || at.y < args_.first_row ||
        at.y >= args_.output_height)
      return {kNoPixel, 0};
    const unsigned offset =
        static_cast<unsigned>(at.y * args_.output_width + at.x) * pieces<number>(args_.output);
    return {image_start<number>(args_.output, at.image) + offset,
            args_.residual ? image_start<number>(args_.inputs[0], at.image) + offset : 0};
  }

  W2L_DEVICE int warp_row() const { return thread_ / 32 / S::kWarpsAcross * S::kWarpRows; }
  W2L_DEVICE int warp_column() const { return thread_ / 32 % S::kWarpsAcross * S::kWarpColumns; }

  W2L_DEVICE Stored *patch(int chunk) const { return patches_ + chunk % 2 * seen_ * kPixel; }

  W2L_DEVICE void multiply() {
    // A chunk is kStep channels. While a row of its taps is multiplied, the next row's weights are
    // copied, and a third of the next chunk's patch.
    const int chunks = divide_up(channels_, S::kStep), items = seen_ * kStepPieces;
    const int third = divide_up(items, kPatchEdge * kTile.threads) * kTile.threads;
    copy_patch(0, 0, items);
    copy_weights(0, 0, 0);
    gpu::end_copy_group();
    int half = 0;
    for (int chunk = 0; chunk < chunks; ++chunk) {
      for (int row = 0; row < kPatchEdge; ++row) {
        gpu::wait_for_copies<0>();
        __syncthreads();  // what all have copied is there; all are done with the row before
        const bool last_row = row == kPatchEdge - 1;
        if (chunk + 1 < chunks)
          copy_patch(chunk + 1, row * third, last_row ? items : (row + 1) * third);
        if (chunk + 1 < chunks || !last_row)
          copy_weights(last_row ? chunk + 1 : chunk, last_row ? 0 : row + 1, 1 - half);
        gpu::end_copy_group();
        gpu::join_warp();
        const Stored *left = patch(chunk) + (warp_row() + row * space_.width) * kPixel;
        const Stored *right = weights_ + half * kPatchEdge * kRightSize + warp_column();
        W2L_UNROLL
        for (int tap = 0; tap < kPatchEdge; ++tap)
          sums_.add_products(left + tap * kPixel, right + tap * kRightSize);
        half = 1 - half;
      }
    }
    __syncthreads();  // the patches' memory is free
  }

  // Items of the patch, each a piece of a pixel; `first` is a multiple of the threads.
  W2L_DEVICE void copy_patch(int chunk, int first, int end) const {
    const int piece = thread_ % kStepPieces;
    const int channel = chunk * S::kStep + piece * S::kPiece;
    const int first_channels = args_.inputs[0].channels;
    const bool second = channel >= first_channels, inside = channel < channels_;
    const auto *data =
        static_cast<const uint4 *>(second ? args_.inputs[1].data : args_.inputs[0].data);
    const auto offset =
        static_cast<unsigned>((channel - (second ? first_channels : 0)) / S::kPiece);
    Stored *to = patch(chunk) + piece * S::kPiece;
    for (int item = first + thread_; item < end; item += kTile.threads) {
      const int pixel = item / kStepPieces;
      const PatchPixel place = pixels_[pixel];
      gpu::copy_async(to + pixel * kPixel, data + ((second ? place.second : place.first) + offset),
                      inside && place.first != kNoPixel);
    }
  }

  // Of a row of taps.
  W2L_DEVICE void copy_weights(int chunk, int taps_row, int half) const {
    constexpr int kRowsAtOnce = kTile.threads / S::kRightPieces;
    static_assert(kTile.threads % S::kRightPieces == 0 && S::kStep % kRowsAtOnce == 0);
    const int row = thread_ / S::kRightPieces, column = thread_ % S::kRightPieces * S::kPiece;
    const bool inside = first_column_ + column < args_.output.channels;
    const int channel = chunk * S::kStep + row;
    const auto columns = static_cast<unsigned>(args_.output.channels);
    const auto *from = static_cast<const Stored *>(args_.weights) + first_column_ + column;
    const auto first = static_cast<unsigned>(taps_row * kPatchEdge * channels_ + channel);
    Stored *to = weights_ + half * kPatchEdge * kRightSize + row * S::kRightStride + column;
    W2L_UNROLL
    for (int tap = 0; tap < kPatchEdge; ++tap) {
      W2L_UNROLL
      for (int i = 0; i < S::kStep; i += kRowsAtOnce)
        gpu::copy_async(to + tap * kRightSize + i * S::kRightStride,
                        from + (first + static_cast<unsigned>(tap * channels_ + i)) * columns,
                        inside && channel + i < channels_);
    }
  }

  W2L_DEVICE void finish() {
    constexpr int kEights = S::kWarpColumns / kChannelStep;
    constexpr int kRounds = Sums::kSlabRows * kEights / 32;
    const int warp = thread_ / 32, lane = thread_ % 32;
    float *slab = reinterpret_cast<float *>(patches_) + warp * kSlabSize;
    W2L_UNROLL
    for (int i = 0; i < Sums::kSlabs; ++i) {
      sums_.store_slab(i, slab, kSlabStride);
      gpu::join_warp();
      W2L_UNROLL
      for (int round = 0; round < kRounds; ++round) {
        const int item = lane + round * 32;
        const int row = item / kEights, column = item % kEights * kChannelStep;
        const OutputRow &places = outputs_[warp_row() + i * Sums::kSlabRows + row];
        const int channel = first_column_ + warp_column() + column;
        if (places.output != kNoPixel && channel < args_.output.channels)
          finish_eight<number>(args_, places, slab + row * kSlabStride + column, channel);
      }
      gpu::join_warp();
    }
  }

  const ConvArgs &args_;
  const PatchSpace space_;
  const int seen_, channels_, thread_;
  PatchPixel *pixels_;
  OutputRow *outputs_;
  Stored *patches_, *weights_;
  int first_position_, first_column_;
  Sums sums_;
};

template <Number number, int kind>
__global__ void __launch_bounds__(conv_tile(kind).threads, 256 / conv_tile(kind).threads)
    convolve_patches(const ConvArgs args) {
  W2L_SHARED_MEMORY(shared);
  PatchBlock<number, kind>(args, shared).run();
}

}  // namespace conv
}  // namespace w2l
