// gst-wav2lip: BoxSmoother, see box_smoother.h. A forward mean needs raw boxes only, so it can be
// returned as soon as its five are there; at the run's end one returned box is needed again.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "box_smoother.h"

#include <algorithm>

namespace w2l {
namespace {

// Mean of the last `count` boxes of `run`, truncated towards zero like numpy's cast to int.
GstW2lBox mean_of_last(const std::deque<GstW2lBox> &run, std::size_t count) {
  long x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  for (std::size_t i = run.size() - count; i < run.size(); ++i) {
    x1 += run[i].x1;
    y1 += run[i].y1;
    x2 += run[i].x2;
    y2 += run[i].y2;
  }
  const long n = static_cast<long>(count);
  return {static_cast<gint>(x1 / n), static_cast<gint>(y1 / n), static_cast<gint>(x2 / n),
          static_cast<gint>(y2 / n)};
}

}  // namespace

std::vector<GstW2lBox> BoxSmoother::push(const GstW2lBox &box) {
  run_.push_back(box);
  if (pending() < kWindow) return {};
  if (has_returned_) run_.pop_front();
  has_returned_ = true;
  run_.front() = mean_of_last(run_, kWindow);
  return {run_.front()};
}

std::vector<GstW2lBox> BoxSmoother::finish() {
  // boxes[n - 5 :] of fewer than five boxes starts at a negative index, which counts from the end.
  const std::size_t n = run_.size();
  const std::size_t window = n < kWindow ? std::min(n, kWindow - n) : n;
  std::vector<GstW2lBox> rest;
  for (std::size_t i = has_returned_ ? 1 : 0; i < n; ++i) {
    run_[i] = mean_of_last(run_, window);
    rest.push_back(run_[i]);
  }
  reset();
  return rest;
}

void BoxSmoother::reset() {
  run_.clear();
  has_returned_ = false;
}

int BoxSmoother::pending() const {
  return static_cast<int>(run_.size()) - (has_returned_ ? 1 : 0);
}

}  // namespace w2l
