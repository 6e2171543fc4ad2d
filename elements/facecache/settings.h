// gst-wav2lip: the values of w2lfacecache's properties, copied under the object lock per buffer.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace w2l {

enum class DetectorChoice { Auto, Yunet, Haar, None };
enum class OnMissing { Pass, Error };

struct FaceCacheSettings {
  DetectorChoice detector = DetectorChoice::Auto;
  std::string detector_model;
  double min_score = 0.0;  // 0 = the detector's own
  // 0.2 s at 25 fps: 1.4 core-ms a frame in all (YuNet; 4.3 at interval 1), and the tracked boxes
  // overlap what the detector would have said by 0.97 on average (0.96 at 10).
  int interval = 5;
  std::vector<int> box;  // empty = detect
  std::vector<int> pads = {0, 10, 0, 0};
  OnMissing on_missing = OnMissing::Pass;
};

}  // namespace w2l
