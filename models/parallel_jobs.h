// gst-wav2lip: independent jobs on a few threads that live for them alone. Backends prepare the
// weights of layers with it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

namespace w2l {

// CPUs that this thread may run on, at least 1.
int usable_cpus();

// Calls job(0) to job(count - 1), each once, on up to `threads` threads, and waits for all. When
// one throws, no others are started, and its exception is thrown here. Throws std::system_error
// when no thread can be had at all.
void run_jobs(int threads, int count, const std::function<void(int)> &job);

}  // namespace w2l
