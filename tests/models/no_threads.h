// gst-wav2lip tests: a process that can start no threads any more. For EXPECT_EXIT.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <stdexcept>

namespace w2l::test {

// Besides the threads that there are.
inline void forbid_threads() {
  const rlimit none = {0, 0};
  if (setrlimit(RLIMIT_NPROC, &none) != 0) throw std::runtime_error("setrlimit failed");
  constexpr uid_t kNobody = 65534;  // the limit is none of root's
  if (geteuid() == 0 && setuid(kNobody) != 0) throw std::runtime_error("setuid failed");
}

}  // namespace w2l::test
