// gst-wav2lip: products of matrices by a warp on tensor cores, in the layouts of PTX's ldmatrix and
// mma.sync, which unlike nvcuda::wmma leave addresses to the instructions and load tf32 as widely
// as the others.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "conv_tiles.h"
#include "gpu_primitives.cuh"

namespace w2l {

// 16 x kDepth times kDepth x 16 numbers. Matrices lie in shared memory row after row, `step`
// numbers from row to row.
template <Number number>
struct TensorCore {
  static constexpr int kDepth = number == Number::Tf32 ? 8 : 16;
  using Stored = typename Storage<number>::Type;

  struct Left {
    unsigned x[4];
  };
  struct Right {
    unsigned x[4];  // two for each eight columns
  };
  static constexpr int kElements = 8;
  struct Sums {
    float x[kElements];  // four for each eight columns
  };

  W2L_DEVICE static void load(Left &left, const Stored *from, int step) {
    gpu::load_matrices(left.x, row_of_lane(from, step));
    round(left.x);
  }

  W2L_DEVICE static void load(Right &right, const Stored *from, int step) {
    if constexpr (number == Number::Tf32) {
      // Nothing transposes 32-bit numbers.
      from += lane() % 4 * step + lane() / 4;
      W2L_UNROLL
      for (int i = 0; i < 4; ++i) right.x[i] = float_bits(from[i % 2 * 4 * step + i / 2 * 8]);
    } else {
      gpu::load_matrices_transposed(right.x, row_of_lane(from, step));
    }
    round(right.x);
  }

  W2L_DEVICE static void add_product(Sums &sums, const Left &left, const Right &right) {
    gpu::multiply_add<number>(sums.x, left.x, right.x);
    gpu::multiply_add<number>(sums.x + 4, left.x, right.x + 2);
  }

  W2L_DEVICE static void store(float *to, const Sums &sums, int step) {
    to += lane() / 4 * step + lane() % 4 * 2;
    W2L_UNROLL
    for (int i = 0; i < 4; ++i)  // upper and lower half, left ones first
      *reinterpret_cast<float2 *>(to + i % 2 * 8 * step + i / 2 * 8) =
          make_float2(sums.x[2 * i], sums.x[2 * i + 1]);
  }

 private:
  W2L_DEVICE static int lane() { return static_cast<int>(threadIdx.x) % 32; }

  // All sixteen rows' first sixteen bytes, then their second ones.
  W2L_DEVICE static const Stored *row_of_lane(const Stored *from, int step) {
    return from + lane() % 16 * step + lane() / 16 * piece_channels(number);
  }

  W2L_DEVICE static void round(unsigned (&numbers)[4]) {
    if constexpr (number == Number::Tf32) {
      W2L_UNROLL
      for (unsigned &bits : numbers) bits = gpu::rounded_to_tf32(float_of_bits(bits));
    }
  }
};

}  // namespace w2l
