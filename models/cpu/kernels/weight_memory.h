// gst-wav2lip: memory for packed weights. WinogradWeights, Im2colWeights and AmxWeights keep
// theirs in it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <new>

#include "huge_pages.h"

namespace w2l {

// Throws std::bad_alloc.
template <typename Value>
hwy::AlignedFreeUniquePtr<Value[]> allocate_weights(std::size_t count) {
  auto memory = hwy::AllocateAligned<Value>(count);
  if (!memory) throw std::bad_alloc();
  prefer_huge_pages(memory.get(), count * sizeof(Value));
  return memory;
}

}  // namespace w2l
