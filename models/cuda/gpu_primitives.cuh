// gst-wav2lip: what kernels use of a GPU beyond plain C++, behind names of our own, so that tests
// can run their source on the CPU: there emulated_gpu.h takes the place of CUDA.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "half_numbers.h"

#ifndef __CUDACC__
#include "emulated_gpu.h"
#define W2L_UNROLL
#else

#include <cuda_runtime_api.h>

#define W2L_UNROLL _Pragma("unroll")
#define W2L_DEVICE __device__ __forceinline__

// The dynamic shared memory of a block.
#define W2L_SHARED_MEMORY(name) extern __shared__ __align__(128) unsigned char name[]

namespace w2l::gpu {

// Reads and writes of global memory, as wide as T, which must be aligned to its size.
template <typename T>
W2L_DEVICE T read(const T *from) {
  return *from;
}
template <typename T>
W2L_DEVICE void write(T *to, const T &value) {
  *to = value;
}
// What other blocks have written in this launch.
W2L_DEVICE float read_written(const float *from) {
  return __ldcg(from);
}

// Copies 16 bytes from global to shared memory, or zeros if not `real`, without waiting. Copies
// are waited for in groups: wait_for_copies<n>() leaves the newest n groups under way. Only after a
// barrier do other threads see them. `from` may be anywhere where it is not real.
W2L_DEVICE void copy_async(void *to, const void *from, bool real) {
  const auto shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(from),
               "r"(real ? 16 : 0)
               : "memory");
}
// The same for what this multiprocessor will read again soon.
W2L_DEVICE void copy_async_cached(void *to, const void *from, bool real) {
  const auto shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(from),
               "r"(real ? 16 : 0)
               : "memory");
}
W2L_DEVICE void end_copy_group() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int groups>
W2L_DEVICE void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(groups) : "memory");
}

// Threads of a warp whose ways have parted go on together.
W2L_DEVICE void join_warp() {
  __syncwarp();
}

// Products of 16 x kDepth and kDepth x 16 numbers by a warp on tensor cores, in the layouts of
// PTX's ldmatrix and mma.sync, which unlike nvcuda::wmma leave addresses to the instructions and
// load tf32 as widely as the others. Matrices lie in shared memory row after row, `step` numbers
// from row to row.
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
    // Each lane points to sixteen bytes of a row: first all sixteen rows' first ones.
    const unsigned row = shared_address(from + lane() % 16 * step + lane() / 16 * kOfSixteenBytes);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(left.x[0]), "=r"(left.x[1]), "=r"(left.x[2]), "=r"(left.x[3])
                 : "r"(row)
                 : "memory");
    round(left.x);
  }

  W2L_DEVICE static void load(Right &right, const Stored *from, int step) {
    if constexpr (number == Number::Tf32) {
      // Nothing transposes 32-bit numbers.
      const Stored *column = from + lane() % 4 * step + lane() / 4;
      W2L_UNROLL
      for (int i = 0; i < 4; ++i) right.x[i] = float_bits(column[i % 2 * 4 * step + i / 2 * 8]);
    } else {
      const unsigned row =
          shared_address(from + lane() % 16 * step + lane() / 16 * kOfSixteenBytes);
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                   : "=r"(right.x[0]), "=r"(right.x[1]), "=r"(right.x[2]), "=r"(right.x[3])
                   : "r"(row)
                   : "memory");
    }
    round(right.x);
  }

  W2L_DEVICE static void add_product(Sums &sums, const Left &left, const Right &right) {
    add_product(sums.x, left.x, right.x);
    add_product(sums.x + 4, left.x, right.x + 2);
  }

  W2L_DEVICE static void store(float *to, const Sums &sums, int step) {
    to += lane() / 4 * step + lane() % 4 * 2;
    W2L_UNROLL
    for (int i = 0; i < 4; ++i)  // upper and lower half, left ones first
      *reinterpret_cast<float2 *>(to + i % 2 * 8 * step + i / 2 * 8) =
          make_float2(sums.x[2 * i], sums.x[2 * i + 1]);
  }

 private:
  static constexpr int kOfSixteenBytes = 16 / static_cast<int>(sizeof(Stored));

  W2L_DEVICE static int lane() { return static_cast<int>(threadIdx.x) % 32; }

  W2L_DEVICE static unsigned shared_address(const void *address) {
    return static_cast<unsigned>(__cvta_generic_to_shared(address));
  }

  W2L_DEVICE static void round(unsigned (&numbers)[4]) {
    if constexpr (number == Number::Tf32) {
      W2L_UNROLL
      for (unsigned &bits : numbers)
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(float_of_bits(bits)));
    }
  }

  // Of eight columns.
  W2L_DEVICE static void add_product(float *sums, const unsigned *left, const unsigned *right) {
    if constexpr (number == Number::Fp16)
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
          "{%8, %9}, {%0, %1, %2, %3};"
          : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
          : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
    else if constexpr (number == Number::Bf16)
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, "
          "%7}, {%8, %9}, {%0, %1, %2, %3};"
          : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
          : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
    else
      asm volatile(
          "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
          "{%8, %9}, {%0, %1, %2, %3};"
          : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
          : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
  }
};

// Runs kernel(args) with `shared` bytes of dynamic shared memory a block.
template <typename Args>
cudaError_t launch(void (*kernel)(Args), dim3 blocks, int threads, std::size_t shared,
                   cudaStream_t stream, const Args &args) {
  constexpr std::size_t kWithoutAsking = 48 * 1024;
  if (shared > kWithoutAsking) {
    const cudaError_t error =
        cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
    if (error != cudaSuccess) return error;
  }
  void *arguments[] = {const_cast<Args *>(&args)};
  return cudaLaunchKernel(reinterpret_cast<const void *>(kernel), blocks, dim3(threads), arguments,
                          shared, stream);
}

}  // namespace w2l::gpu

#endif
