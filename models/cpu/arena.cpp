// gst-wav2lip: one piece of memory for all intermediate results. See arena.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "arena.h"

#include <new>

namespace w2l {

Arena::Arena(std::size_t bytes) : memory_(hwy::AllocateAligned<std::byte>(bytes)) {
  if (!memory_ && bytes > 0) throw std::bad_alloc();
}

}  // namespace w2l
