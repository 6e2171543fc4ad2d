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

// How many of the batches, from the first one on, share the next launch, so that all of them are
// done soonest: launches take no more than `max_batch` samples, are computed as the next power of
// two, and come one after the other. At least 1, unless none waits. A batch has `max_batch`
// samples at the most.
std::size_t batches_to_launch(const std::vector<WaitingBatch> &waiting, int max_batch);

}  // namespace w2l
