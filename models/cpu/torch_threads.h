// gst-wav2lip: how many threads LibTorch's operators use when this thread calls them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/Parallel.h>

namespace w2l {

// For the calling thread only. A thread of the application that uses Torch for the first time
// later starts with the number that was set last.
inline void use_torch_threads(int count) {
  // The first look makes LibTorch set this thread's number by itself, which must not come later.
  (void)at::get_num_threads();
  at::set_num_threads(count);
}

}  // namespace w2l
