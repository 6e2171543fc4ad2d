// gst-wav2lip: W2L_WIDE, for functions of plain loops: they are compiled for wider vectors too, and
// the loader chooses what the CPU has. Results are the same where they are integers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

// Sanitizers are not ready yet when the loader chooses.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define W2L_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define W2L_WIDE
#endif
