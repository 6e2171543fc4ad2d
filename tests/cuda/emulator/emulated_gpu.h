// gst-wav2lip tests: what gpu_primitives.cuh and the CUDA language offer to kernels, on the CPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstring>
#include <stdexcept>

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

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline uint2 make_uint2(unsigned x, unsigned y) {
  return {x, y};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
  return {x, y, z, w};
}
inline int4 make_int4(int x, int y, int z, int w) {
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

inline void join_warp() {}

// Each thread of a warp computes eight neighbours of a row of the sums, and loads what it needs
// for them.
template <Number number>
struct TensorCore {
  static constexpr int kDepth = number == Number::Tf32 ? 8 : 16;
  static constexpr int kElements = 8;
  using Stored = typename Storage<number>::Type;

  struct Left {
    float x[kDepth];
  };
  struct Right {
    float x[kDepth][kElements];
  };
  struct Sums {
    float x[kElements];
  };

  static void load(Left &left, const Stored *from, int step) {
    check(from, step * sizeof(Stored), 16 * sizeof(Stored));
    for (int k = 0; k < kDepth; ++k) left.x[k] = factor(from[row() * step + k]);
  }
  static void load(Right &right, const Stored *from, int step) {
    check(from, step * sizeof(Stored), 16 * sizeof(Stored));
    for (int k = 0; k < kDepth; ++k)
      for (int i = 0; i < kElements; ++i) right.x[k][i] = factor(from[k * step + column() + i]);
  }
  static void add_product(Sums &sums, const Left &left, const Right &right) {
    for (int k = 0; k < kDepth; ++k)
      for (int i = 0; i < kElements; ++i) sums.x[i] += left.x[k] * right.x[k][i];
  }
  static void store(float *to, const Sums &sums, int step) {
    check(to, step * sizeof(float), 16 * sizeof(float));
    std::memcpy(to + row() * step + column(), sums.x, sizeof(sums.x));
  }

 private:
  static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  static int row() { return lane() / 2; }
  static int column() { return lane() % 2 * kElements; }
  static float factor(Stored stored) {
    const float value = Storage<number>::load(stored);
    return number == Number::Tf32 ? round_to_tf32(value) : value;
  }
  // As the hardware asks for.
  static void check(const void *matrix, std::size_t row_bytes, std::size_t bytes) {
    emulator::Gpu::current().block().check_shared(matrix, bytes, 16);
    if (row_bytes % 16) throw std::runtime_error("shared memory: rows not aligned to 16 bytes");
  }
};

template <typename Args>
cudaError_t launch(void (*kernel)(Args), dim3 blocks, int threads, std::size_t shared, cudaStream_t,
                   const Args &args) {
  emulator::Gpu::current().run([=] { kernel(args); }, blocks, threads, shared);
  return cudaSuccess;
}

}  // namespace w2l::gpu
