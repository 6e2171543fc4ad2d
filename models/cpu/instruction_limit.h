// gst-wav2lip: makes the CPU backend do without newer instructions than a user allows, as it does
// on a CPU that has not got them: to compare speeds, and to tell in a bug report what is to blame.
// backend.cpp calls it before an engine opens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace w2l {

// `name` is what W2L_MAX_ISA says: "avx512", "avx2", "sse4", or null for no limit. Holds for the
// whole process from then on, but for AMX. Throws Error(Unsupported) for a name that this
// architecture has not got.
void limit_instructions(const char *name);

// Any limit leaves out AMX, which is not one of Highway's targets.
bool allows_amx(const char *name);

}  // namespace w2l
