// gst-lipsync-1.0: a w2linfer beside the pipeline. See early_engine.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "early_engine.h"

#include <gst/gst.h>

#include <system_error>

#include "pipeline_text.h"

namespace lipsync {

EarlyEngine::~EarlyEngine() {
  if (thread_.joinable()) thread_.join();
  if (!element_) return;
  gst_element_set_state(element_, GST_STATE_NULL);
  gst_object_unref(element_);
}

void EarlyEngine::start(const Options &options) {
  // What is wrong with the options is said when the pipeline is made.
  element_ = gst_parse_launch(infer_stage(options).c_str(), nullptr);
  if (!element_) return;
  try {
    thread_ = std::thread([this] { gst_element_set_state(element_, GST_STATE_READY); });
  } catch (const std::system_error &) {  // no more threads: the pipeline loads it
  }
}

}  // namespace lipsync
