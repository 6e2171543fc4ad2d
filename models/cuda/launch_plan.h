// gst-wav2lip: which of the batches that wait are computed by the next launch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

namespace w2l {

struct WaitingBatch {
  int samples = 0;
  int first_row = 0;  // of a launch's batches this must be the same
};

// A launch of 1 to 128 samples takes about as long as if it had so many more, each as long as one
// of a large launch (on an H100, in fp16 and bf16, within a fifth).
constexpr int kLaunchCost = 12;

// How many of the batches, from the first one on, share the next launch, so that all of them are
// done soonest: launches are computed as the next power of two and come one after the other. They
// take no more than `max_batch` samples, but one batch at the least. None if none waits.
std::size_t batches_to_launch(const std::vector<WaitingBatch> &waiting, int max_batch);

}  // namespace w2l
