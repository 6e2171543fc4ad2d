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

// Four matrices of 8 x 8 16-bit numbers from shared memory: lane 8 * i + j points to row j of
// matrix i, sixteen bytes, and gets two neighbours of row lane / 4 of each, those at lane % 4 * 2;
// or of column lane / 4, if transposed.
W2L_DEVICE void load_matrices(unsigned (&words)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(row)))
               : "memory");
}
W2L_DEVICE void load_matrices_transposed(unsigned (&words)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(row)))
               : "memory");
}

// sums += left * right by a warp: 16 x 16 times 16 x 8, in tf32 16 x 8 times 8 x 8, distributed as
// PTX's mma.sync wants it.
template <Number number>
W2L_DEVICE void multiply_add(float *sums, const unsigned *left, const unsigned *right) {
#define W2L_MULTIPLY_ADD(kind)                                                                    \
  asm volatile(                                                                                   \
      "mma.sync.aligned." kind " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])                                \
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]))
  if constexpr (number == Number::Fp16)
    W2L_MULTIPLY_ADD("m16n8k16.row.col.f32.f16.f16.f32");
  else if constexpr (number == Number::Bf16)
    W2L_MULTIPLY_ADD("m16n8k16.row.col.f32.bf16.bf16.f32");
  else
    W2L_MULTIPLY_ADD("m16n8k8.row.col.f32.tf32.tf32.f32");
#undef W2L_MULTIPLY_ADD
}

// As w2l::round_to_tf32().
W2L_DEVICE unsigned rounded_to_tf32(float value) {
  unsigned bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

// Loads a kernel that may not have been launched yet.
template <typename Args>
cudaError_t load(void (*kernel)(Args)) {
  cudaFuncAttributes unused;
  return cudaFuncGetAttributes(&unused, reinterpret_cast<const void *>(kernel));
}

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
