// gst-wav2lip tests: runs the source of CUDA kernels on the CPU. See emulator.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulator.h"

#include <ucontext.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <numeric>
#include <stdexcept>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace w2l::emulator {
namespace {

constexpr std::size_t kStackSize = 256 * 1024;
constexpr std::size_t kSharedAlignment = 128;
// NaN as float, fp16 and bf16.
constexpr int kPoison = 0xff;
constexpr int kLanes = 32;  // of a warp
constexpr std::size_t kMostExchanged = 32;

[[noreturn]] void fail(const std::string &what) {
  throw std::runtime_error(what);
}

Gpu *&current_gpu() {
  static thread_local Gpu *gpu = nullptr;
  return gpu;
}

// One side of a switch between stacks, told to AddressSanitizer.
struct Side {
  ucontext_t context{};
  const void *stack = nullptr;
  std::size_t stack_size = 0;
  void *fake_stack = nullptr;
};

void arrive(Side &here, Side *from) {
#ifdef __SANITIZE_ADDRESS__
  const void *stack = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(here.fake_stack, &stack, &size);
  if (from) {
    from->stack = stack;
    from->stack_size = size;
  }
#else
  (void)here, (void)from;
#endif
}

void switch_to(Side &from, Side &to, bool for_good = false) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake_stack, to.stack, to.stack_size);
#else
  (void)for_good;
#endif
  swapcontext(&from.context, &to.context);
  arrive(from, nullptr);
}

}  // namespace

struct Block::Thread {
  Side side;
  std::unique_ptr<unsigned char[]> stack{new unsigned char[kStackSize]};
  enum class State { Ready, WithWarp, AtBarrier, Done } state = State::Ready;
  int exchanges = 0;
  const char *barrier_file = nullptr;
  int barrier_line = 0;
  std::deque<std::vector<Copy>> groups;  // of copies, the open one last
  std::exception_ptr error;
};

struct Block::Fibers {
  std::vector<Thread> threads;
  // What the lanes of each warp exchange, in turns: a lane may be ahead of others by one.
  std::vector<std::vector<unsigned char>> exchanged[2];
  Side scheduler;
  int running = 0;
  const std::function<void()> *kernel = nullptr;
};

Block::Block(int threads, std::size_t shared)
    : fibers_(std::make_unique<Fibers>()),
      shared_size_(shared),
      shared_(static_cast<unsigned char *>(std::aligned_alloc(
                  kSharedAlignment,
                  (shared + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment)),
              std::free) {
  fibers_->threads = std::vector<Thread>(static_cast<std::size_t>(threads));
  for (auto &turn : fibers_->exchanged) {
    turn.resize(static_cast<std::size_t>((threads + kLanes - 1) / kLanes));
    for (auto &warp : turn) warp.resize(kLanes * kMostExchanged);
  }
}

Block::~Block() = default;

int Block::thread() const {
  return fibers_->running;
}
int Block::threads() const {
  return static_cast<int>(fibers_->threads.size());
}

void Block::start_thread(unsigned high, unsigned low) {
  Block &block = *reinterpret_cast<Block *>(static_cast<std::uintptr_t>(high) << 32 | low);
  Fibers &fibers = *block.fibers_;
  Thread &thread = fibers.threads[static_cast<std::size_t>(fibers.running)];
  arrive(thread.side, &fibers.scheduler);
  try {
    (*fibers.kernel)();
  } catch (...) {
    thread.error = std::current_exception();
  }
  thread.state = Thread::State::Done;
  switch_to(thread.side, fibers.scheduler, true);
}

void Block::run(const std::function<void()> &kernel, dim3 index, dim3 grid,
                const std::vector<int> &order) {
  index_ = index;
  grid_ = grid;
  fibers_->kernel = &kernel;
  std::memset(shared_.get(), kPoison, shared_size_);
  for (Thread &thread : fibers_->threads) {
    thread.state = Thread::State::Ready;
    thread.groups.assign(1, {});
    thread.side = {};
    thread.side.stack = thread.stack.get();
    thread.side.stack_size = kStackSize;
    getcontext(&thread.side.context);
    thread.side.context.uc_stack.ss_sp = thread.stack.get();
    thread.side.context.uc_stack.ss_size = kStackSize;
    thread.side.context.uc_link = nullptr;
    const auto address = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&thread.side.context, reinterpret_cast<void (*)()>(&Block::start_thread), 2,
                static_cast<unsigned>(address >> 32), static_cast<unsigned>(address));
  }
  for (bool done = false; !done;) {
    for (int i : order) {
      Thread &thread = fibers_->threads[static_cast<std::size_t>(i)];
      if (thread.state != Thread::State::Ready) continue;
      fibers_->running = i;
      switch_to(fibers_->scheduler, thread.side);
      if (thread.error) std::rethrow_exception(thread.error);
    }
    if (release_warps()) continue;
    const Thread &first = fibers_->threads.front();
    for (const Thread &thread : fibers_->threads)
      if (thread.state != first.state ||
          (first.state == Thread::State::AtBarrier && (thread.barrier_line != first.barrier_line ||
                                                       thread.barrier_file != first.barrier_file)))
        fail("a barrier that not all threads of the block reach");
    done = first.state == Thread::State::Done;
    if (!done) release_barrier();
  }
  for (const Thread &thread : fibers_->threads)
    for (const std::vector<Copy> &group : thread.groups)
      if (!group.empty()) fail("a thread ends with copies under way");
}

void Block::barrier(const char *file, int line) {
  Thread &thread = fibers_->threads[static_cast<std::size_t>(fibers_->running)];
  thread.state = Thread::State::AtBarrier;
  thread.barrier_file = file;
  thread.barrier_line = line;
  switch_to(thread.side, fibers_->scheduler);
}

void Block::release_barrier() {
  for (const Copy &copy : landed_) std::memcpy(copy.to, copy.bytes.data(), copy.bytes.size());
  landed_.clear();
  for (Thread &thread : fibers_->threads) thread.state = Thread::State::Ready;
}

bool Block::release_warps() {
  bool released = false;
  auto &threads = fibers_->threads;
  for (std::size_t first = 0; first < threads.size(); first += kLanes) {
    const std::size_t last = std::min(first + kLanes, threads.size());
    std::size_t waiting = 0;
    for (std::size_t i = first; i < last; ++i)
      waiting += threads[i].state == Thread::State::WithWarp;
    if (waiting == 0) continue;
    if (waiting != kLanes) fail("an instruction of a warp that not all its threads reach");
    for (std::size_t i = first; i < last; ++i) threads[i].state = Thread::State::Ready;
    released = true;
  }
  return released;
}

const void *Block::exchange(const void *own, std::size_t bytes) {
  const auto number = static_cast<std::size_t>(fibers_->running);
  Thread &thread = fibers_->threads[number];
  auto &warp = fibers_->exchanged[thread.exchanges++ % 2][number / kLanes];
  if (bytes) std::memcpy(&warp[number % kLanes * bytes], own, bytes);
  thread.state = Thread::State::WithWarp;
  switch_to(thread.side, fibers_->scheduler);
  return warp.data();
}

void Block::load_matrices(unsigned (&words)[4], const void *row, bool transposed) {
  struct Row {
    std::uint16_t numbers[8];
  };
  check_shared(row, sizeof(Row), sizeof(Row));
  const auto *rows = static_cast<const Row *>(exchange(row, sizeof(Row)));
  const int lane = thread() % kLanes;
  for (int matrix = 0; matrix < 4; ++matrix, rows += 8) {
    const int line = lane / 4, first = lane % 4 * 2;
    const unsigned low = transposed ? rows[first].numbers[line] : rows[line].numbers[first];
    const unsigned high =
        transposed ? rows[first + 1].numbers[line] : rows[line].numbers[first + 1];
    words[matrix] = low | high << 16;
  }
}

void Block::check_shared(const void *address, std::size_t bytes, std::size_t alignment) const {
  const auto *start = static_cast<const unsigned char *>(address);
  if (reinterpret_cast<std::uintptr_t>(address) % alignment)
    fail("shared memory: address not aligned to " + std::to_string(alignment) + " bytes");
  if (start < shared_.get() || start + bytes > shared_.get() + shared_size_)
    fail("shared memory: address outside");
}

void Block::copy_async(void *to, const void *from, std::size_t bytes, bool real) {
  check_shared(to, bytes, bytes);
  Copy copy{to, std::vector<unsigned char>(bytes)};
  if (real) {
    Gpu::current().check_global(from, bytes, false);
    std::memcpy(copy.bytes.data(), from, bytes);
  }
  std::memset(to, kPoison, bytes);
  fibers_->threads[static_cast<std::size_t>(thread())].groups.back().push_back(std::move(copy));
}

void Block::end_copy_group() {
  fibers_->threads[static_cast<std::size_t>(thread())].groups.emplace_back();
}

void Block::wait_for_copies(std::size_t groups_left) {
  auto &groups = fibers_->threads[static_cast<std::size_t>(thread())].groups;
  for (; groups.size() > groups_left + 1; groups.pop_front())
    std::move(groups.front().begin(), groups.front().end(), std::back_inserter(landed_));
}

Gpu::Gpu(Order blocks, Order threads, unsigned seed)
    : block_order_(blocks), thread_order_(threads), random_(seed) {
  if (current_gpu()) fail("there is an emulated GPU already");
  current_gpu() = this;
}

Gpu::~Gpu() {
  current_gpu() = nullptr;
}

Gpu &Gpu::current() {
  if (!current_gpu()) fail("no emulated GPU");
  return *current_gpu();
}

void Gpu::allow(const void *memory, std::size_t bytes, bool writable) {
  const auto start = reinterpret_cast<std::uintptr_t>(memory);
  ranges_.push_back({start, start + bytes, writable});
}

Block &Gpu::block() {
  if (!block_) fail("no kernel is running");
  return *block_;
}

void Gpu::check_global(const void *address, std::size_t bytes, bool writes) const {
  const auto start = reinterpret_cast<std::uintptr_t>(address);
  if (start % bytes)
    fail("global memory: address not aligned to " + std::to_string(bytes) + " bytes");
  for (const Range &range : ranges_)
    if (start >= range.start && start + bytes <= range.end && (range.writable || !writes)) return;
  fail(std::string("global memory: ") + (writes ? "written" : "read") + " outside of all arrays");
}

std::vector<int> Gpu::ordered(int count, Order order) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  if (order == Order::Backward) std::reverse(numbers.begin(), numbers.end());
  if (order == Order::Shuffled) std::shuffle(numbers.begin(), numbers.end(), random_);
  return numbers;
}

void Gpu::run(const std::function<void()> &kernel, dim3 blocks, int threads, std::size_t shared) {
  ++launches_;
  block_ = std::make_unique<Block>(threads, shared);
  const int count = static_cast<int>(blocks.x * blocks.y * blocks.z);
  for (int number : ordered(count, block_order_)) {
    const auto i = static_cast<unsigned>(number);
    block_->run(kernel, dim3(i % blocks.x, i / blocks.x % blocks.y, i / blocks.x / blocks.y),
                blocks, ordered(threads, thread_order_));
  }
  block_.reset();
}

}  // namespace w2l::emulator
