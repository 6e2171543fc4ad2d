// gst-wav2lip: AMX's instructions, and whether they may be used. See amx_kernels.h.
// SPDX-License-Identifier: LGPL-2.1-or-later

// As in winograd_kernels.cpp.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "amx_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway wants to be included after it.
#include <hwy/highway.h>

#include "amx_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

// CPUs with AMX have AVX-512.
#if HWY_ARCH_X86_64 && HWY_TARGET <= HWY_AVX3

// The calling thread's tiles, all of 16 rows of 64 bytes. Written as assembly since compilers take
// the intrinsics' memory for untouched, and because it needs no compiler that knows of AMX.
class CpuTiles {
 public:
  CpuTiles() {
    struct alignas(64) {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {};
      std::uint8_t rows[16] = {};
    } config;
    static_assert(sizeof config == 64, "as LDTILECFG reads it");
    std::fill_n(config.row_bytes, 8, std::uint16_t{64});
    std::fill_n(config.rows, 8, std::uint8_t{kAmxRows});
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  // Or the kernel would save 8 KiB whenever it changes threads.
  ~CpuTiles() { asm volatile("tilerelease"); }
  CpuTiles(const CpuTiles &) = delete;
  CpuTiles &operator=(const CpuTiles &) = delete;

  template <int kTile>
  HWY_INLINE void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  HWY_INLINE void load(const void *from, std::ptrdiff_t row_bytes) {
    asm volatile("tileloadd (%1,%2,1), %%tmm%c0"
                 :
                 : "i"(kTile), "r"(from), "r"(row_bytes)
                 : "memory");
  }
  template <int kTile>
  HWY_INLINE void store(float *to, std::ptrdiff_t row_bytes) {
    asm volatile("tilestored %%tmm%c0, (%1,%2,1)"
                 :
                 : "i"(kTile), "r"(to), "r"(row_bytes)
                 : "memory");
  }
  // kSums += kPositions * kWeights
  template <int kSums, int kPositions, int kWeights>
  HWY_INLINE void multiply() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0"
                 :
                 : "i"(kSums), "i"(kPositions), "i"(kWeights));
  }
};

void run_amx(const AmxLayer &layer, const AmxOutput &output, const AmxBlock &block,
             float *workspace) {
  CpuTiles tiles;
  run_amx_block(tiles, layer, output, block, workspace);
}

const AmxKernels *amx_kernels() {
  static const AmxKernels kKernels = {run_amx};
  return &kKernels;
}

#else

const AmxKernels *amx_kernels() {
  return nullptr;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#if HWY_ARCH_X86_64 && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace w2l {
namespace {

#if HWY_ARCH_X86_64 && defined(__linux__)

bool cpu_has_amx() {
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;  // of leaf 7's EDX
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kBf16) != 0 && (d & kTile) != 0;
}

// Linux hands out tiles on demand, since they make signal frames larger, and for good.
bool system_lets_use_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

#else

bool cpu_has_amx() {
  return false;
}

bool system_lets_use_tiles() {
  return false;
}

#endif

}  // namespace

HWY_EXPORT(amx_kernels);

const AmxKernels *best_amx_kernels() {
  if (!cpu_has_amx()) return nullptr;
  const AmxKernels *kernels = HWY_DYNAMIC_DISPATCH(amx_kernels)();
  return kernels && system_lets_use_tiles() ? kernels : nullptr;
}

}  // namespace w2l
#endif
