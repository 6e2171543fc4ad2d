// gst-wav2lip: memory of some megabytes and more, in pages of 2 MiB where the system lends them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace w2l {

// To be called before anything is written to: a page of 4 KiB costs as much to get as to fill, and
// weights are tens of thousands of them. Advice only.
inline void prefer_huge_pages(void *memory, std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t kHugePage = 2 * 1024 * 1024, kPage = 4096;
  if (bytes < kHugePage) return;
  const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (start + kPage - 1) / kPage * kPage;
  const std::uintptr_t end = (start + bytes) / kPage * kPage;
  (void)madvise(reinterpret_cast<void *>(first), end - first, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

}  // namespace w2l
