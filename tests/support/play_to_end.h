// gst-wav2lip benchmarks: a whole pipeline, and what it cost.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>
#include <time.h>

#include <stdexcept>
#include <string>

namespace w2l::test {

// Of all threads of this process.
inline double cpu_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Returns at the end of the stream; throws std::runtime_error with what an element says is wrong.
inline void play_to_end(GstElement *pipeline) {
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus *bus = gst_element_get_bus(pipeline);
  std::string problem;
  for (bool running = true; running;) {
    GstMessage *message = gst_bus_timed_pop(bus, GST_CLOCK_TIME_NONE);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_LATENCY) {
      // Once for all that have come: it asks every stream, and every stream posts some.
      while (GstMessage *more = gst_bus_pop_filtered(bus, GST_MESSAGE_LATENCY))
        gst_message_unref(more);
      gst_bin_recalculate_latency(GST_BIN(pipeline));
    }
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      GError *error = nullptr;
      gst_message_parse_error(message, &error, nullptr);
      problem = error->message;
      g_error_free(error);
    }
    running = GST_MESSAGE_TYPE(message) != GST_MESSAGE_EOS && problem.empty();
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  if (!problem.empty()) throw std::runtime_error(problem);
}

}  // namespace w2l::test
