// gst-wav2lip: where intermediate results of a network lie in one piece of memory. A result's place
// is used again once nobody reads it any more. The backends' plans call it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

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

}  // namespace w2l
