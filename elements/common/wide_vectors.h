// gst-wav2lip: functions for wider vectors than all CPUs have.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>  // says whether this is glibc

// For functions of plain loops: they are compiled for AVX2 too, and the loader chooses what the CPU
// has. Results are the same, of floats too, since AVX2 alone has no multiplication with addition.
// Sanitizers are not ready yet when the loader chooses.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define W2L_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define W2L_WIDE
#endif

// For functions of AVX2's own instructions, where the compiler knows them; to be called only if
// __builtin_cpu_supports("avx2").
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define W2L_AVX2 __attribute__((target("avx2")))
#endif
