// gst-wav2lip: which of the batches that wait are computed by the next launch. See launch_plan.h.
// The cheapest way to cut them all into launches is found from the last one backwards.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launch_plan.h"

#include <limits>

namespace w2l {

std::size_t batches_to_launch(const std::vector<WaitingBatch> &waiting, int max_batch) {
  std::size_t first_launch = 0;
  std::vector<int> costs(waiting.size() + 1);  // of all batches from here on
  for (std::size_t from = waiting.size(); from-- > 0;) {
    costs[from] = std::numeric_limits<int>::max();
    int samples = 0, computed = 1;
    for (std::size_t end = from; end < waiting.size(); ++end) {
      samples += waiting[end].samples;
      const bool fits = samples <= max_batch && waiting[end].first_row == waiting[from].first_row;
      if (end > from && !fits) break;
      while (computed < samples) computed *= 2;  // bucket_of(samples), from the one before
      const int cost = kLaunchCost + computed + costs[end + 1];
      if (cost > costs[from]) continue;
      costs[from] = cost;
      first_launch = end + 1 - from;  // of equals, the one whose first answers are the most
    }
  }
  return first_launch;
}

}  // namespace w2l
