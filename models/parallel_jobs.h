// gst-wav2lip: independent jobs on a few threads that live for them alone. Backends prepare the
// weights of layers with it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

namespace w2l {

// CPUs that this thread may run on, at least 1.
int usable_cpus();

// Up to `wanted` threads, the calling one among them, that can run at the same time: limits of the
// user or of a container may allow no more. Starts as many to find out.
int startable_threads(int wanted);

// Calls job(0) to job(count - 1), each once, on up to `threads` threads, and waits for all. When
// one throws, no others are started, and its exception is thrown here. Throws std::system_error
// when no thread can be had at all.
void run_jobs(int threads, int count, const std::function<void(int)> &job);

}  // namespace w2l
