// gst-wav2lip: what kernels use of a GPU beyond plain C++, behind names of our own, so that tests
// can run their source on the CPU: there emulated_gpu.h takes the place of CUDA.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "half_numbers.h"

#ifndef __CUDACC__
#include "emulated_gpu.h"
#define W2L_UNROLL
#else

#include <mma.h>

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

// Products of 16 x kDepth and kDepth x 16 numbers by a warp on tensor cores. Matrices lie in shared
// memory row after row, `step` numbers from row to row.
template <Number number>
struct TensorCore {
  static constexpr int kDepth = number == Number::Tf32 ? 8 : 16;
  using Stored = typename Storage<number>::Type;

 private:
  template <Number, typename = void>
  struct Types;
  template <typename Unused>
  struct Types<Number::Fp16, Unused> {
    using Element = __half;
    using Memory = __half;
  };
  template <typename Unused>
  struct Types<Number::Bf16, Unused> {
    using Element = __nv_bfloat16;
    using Memory = __nv_bfloat16;
  };
  template <typename Unused>
  struct Types<Number::Tf32, Unused> {
    using Element = nvcuda::wmma::precision::tf32;
    using Memory = float;
  };
  using Element = typename Types<number>::Element;
  using Memory = typename Types<number>::Memory;

  template <typename Fragment>
  W2L_DEVICE static void load_any(Fragment &fragment, const Stored *from, int step) {
    nvcuda::wmma::load_matrix_sync(fragment, reinterpret_cast<const Memory *>(from), step);
    if constexpr (number == Number::Tf32) {
      W2L_UNROLL
      for (int i = 0; i < fragment.num_elements; ++i)
        fragment.x[i] = nvcuda::wmma::__float_to_tf32(fragment.x[i]);
    }
  }

 public:
  using Left = nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, kDepth, Element,
                                      nvcuda::wmma::row_major>;
  using Right = nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, kDepth, Element,
                                       nvcuda::wmma::row_major>;
  // Each thread has kElements of the 16 x 16 sums, x[i]; which ones, the hardware knows.
  using Sums = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, kDepth, float>;
  static constexpr int kElements = 8;
  static_assert(Sums::num_elements == kElements);

  W2L_DEVICE static void load(Left &left, const Stored *from, int step) {
    load_any(left, from, step);
  }
  W2L_DEVICE static void load(Right &right, const Stored *from, int step) {
    load_any(right, from, step);
  }
  W2L_DEVICE static void add_product(Sums &sums, const Left &left, const Right &right) {
    nvcuda::wmma::mma_sync(sums, left, right, sums);
  }
  W2L_DEVICE static void store(float *to, const Sums &sums, int step) {
    nvcuda::wmma::store_matrix_sync(to, sums, step, nvcuda::wmma::mem_row_major);
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
