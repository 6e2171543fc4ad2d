// gst-wav2lip: how a convolution is cut for a GPU: its tiles, and into how many parts its sums.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "kernel_args.h"

namespace w2l {

// What `args.splits` should be on a GPU with so many multiprocessors.
int conv_splits(const ConvArgs &args, int multiprocessors);

// Bytes behind args.partial_sums and number of args.counters; 0 if args.splits is 1.
std::size_t conv_partial_bytes(const ConvArgs &args);
std::size_t conv_counters(const ConvArgs &args);

}  // namespace w2l
