// gst-wav2lip tests: memory that one thread cannot have. For one source file of a program: it
// replaces the operators.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdlib>
#include <limits>
#include <new>

namespace w2l::test {

constexpr long kPlenty = std::numeric_limits<long>::max();

// So many more allocations of this thread succeed.
inline thread_local long allocations_left = kPlenty;

}  // namespace w2l::test

// Not inlined: a compiler that sees malloc() on one side only takes it for a mistake.
[[gnu::noinline]] void *operator new(std::size_t size, const std::nothrow_t &) noexcept {
  using w2l::test::allocations_left;
  if (allocations_left <= 0) return nullptr;
  if (allocations_left != w2l::test::kPlenty) --allocations_left;
  return std::malloc(size > 0 ? size : 1);
}
[[gnu::noinline]] void *operator new(std::size_t size) {
  if (void *memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void *memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void *memory, std::size_t) noexcept {
  std::free(memory);
}
