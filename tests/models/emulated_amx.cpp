// gst-wav2lip tests: AMX's tiles in plain C++. See emulated_amx.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emulated_amx.h"

#include <cstring>

#include "amx_kernel-inl.h"

namespace w2l {
namespace {

// As Intel's manual describes LDTILECFG's largest tiles, TILELOADD, TDPBF16PS and TILESTORED. Tiles
// begin as numbers that are none, since nothing must depend on what was in them.
class EmulatedTiles {
 public:
  EmulatedTiles() { std::memset(tiles_, 0xff, sizeof tiles_); }

  template <int kTile>
  void zero() {
    std::memset(tiles_[kTile], 0, sizeof(Tile));
  }
  template <int kTile>
  void load(const void *from, std::ptrdiff_t row_bytes) {
    for (int row = 0; row < kRows; ++row)
      std::memcpy(tiles_[kTile][row], static_cast<const char *>(from) + row * row_bytes, kRowBytes);
  }
  template <int kTile>
  void store(float *to, std::ptrdiff_t row_bytes) {
    for (int row = 0; row < kRows; ++row)
      std::memcpy(reinterpret_cast<char *>(to) + row * row_bytes, tiles_[kTile][row], kRowBytes);
  }
  template <int kSums, int kPositions, int kWeights>
  void multiply() {
    static_assert(kSums != kPositions && kSums != kWeights && kPositions != kWeights,
                  "an invalid instruction");
    float weights[2 * kRows][kRows];
    for (int pair = 0; pair < kRows; ++pair)
      for (int column = 0; column < 2 * kRows; ++column)
        weights[2 * pair + column % 2][column / 2] = to_float(tiles_[kWeights][pair][column]);
    for (int row = 0; row < kRows; ++row) {
      float sums[kRows];
      std::memcpy(sums, tiles_[kSums][row], sizeof sums);
      for (int i = 0; i < 2 * kRows; ++i) {
        const float position = to_float(tiles_[kPositions][row][i]);
        for (int column = 0; column < kRows; ++column)
          sums[column] += position * weights[i][column];
      }
      std::memcpy(tiles_[kSums][row], sums, sizeof sums);
    }
  }

 private:
  static constexpr int kRows = 16, kRowBytes = 64;
  using Tile = Bf16[kRows][kRowBytes / sizeof(Bf16)];

  Tile tiles_[8];
};

void run(const AmxLayer &layer, const AmxOutput &output, const AmxBlock &block, float *workspace) {
  EmulatedTiles tiles;
  HWY_STATIC_DISPATCH(run_amx_block)(tiles, layer, output, block, workspace);
}

}  // namespace

const AmxKernels &emulated_amx_kernels() {
  static const AmxKernels kKernels = {run};
  return kKernels;
}

}  // namespace w2l
