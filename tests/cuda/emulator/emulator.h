// gst-wav2lip tests: runs the source of CUDA kernels on the CPU. The threads of a block are fibers
// that switch at barriers; blocks run one after the other. What a GPU would punish, or let pass by
// chance, is an error here: addresses that are not aligned or belong to no array, barriers that not
// all threads reach. Shared memory holds NaNs until something was written, or copied, waited for
// and made known by a barrier. Kernels see it as emulated_gpu.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cuda_runtime_api.h"

namespace w2l::emulator {

enum class Order { Forward, Backward, Shuffled };

class Block;

// While one exists, kernels that this thread launches run on it.
class Gpu {
 public:
  explicit Gpu(Order blocks = Order::Forward, Order threads = Order::Forward, unsigned seed = 1);
  ~Gpu();
  Gpu(const Gpu &) = delete;
  Gpu &operator=(const Gpu &) = delete;
  static Gpu &current();

  // Memory that kernels may use.
  void allow(const void *memory, std::size_t bytes, bool writable);

  // Throws std::runtime_error for what kernels do wrong.
  void run(const std::function<void()> &kernel, dim3 blocks, int threads, std::size_t shared);
  int launches() const { return launches_; }

  // For the running kernel; each throws into it what it does wrong.
  Block &block();
  void check_global(const void *address, std::size_t bytes, bool writes) const;

 private:
  struct Range {
    std::uintptr_t start, end;
    bool writable;
  };

  std::vector<int> ordered(int count, Order order);

  const Order block_order_, thread_order_;
  std::mt19937 random_;
  std::vector<Range> ranges_;
  std::unique_ptr<Block> block_;
  int launches_ = 0;
};

// The block that is running, as its threads see it.
class Block {
 public:
  Block(int threads, std::size_t shared);
  ~Block();

  // Runs the kernel in all threads, in the given order between two barriers.
  void run(const std::function<void()> &kernel, dim3 index, dim3 grid,
           const std::vector<int> &order);

  int thread() const;
  dim3 index() const { return index_; }
  dim3 grid() const { return grid_; }
  int threads() const;
  unsigned char *shared() { return shared_.get(); }

  void barrier(const char *file, int line);
  void check_shared(const void *address, std::size_t bytes, std::size_t alignment) const;
  void copy_async(void *to, const void *from, std::size_t bytes, bool real);
  void end_copy_group();
  void wait_for_copies(std::size_t groups_left);

  // What all 32 lanes of the thread's warp give when they have come here, one after the other;
  // valid until the next call.
  const void *exchange(const void *own, std::size_t bytes);
  // As PTX's ldmatrix for four matrices of 8 x 8 16-bit numbers.
  void load_matrices(unsigned (&words)[4], const void *row, bool transposed);

 private:
  struct Copy {
    void *to;
    std::vector<unsigned char> bytes;
  };
  struct Thread;
  struct Fibers;

  void release_barrier();
  bool release_warps();
  static void start_thread(unsigned high, unsigned low);

  std::unique_ptr<Fibers> fibers_;
  std::size_t shared_size_;
  std::unique_ptr<unsigned char[], void (*)(void *)> shared_;
  std::vector<Copy> landed_;  // waited for, but not yet known to other threads
  dim3 index_, grid_;
};

}  // namespace w2l::emulator
