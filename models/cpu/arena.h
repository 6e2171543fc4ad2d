// gst-wav2lip: one piece of memory for all intermediate results of a network. A result's place is
// used again once nobody reads it any more. NetworkPlan makes one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <vector>

namespace w2l {

// Needed from step `first` to step `last`, both included.
struct Lifetime {
  std::size_t bytes;
  int first, last;
};

struct ArenaLayout {
  std::vector<std::size_t> offsets;  // of each lifetime, multiples of 64 bytes
  std::size_t bytes = 0;
};

// Places the largest first, each at the lowest offset where no other that lives at the same time
// is.
ArenaLayout lay_out(const std::vector<Lifetime> &lifetimes);

class Arena {
 public:
  // Throws std::bad_alloc. Memory that is never written to costs nothing.
  explicit Arena(std::size_t bytes);

  std::byte *at(std::size_t offset) const { return memory_.get() + offset; }

 private:
  hwy::AlignedFreeUniquePtr<std::byte[]> memory_;
};

}  // namespace w2l
