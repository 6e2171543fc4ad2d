// gst-wav2lip tests: what gpu_primitives.cuh and the CUDA language offer to kernels, on the CPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstring>

#include "emulator.h"
#include "half_numbers.h"

#define __global__
#define __device__
#define __launch_bounds__(...)
#define W2L_DEVICE inline
#define W2L_SHARED_MEMORY(name) \
  unsigned char *const name = ::w2l::emulator::Gpu::current().block().shared()

#define __syncthreads() ::w2l::emulator::Gpu::current().block().barrier(__FILE__, __LINE__)
#define threadIdx (::w2l::emulator::thread_index())
#define blockIdx (::w2l::emulator::Gpu::current().block().index())
#define gridDim (::w2l::emulator::Gpu::current().block().grid())
#define blockDim (dim3(static_cast<unsigned>(::w2l::emulator::Gpu::current().block().threads())))

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float2 make_float2(float x, float y) {
  return {x, y};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
  return {x, y, z, w};
}
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}

namespace w2l::emulator {

inline dim3 thread_index() {
  return dim3(static_cast<unsigned>(Gpu::current().block().thread()));
}

}  // namespace w2l::emulator

// Blocks run one after the other.
inline void __threadfence() {}
inline std::uint32_t atomicAdd(std::uint32_t *counter, std::uint32_t value) {
  w2l::emulator::Gpu::current().check_global(counter, sizeof(*counter), true);
  const std::uint32_t before = *counter;
  *counter += value;
  return before;
}

namespace w2l::gpu {

template <typename T>
T read(const T *from) {
  emulator::Gpu::current().check_global(from, sizeof(T), false);
  return *from;
}
template <typename T>
void write(T *to, const T &value) {
  emulator::Gpu::current().check_global(to, sizeof(T), true);
  *to = value;
}
inline float read_written(const float *from) {
  return read(from);
}

inline void copy_async(void *to, const void *from, bool real) {
  emulator::Gpu::current().block().copy_async(to, from, 16, real);
}
inline void copy_async_cached(void *to, const void *from, bool real) {
  copy_async(to, from, real);
}
inline void end_copy_group() {
  emulator::Gpu::current().block().end_copy_group();
}
template <int groups>
void wait_for_copies() {
  emulator::Gpu::current().block().wait_for_copies(groups);
}

inline void join_warp() {
  emulator::Gpu::current().block().exchange(nullptr, 0);
}

inline void load_matrices(unsigned (&words)[4], const void *row) {
  emulator::Gpu::current().block().load_matrices(words, row, false);
}
inline void load_matrices_transposed(unsigned (&words)[4], const void *row) {
  emulator::Gpu::current().block().load_matrices(words, row, true);
}

inline unsigned rounded_to_tf32(float value) {
  return float_bits(round_to_tf32(value));
}

// As PTX describes the layouts of mma.sync: where in the warp a factor is.
template <Number number>
void multiply_add(float *sums, const unsigned *left, const unsigned *right) {
  constexpr bool kShort = number != Number::Tf32;
  constexpr int kDepth = kShort ? 16 : 8;
  constexpr int kOfLane = kShort ? 2 : 1;  // neighbours along the depth
  struct Factors {
    unsigned left[4], right[2];
  };
  Factors own;
  std::memcpy(own.left, left, sizeof(own.left));
  std::memcpy(own.right, right, sizeof(own.right));
  emulator::Block &block = emulator::Gpu::current().block();
  const auto *warp = static_cast<const Factors *>(block.exchange(&own, sizeof(own)));
  const auto value = [](unsigned word, int depth) {
    if constexpr (kShort)
      return Storage<number>::load(static_cast<std::uint16_t>(word >> depth % 2 * 16));
    else
      return float_of_bits(word & 0xffffe000u);  // what the hardware looks at
  };
  const int lane = block.thread() % 32;
  for (int depth = 0; depth < kDepth; ++depth) {
    const int of_four = depth / kOfLane % 4, half = depth / kOfLane / 4;
    float column[2];
    for (int i = 0; i < 2; ++i)
      column[i] = value(warp[(lane % 4 * 2 + i) * 4 + of_four].right[half], depth);
    for (int lower = 0; lower < 2; ++lower) {
      const float row = value(warp[lane / 4 * 4 + of_four].left[lower + 2 * half], depth);
      for (int i = 0; i < 2; ++i) sums[lower * 2 + i] += row * column[i];
    }
  }
}

template <typename Args>
cudaError_t load(void (*)(Args)) {
  return cudaSuccess;
}

template <typename Args>
cudaError_t launch(void (*kernel)(Args), dim3 blocks, int threads, std::size_t shared, cudaStream_t,
                   const Args &args) {
  emulator::Gpu::current().run([=] { kernel(args); }, blocks, threads, shared);
  return cudaSuccess;
}

}  // namespace w2l::gpu
