// gst-wav2lip: keeps an OpenCV call on the calling thread; the detectors use it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <opencv2/core/utility.hpp>

namespace w2l {

// OpenCV's only switch, cv::setNumThreads, is process-wide and would change the host
// application's own use of OpenCV. But a parallel loop inside a parallel loop runs serially, so
// the call goes into a loop of one step. It pays: YuNet at 320 pixels takes 3.5 core-ms this way,
// 7 on two threads (3.4 ms wall), because the second thread mostly spins; the encoder wants it.
template <typename Function>
void run_serially(Function function) {
  cv::parallel_for_(cv::Range(0, 1), [&](const cv::Range &) { function(); });
}

}  // namespace w2l
