// gst-wav2lip: how a convolution is cut for a GPU: the kind of its tiles, and into how many parts
// its sums. The time of each way is estimated, and the shortest taken.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "kernel_args.h"

namespace w2l {

// What a GPU has, as far as it matters here.
struct GpuSize {
  int multiprocessors = 1;
  int shared_memory = 100 * 1024;       // of a multiprocessor, bytes
  int block_shared_memory = 99 * 1024;  // that a block can have
};

// Sets args.tile_kind and args.splits.
void cut_convolution(ConvArgs &args, const GpuSize &gpu);

// Bytes behind args.partial_sums and number of args.counters; 0 if args.splits is 1.
std::size_t conv_partial_bytes(const ConvArgs &args);
std::size_t conv_counters(const ConvArgs &args);

}  // namespace w2l
