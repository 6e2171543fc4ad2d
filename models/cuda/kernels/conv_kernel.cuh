// gst-wav2lip: the convolution of the CUDA engine as a matrix product whose left side is gathered
// from the input pictures while it is computed. One block computes one tile (conv_tiles.h), or one
// part of its sums: steps of taps x channels are copied to shared memory ahead of the step that is
// multiplied; then bias, residual and ReLU are applied, and whole pieces of pixels written.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "conv_tiles.h"
#include "gpu_primitives.cuh"
#include "kernel_launches.h"
#include "tensor_core.cuh"

namespace w2l {
namespace conv {

constexpr unsigned kNoPixel = 0xffffffffu;
// A row's taps that are outside of the picture, as bits: from here on those across.
constexpr int kAcrossBits = 16;
// No tap that a thread asks for, also behind the last one, must be noted as one across.
constexpr int kMostTaps = kAcrossBits - kStepPieces;

// The pixel that a row of the tile sees at the first tap, in both inputs, as pieces from the start
// of each (modulo 2^32, if it is outside), and which taps are outside.
struct InputRow {
  unsigned first, second, outside;
};
// Pieces from the start of the output, and of what the residual adds.
struct OutputRow {
  unsigned output, residual;
};

// Sizes of everything, in numbers if not said otherwise. Rows in shared memory are longer than
// their contents, so that eight threads that read below each other do not meet in a bank.
template <Number number, int kind>
struct Shape {
  using Stored = typename Storage<number>::Type;
  static constexpr ConvTile kTile = conv_tile(kind);
  // Steps in shared memory: small tiles leave room for more.
  static constexpr int kStages = kind == kSmallTile ? 4 : 3;
  static constexpr int kWarps = kTile.threads / 32;
  static constexpr int kWarpColumns = kTile.warp_columns;
  static constexpr int kWarpsAcross = kTile.columns / kWarpColumns;
  static constexpr int kWarpRows = kTile.rows / (kWarps / kWarpsAcross);

  static constexpr int kPiece = piece_channels(number);
  static constexpr int kStep = step_channels(number);
  static constexpr int kLeftStride = kStep + kPiece;
  static constexpr int kRightStride = kTile.columns + 8;
  static constexpr int kLeftSize = kTile.rows * kLeftStride;
  static constexpr int kStageSize = kLeftSize + kStep * kRightStride;
  static constexpr int kSumStride = kTile.columns + 8;

  // Which thread copies what: each has one of the pieces of a step. On the left side neighbours
  // have neighbouring pieces of a pixel; on the right, neighbouring columns.
  static constexpr int kCopiers = kTile.threads / kStepPieces;
  static constexpr int kLeftCopies = kTile.rows / kCopiers;
  static constexpr int kRightPieces = kTile.columns / kPiece;  // of a row of weights
  static constexpr int kRightCopies = kTile.columns / kCopiers;
  static constexpr int kRightRowStep = kCopiers / kRightPieces;
  static_assert(kTile.rows % kCopiers == 0 && kTile.columns % kCopiers == 0);
  static_assert(kCopiers % kRightPieces == 0);

  // Shared memory in bytes: what is known of the tile's rows, a flag, then stages or sums.
  static constexpr int kRowBytes =
      kTile.rows * static_cast<int>(sizeof(InputRow) + sizeof(OutputRow));
  static constexpr int kFlagBytes = 128;
  static constexpr int kStageBytes = kStages * kStageSize * static_cast<int>(sizeof(Stored));
  static constexpr int kSumBytes = kTile.rows * kSumStride * static_cast<int>(sizeof(float));
  static constexpr int kBytes =
      kRowBytes + kFlagBytes + (kStageBytes > kSumBytes ? kStageBytes : kSumBytes);
};

// A warp's part of the tile's sums: on tensor cores, or below by plain arithmetic in fp32.
template <Number number, int kind>
class WarpSums {
  using S = Shape<number, kind>;
  using Core = TensorCore<number>;
  using Stored = typename S::Stored;
  static constexpr int kDown = S::kWarpRows / 16, kAcross = S::kWarpColumns / 16;

 public:
  static constexpr int kCount = kDown * kAcross * Core::kElements;  // of a thread

  W2L_DEVICE void clear() {
    W2L_UNROLL
    for (int i = 0; i < kCount; ++i) (*this)[i] = 0.0f;
  }

  // No number i of any thread is in a row of the warp above this one.
  W2L_DEVICE static constexpr int least_row(int i) { return i / (kAcross * Core::kElements) * 16; }

  // The numbers of this thread, in any order.
  W2L_DEVICE float &operator[](int i) {
    constexpr int kOfRow = kAcross * Core::kElements;
    return sums_[i / kOfRow][i / Core::kElements % kAcross].x[i % Core::kElements];
  }

  // One step; `left` and `right` start at the warp's rows and columns.
  W2L_DEVICE void add_products(const Stored *left, const Stored *right) {
    W2L_UNROLL
    for (int k = 0; k < S::kStep; k += Core::kDepth) {
      typename Core::Right rights[kAcross];
      W2L_UNROLL
      for (int j = 0; j < kAcross; ++j)
        Core::load(rights[j], right + k * S::kRightStride + j * 16, S::kRightStride);
      W2L_UNROLL
      for (int i = 0; i < kDown; ++i) {
        typename Core::Left row;
        Core::load(row, left + i * 16 * S::kLeftStride + k, S::kLeftStride);
        W2L_UNROLL
        for (int j = 0; j < kAcross; ++j) Core::add_product(sums_[i][j], row, rights[j]);
      }
    }
  }

  W2L_DEVICE void store(float *to) const {
    W2L_UNROLL
    for (int i = 0; i < kSlabs; ++i)
      store_slab(i, to + i * kSlabRows * S::kSumStride, S::kSumStride);
  }

  // The rows from slab * kSlabRows on, `step` numbers from row to row.
  static constexpr int kSlabRows = 16, kSlabs = kDown;
  W2L_DEVICE void store_slab(int slab, float *to, int step) const {
    W2L_UNROLL
    for (int j = 0; j < kAcross; ++j) Core::store(to + j * 16, sums_[slab][j], step);
  }

 private:
  typename Core::Sums sums_[kDown][kAcross];
};

// A thread has every eighth row, and two times four columns.
template <int kind>
class WarpSums<Number::Fp32, kind> {
  using S = Shape<Number::Fp32, kind>;
  static constexpr int kRows = S::kWarpRows / 8, kColumns = S::kWarpColumns / 4;

 public:
  static constexpr int kCount = kRows * kColumns;

  W2L_DEVICE void clear() {
    W2L_UNROLL
    for (int i = 0; i < kCount; ++i) (*this)[i] = 0.0f;
  }

  W2L_DEVICE static constexpr int least_row(int i) { return i / kColumns * 8; }

  W2L_DEVICE float &operator[](int i) { return sums_[i / kColumns][i % kColumns]; }

  W2L_DEVICE void add_products(const float *left, const float *right) {
    left += first_row() * S::kLeftStride;
    right += first_column();
    W2L_UNROLL
    for (int k = 0; k < S::kStep; k += 4) {
      float4 rows[kRows];
      W2L_UNROLL
      for (int i = 0; i < kRows; ++i)
        rows[i] = *reinterpret_cast<const float4 *>(left + i * 8 * S::kLeftStride + k);
      W2L_UNROLL
      for (int depth = 0; depth < 4; ++depth) {
        float columns[kColumns];
        W2L_UNROLL
        for (int j = 0; j < kColumns; j += 4) {
          const float4 four =
              *reinterpret_cast<const float4 *>(right + (k + depth) * S::kRightStride + j * 4);
          columns[j] = four.x;
          columns[j + 1] = four.y;
          columns[j + 2] = four.z;
          columns[j + 3] = four.w;
        }
        W2L_UNROLL
        for (int i = 0; i < kRows; ++i) {
          const float row = depth == 0   ? rows[i].x
                            : depth == 1 ? rows[i].y
                            : depth == 2 ? rows[i].z
                                         : rows[i].w;
          W2L_UNROLL
          for (int j = 0; j < kColumns; ++j) sums_[i][j] += row * columns[j];
        }
      }
    }
  }

  W2L_DEVICE void store(float *to) const {
    to += first_row() * S::kSumStride + first_column();
    W2L_UNROLL
    for (int i = 0; i < kRows; ++i) {
      W2L_UNROLL
      for (int j = 0; j < kColumns; j += 4)
        *reinterpret_cast<float4 *>(to + i * 8 * S::kSumStride + j * 4) =
            make_float4(sums_[i][j], sums_[i][j + 1], sums_[i][j + 2], sums_[i][j + 3]);
    }
  }

 private:
  W2L_DEVICE static int first_row() { return static_cast<int>(threadIdx.x) % 32 / 4; }
  W2L_DEVICE static int first_column() { return static_cast<int>(threadIdx.x) % 4 * 4; }

  float sums_[kRows][kColumns];
};

// Where in taps x channels a thread's piece of the next step is.
struct TapCursor {
  int channel, tap_x, tap_y;

  W2L_DEVICE TapCursor(int term, int channels, int taps_x) {
    const int tap = term / channels;
    channel = term % channels;
    tap_x = tap % taps_x;
    tap_y = tap / taps_x;
  }

  W2L_DEVICE void advance(int terms, int channels, int taps_x) {
    channel += terms;
    while (channel >= channels) {
      channel -= channels;
      if (++tap_x == taps_x) {
        tap_x = 0;
        ++tap_y;
      }
    }
  }
};

// The same as numbers and back, sixteen bytes at once.
template <Number number>
W2L_DEVICE void unpack(const uint4 &piece, float *numbers) {
  const unsigned words[4] = {piece.x, piece.y, piece.z, piece.w};
  W2L_UNROLL
  for (int i = 0; i < 4; ++i) {
    if constexpr (size_of(number) == 4) {
      numbers[i] = float_of_bits(words[i]);
    } else {
      numbers[2 * i] = Storage<number>::load(static_cast<std::uint16_t>(words[i]));
      numbers[2 * i + 1] = Storage<number>::load(static_cast<std::uint16_t>(words[i] >> 16));
    }
  }
}

template <Number number>
W2L_DEVICE uint4 pack(const float *numbers) {
  unsigned words[4];
  W2L_UNROLL
  for (int i = 0; i < 4; ++i) {
    if constexpr (size_of(number) == 4) {
      words[i] = float_bits(numbers[i]);
    } else {
      words[i] = Storage<number>::store(numbers[2 * i]) |
                 static_cast<unsigned>(Storage<number>::store(numbers[2 * i + 1])) << 16;
    }
  }
  return make_uint4(words[0], words[1], words[2], words[3]);
}

// Of a pixel.
template <Number number>
W2L_DEVICE unsigned pieces(const ConvPictures &pictures) {
  return static_cast<unsigned>(pictures.channels) / piece_channels(number);
}

// In pieces from the start of the pictures, so that 32 bits reach through 64 GiB.
template <Number number>
W2L_DEVICE unsigned image_start(const ConvPictures &pictures, int image) {
  const int index = pictures.image_index ? gpu::read(pictures.image_index + image) : image;
  return static_cast<unsigned>(index * pictures.image_size / piece_channels(number));
}

// Bias, residual and ReLU for eight channels of a pixel from `channel` on, which are written.
template <Number number>
W2L_DEVICE void finish_eight(const ConvArgs &args, const OutputRow &places, const float *sums,
                             int channel) {
  constexpr int kPiece = piece_channels(number), kPieces = kChannelStep / kPiece;
  float numbers[kChannelStep];
  W2L_UNROLL
  for (int i = 0; i < kChannelStep; i += 4) {
    const float4 sum = *reinterpret_cast<const float4 *>(sums + i);
    const float4 bias = gpu::read(reinterpret_cast<const float4 *>(args.bias + channel + i));
    numbers[i] = sum.x + bias.x;
    numbers[i + 1] = sum.y + bias.y;
    numbers[i + 2] = sum.z + bias.z;
    numbers[i + 3] = sum.w + bias.w;
  }
  const unsigned offset = static_cast<unsigned>(channel / kPiece);
  if (args.residual) {
    const auto *input = static_cast<const uint4 *>(args.inputs[0].data);
    float added[kChannelStep];
    W2L_UNROLL
    for (int i = 0; i < kPieces; ++i)
      unpack<number>(gpu::read(input + (places.residual + offset + i)), added + i * kPiece);
    W2L_UNROLL
    for (int i = 0; i < kChannelStep; ++i) numbers[i] += added[i];
  }
  if (args.relu) {
    W2L_UNROLL
    for (int i = 0; i < kChannelStep; ++i) numbers[i] = relu(numbers[i]);
  }
  auto *output = static_cast<uint4 *>(args.output.data);
  W2L_UNROLL
  for (int i = 0; i < kPieces; ++i)
    gpu::write(output + (places.output + offset + i), pack<number>(numbers + i * kPiece));
}

template <Number number, int kind>
class Block {
  using S = Shape<number, kind>;
  using Stored = typename S::Stored;
  static_assert(S::kTile.rows <= S::kTile.threads);

 public:
  W2L_DEVICE Block(const ConvArgs &args, unsigned char *shared)
      : args_(args),
        thread_(static_cast<int>(threadIdx.x)),
        rows_(reinterpret_cast<InputRow *>(shared)),
        outputs_(reinterpret_cast<OutputRow *>(rows_ + S::kTile.rows)),
        flag_(reinterpret_cast<unsigned *>(shared + S::kRowBytes)),
        stages_(reinterpret_cast<Stored *>(shared + S::kRowBytes + S::kFlagBytes)),
        tile_(reinterpret_cast<float *>(stages_)) {
    const int across = divide_up(args.output.channels, S::kTile.columns);
    const int tile = static_cast<int>(blockIdx.x), depth = static_cast<int>(blockIdx.z);
    first_row_ = tile / across * S::kTile.rows;
    first_column_ = tile % across * S::kTile.columns;
    part_ = depth % args.splits;
    // The phases with most taps first, so that the last blocks to start are the short ones.
    const int phases = conv_phases(args);
    phase_number_ = phases - 1 - depth / args.splits;
    phase_ = conv_phase(args, phase_number_);
    channels_ = conv_input_channels(args);
  }

  W2L_DEVICE void run() {
    if (first_row_ >= phase_pixels(args_, phase_)) return;
    if (thread_ < S::kTile.rows) find_row(thread_);
    __syncthreads();
    sums_.clear();
    multiply();
    if (args_.splits > 1 && !add_up_parts()) return;
    sums_.store(tile_ + warp_row() * S::kSumStride + warp_column());
    __syncthreads();
    finish();
  }

 private:
  W2L_DEVICE int warp_row() const { return thread_ / 32 / S::kWarpsAcross * S::kWarpRows; }
  W2L_DEVICE int warp_column() const { return thread_ / 32 % S::kWarpsAcross * S::kWarpColumns; }

  // The taps along an axis at which a pixel is outside of the picture, as bits; those behind the
  // last one, too.
  W2L_DEVICE static unsigned taps_outside(int first, int taps, int size) {
    unsigned bits = (1u << kAcrossBits) - 1;
    for (int tap = 0; tap < taps; ++tap)
      bits ^= static_cast<unsigned>(first + tap >= 0 && first + tap < size) << tap;
    return bits;
  }

  W2L_DEVICE void find_row(int row) {
    const int pixel = first_row_ + row;
    if (pixel >= phase_pixels(args_, phase_)) {
      rows_[row] = {0, 0, ~0u};
      outputs_[row] = {kNoPixel, 0};
      return;
    }
    const PhaseAxis &down = phase_.vertical, &across = phase_.horizontal;
    const int image = pixel / (down.count * across.count);
    const int y = pixel / across.count % down.count + down.first, x = pixel % across.count;
    const unsigned first = image_start<number>(args_.inputs[0], image);
    const unsigned second =
        args_.inputs[1].channels ? image_start<number>(args_.inputs[1], image) : 0;

    const int input_y = y * down.stride - down.padding,
              input_x = x * across.stride - across.padding;
    const auto seen = static_cast<unsigned>(input_y * args_.input_width + input_x);
    rows_[row] = {first + seen * pieces<number>(args_.inputs[0]),
                  second + seen * pieces<number>(args_.inputs[1]),
                  taps_outside(input_y, down.taps.count, args_.input_height) |
                      taps_outside(input_x, across.taps.count, args_.input_width) << kAcrossBits};

    const auto written = static_cast<unsigned>((y * down.spread + down.odd) * args_.output_width +
                                               x * across.spread + across.odd);
    const unsigned offset = written * pieces<number>(args_.output);
    outputs_[row] = {image_start<number>(args_.output, image) + offset, first + offset};
  }

  // What a thread copies of each step.
  struct Copier {
    TapCursor left, right;
    InputRow rows[S::kLeftCopies];
    int left_place, right_place;  // in a stage
    int step;                     // the next one
  };

  W2L_DEVICE void multiply() {
    const int steps = phase_steps(args_, phase_);
    const int first_step = steps * part_ / args_.splits;
    const int last_step = steps * (part_ + 1) / args_.splits;

    const int left_piece = thread_ % kStepPieces, left_row = thread_ / kStepPieces;
    const int right_piece = thread_ / S::kCopiers;
    const int taps_x = phase_.horizontal.taps.count;
    Copier copier{
        TapCursor(first_step * S::kStep + left_piece * S::kPiece, channels_, taps_x),
        TapCursor(first_step * S::kStep + right_piece * S::kPiece, channels_, taps_x),
        {},
        left_row * S::kLeftStride + left_piece * S::kPiece,
        S::kLeftSize + (right_piece * S::kPiece + right_row()) * S::kRightStride + right_column(),
        first_step};
    W2L_UNROLL
    for (int i = 0; i < S::kLeftCopies; ++i) copier.rows[i] = rows_[left_row + i * S::kCopiers];

    W2L_UNROLL
    for (int stage = 0; stage < S::kStages - 1; ++stage) copy_step(copier, last_step, stage);
    int stage = 0;
    for (int step = first_step; step < last_step; ++step) {
      gpu::wait_for_copies<S::kStages - 2>();
      __syncthreads();  // what all have copied is there; all are done with the step before
      copy_step(copier, last_step, stage == 0 ? S::kStages - 1 : stage - 1);
      gpu::join_warp();
      const Stored *start = stages_ + stage * S::kStageSize;
      sums_.add_products(start + warp_row() * S::kLeftStride, start + S::kLeftSize + warp_column());
      if (++stage == S::kStages) stage = 0;
    }
    gpu::wait_for_copies<0>();
    __syncthreads();  // the stages' memory is free
  }

  // Of a thread's piece of the weights: the first of its rows, and its column.
  W2L_DEVICE int right_row() const { return thread_ % S::kCopiers / S::kRightPieces; }
  W2L_DEVICE int right_column() const {
    return thread_ % S::kCopiers % S::kRightPieces * S::kPiece;
  }

  W2L_DEVICE void copy_step(Copier &copier, int last_step, int stage) {
    if (copier.step < last_step) {
      Stored *to = stages_ + stage * S::kStageSize;
      copy_left(copier, to + copier.left_place);
      copy_right(copier.right, to + copier.right_place);
      const int taps_x = phase_.horizontal.taps.count;
      copier.left.advance(S::kStep, channels_, taps_x);
      copier.right.advance(S::kStep, channels_, taps_x);
      ++copier.step;
    }
    gpu::end_copy_group();  // also an empty one, for the count
  }

  W2L_DEVICE void copy_left(const Copier &copier, Stored *to) {
    const TapCursor &cursor = copier.left;
    const int first_channels = args_.inputs[0].channels;
    const bool second = cursor.channel >= first_channels;
    const auto *data =
        static_cast<const uint4 *>(second ? args_.inputs[1].data : args_.inputs[0].data);
    const auto channel = static_cast<unsigned>(cursor.channel - (second ? first_channels : 0));
    const auto tap = static_cast<unsigned>(cursor.tap_y * args_.input_width + cursor.tap_x);
    const unsigned offset =
        tap * (second ? pieces<number>(args_.inputs[1]) : pieces<number>(args_.inputs[0])) +
        channel / S::kPiece;
    const unsigned here = 1u << cursor.tap_y | 1u << (kAcrossBits + cursor.tap_x);
    W2L_UNROLL
    for (int i = 0; i < S::kLeftCopies; ++i) {
      const InputRow &row = copier.rows[i];
      gpu::copy_async_cached(to + i * S::kCopiers * S::kLeftStride,
                             data + ((second ? row.second : row.first) + offset),
                             (row.outside & here) == 0);
    }
  }

  W2L_DEVICE void copy_right(const TapCursor &cursor, Stored *to) {
    const AxisTaps &down = phase_.vertical.taps, &across = phase_.horizontal.taps;
    const int element = (down.first + cursor.tap_y * down.step) * args_.kernel_width +
                        across.first + cursor.tap_x * across.step;
    const int column = first_column_ + right_column();
    const bool inside = cursor.tap_y < down.count && column < args_.output.channels;
    const auto row = static_cast<unsigned>(element * channels_ + cursor.channel + right_row());
    const auto *weights = static_cast<const Stored *>(args_.weights) + column;
    W2L_UNROLL
    for (int i = 0; i < S::kRightCopies; ++i) {
      const unsigned below = static_cast<unsigned>(i * S::kRightRowStep);
      gpu::copy_async(to + i * S::kRightRowStep * S::kRightStride,
                      weights + (row + below) * static_cast<unsigned>(args_.output.channels),
                      inside);
    }
  }

  // Leaves this part's sums to the block that comes last to the tile, which adds up all parts in
  // their order, whatever order they came in. False for the others.
  W2L_DEVICE bool add_up_parts() {
    constexpr int kCount = decltype(sums_)::kCount;
    constexpr int kTileSize = S::kTile.rows * S::kTile.columns;
    static_assert(kTileSize == S::kTile.threads * kCount);
    // As many parts at once as registers hold.
    constexpr int kTogether = kCount <= 32 ? 2 : 1;
    const std::size_t tiles = std::size_t{gridDim.x} * conv_phases(args_);
    const std::size_t tile = std::size_t{gridDim.x} * phase_number_ + blockIdx.x;
    float *parts = args_.partial_sums + tile * kTileSize + thread_;
    const std::size_t part_step = tiles * kTileSize;

    // Rows behind the last pixel are left out.
    const int rows = phase_pixels(args_, phase_) - first_row_ - warp_row();
    W2L_UNROLL
    for (int i = 0; i < kCount; ++i)
      if (decltype(sums_)::least_row(i) < rows)
        gpu::write(parts + part_ * part_step + i * S::kTile.threads, sums_[i]);
    __threadfence();
    __syncthreads();
    if (thread_ == 0) {
      __threadfence();  // of what the others have written, as the memory model wants it
      *flag_ = atomicAdd(args_.counters + tile, 1u);
    }
    __syncthreads();
    if (*flag_ != static_cast<unsigned>(args_.splits - 1)) return false;
    if (thread_ == 0) gpu::write(args_.counters + tile, std::uint32_t{0});
    __threadfence();
    sums_.clear();
    for (int part = 0; part < args_.splits; part += kTogether) {
      float numbers[kTogether][kCount];  // all asked for before the first is needed
      W2L_UNROLL
      for (int next = 0; next < kTogether; ++next) {
        W2L_UNROLL
        for (int i = 0; i < kCount; ++i) {
          const bool is = part + next < args_.splits && decltype(sums_)::least_row(i) < rows;
          numbers[next][i] =
              is ? gpu::read_written(parts + next * part_step + i * S::kTile.threads) : 0.0f;
        }
      }
      W2L_UNROLL
      for (int next = 0; next < kTogether; ++next) {
        W2L_UNROLL
        for (int i = 0; i < kCount; ++i) sums_[i] += numbers[next][i];
      }
      parts += kTogether * part_step;
    }
    return true;
  }

  W2L_DEVICE void finish() {
    constexpr int kEights = S::kTile.columns / kChannelStep;
    constexpr int kRounds = S::kTile.rows * kEights / S::kTile.threads;
    W2L_UNROLL
    for (int i = 0; i < kRounds; ++i) {
      const int item = thread_ + i * S::kTile.threads;
      const int row = item / kEights, column = item % kEights * kChannelStep;
      if (outputs_[row].output != kNoPixel && first_column_ + column < args_.output.channels)
        finish_eight<number>(args_, outputs_[row], tile_ + row * S::kSumStride + column,
                             first_column_ + column);
    }
  }

  const ConvArgs &args_;
  const int thread_;
  InputRow *const rows_;
  OutputRow *const outputs_;
  unsigned *const flag_;
  Stored *const stages_;
  float *const tile_;
  int first_row_, first_column_, part_, phase_number_, channels_;
  ConvPhase phase_;
  WarpSums<number, kind> sums_;
};

template <Number number, int kind>
__global__ void __launch_bounds__(conv_tile(kind).threads, 2) convolve(const ConvArgs args) {
  W2L_SHARED_MEMORY(shared);
  Block<number, kind>(args, shared).run();
}

}  // namespace conv
}  // namespace w2l
