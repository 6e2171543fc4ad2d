// gst-wav2lip: which instructions the CPU backend may use. See instruction_limit.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instruction_limit.h"

#include <hwy/targets.h>

#include <cstdint>
#include <string>
#include <vector>

#include "error.h"

namespace w2l {
namespace {

struct InstructionLimit {
  const char *name;
  std::int64_t newer;  // Highway's targets beyond it: the better a target, the lower its bit
};

const std::vector<InstructionLimit> &limits() {
#if HWY_ARCH_X86
  static const std::vector<InstructionLimit> list = {
      {"avx512", 0},  // leaves out AMX alone
      {"avx2", HWY_AVX2 - 1},
      {"sse4", HWY_SSE4 - 1},
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
    names += (names.empty() ? "use " : ", ") + std::string(limit.name);
  }
  throw Error(ErrorCode::Unsupported, "W2L_MAX_ISA=" + name +
                                          " is no limit for this kind of CPU; " +
                                          (names.empty() ? "unset it" : names));
}

bool is_limit(const char *name) {
  return name && *name;
}

}  // namespace

bool allows_amx(const char *name) {
  return !is_limit(name);
}

void limit_instructions(const char *name) {
  if (!is_limit(name)) return;
  const std::int64_t newer = find(name).newer;
  // Not DisableTargets(): each call of SupportedTargets() chooses among all targets again.
  hwy::SetSupportedTargetsForTest(hwy::SupportedTargets() & ~newer);
}

}  // namespace w2l
