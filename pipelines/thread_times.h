// gst-lipsync-1.0: CPU time by thread name, which GStreamer makes of element and pad: the share of
// each stage. Linux only, like the rest of the app.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>

namespace lipsync {

// Seconds of CPU time of this process's living threads, summed by name. Threads that a stage
// starts (an encoder's, a network's) carry the name of the thread that started them.
std::map<std::string, double> thread_times();

}  // namespace lipsync
