// gst-wav2lip: which instructions the CPU backend may use. See instruction_limit.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instruction_limit.h"

#include <hwy/targets.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "error.h"

namespace w2l {
namespace {

// One limit in the words of all that choose code by the CPU.
struct InstructionLimit {
  const char *name;
  std::int64_t newer;  // Highway's targets beyond it: the better a target, the lower its bit
  const char *onednn;  // ONEDNN_MAX_CPU_ISA
  const char *aten;    // ATEN_CPU_CAPABILITY
};

const std::vector<InstructionLimit> &limits() {
#if HWY_ARCH_X86
  static const std::vector<InstructionLimit> list = {
      {"avx2", HWY_AVX2 - 1, "AVX2", "avx2"},
      {"sse4", HWY_SSE4 - 1, "SSE41", "default"},
  };
#else
  static const std::vector<InstructionLimit> list;
#endif
  return list;
}

const InstructionLimit &find(const std::string &name) {
  std::string names;
  for (const InstructionLimit &limit : limits()) {
    if (name == limit.name) return limit;
    names += (names.empty() ? "use " : " or ") + std::string(limit.name);
  }
  throw Error(ErrorCode::Unsupported, "W2L_MAX_ISA=" + name +
                                          " is no limit for this kind of CPU; " +
                                          (names.empty() ? "unset it" : names));
}

}  // namespace

void limit_instructions(const char *name) {
  if (!name || !*name) return;
  const InstructionLimit &limit = find(name);
  hwy::DisableTargets(limit.newer);
  // They have no other switch. What a user has set already stays.
  setenv("ONEDNN_MAX_CPU_ISA", limit.onednn, 0);
  setenv("ATEN_CPU_CAPABILITY", limit.aten, 0);
}

}  // namespace w2l
