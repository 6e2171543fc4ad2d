// gst-lipsync-1.0: loads the network while the files are looked at. Engines are shared within a
// process, so the pipeline's w2linfer finds it open, or fails in the same way and says so.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <thread>

#include "options.h"

typedef struct _GstElement GstElement;

namespace lipsync {

class EarlyEngine {
 public:
  EarlyEngine() = default;
  // Waits until it is loaded.
  ~EarlyEngine();
  EarlyEngine(const EarlyEngine &) = delete;
  EarlyEngine &operator=(const EarlyEngine &) = delete;

  // Returns at once. Once; kept open as long as this lives. GStreamer has been initialised.
  void start(const Options &options);

 private:
  GstElement *element_ = nullptr;
  std::thread thread_;
};

}  // namespace lipsync
