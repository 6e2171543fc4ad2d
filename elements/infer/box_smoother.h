// gst-wav2lip: the reference implementation's smoothing of face boxes, as a stream.
// w2linfer pushes the padded box of each frame and takes smoothed ones up to four frames later.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <vector>

#include "gstw2lbox.h"

namespace w2l {

// boxes[i] = truncate(mean(boxes[i : i + 5])), in place over one run of frames; near the run's end
// the window stays on the last five, whose earlier entries are smoothed already. A run of fewer
// than five boxes is averaged over what Python makes of boxes[n - 5 :] there: 4 boxes over the last
// one, 3 over the last two, 2 over both.
class BoxSmoother {
 public:
  static constexpr int kWindow = 5;
  static constexpr int kLookAhead = kWindow - 1;

  // Appends the next frame's box to the run; returns the boxes that became final, oldest first:
  // none for the first four, then one for each.
  std::vector<GstW2lBox> push(const GstW2lBox &box);

  // The run is over (end of stream, a gap, a frame without a face): returns the rest.
  std::vector<GstW2lBox> finish();

  // Forgets the run (a flush).
  void reset();

  // Boxes pushed and not returned yet.
  int pending() const;

 private:
  // The last box returned (it takes part in the end of the run), then the raw ones not returned.
  std::deque<GstW2lBox> run_;
  bool has_returned_ = false;  // run_.front() is such a box
};

}  // namespace w2l
