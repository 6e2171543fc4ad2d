// gst-wav2lip: one piece of memory for all intermediate results of a network, laid out by
// arena_layout.h. NetworkPlan makes one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstddef>

namespace w2l {

class Arena {
 public:
  // Throws std::bad_alloc. Memory that is never written to costs nothing.
  explicit Arena(std::size_t bytes);

  std::byte *at(std::size_t offset) const { return memory_.get() + offset; }

 private:
  hwy::AlignedFreeUniquePtr<std::byte[]> memory_;
};

}  // namespace w2l
