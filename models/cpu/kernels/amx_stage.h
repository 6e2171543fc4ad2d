// gst-wav2lip: pixels of a block, copied to where AMX's kernels read them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "amx_kernels.h"

namespace w2l {

// How the block's pictures follow each other in a plane. Where one ends with rows of zeros and the
// next begins with some, they are the same.
struct AmxRows {
  int of_image;  // from one picture's first row to the next one's
  int all;       // up to the last row that is read

  AmxRows(const AmxLayer &layer, const AmxBlock &block);
};

// Numbers of a plane of so many rows, with what may be read behind them.
std::size_t amx_plane_numbers(const AmxLayer &layer, int rows);

// Fills `stage`, of AmxSpace::stage floats, but for what no output pixel depends on. Bytes become
// their numbers, of which bfloat16 has all.
void stage_pixels(const AmxLayer &layer, const PixelView<const Bf16> &input, const AmxBlock &block,
                  Bf16 *stage);
void stage_pixels(const AmxLayer &layer, const PixelView<const std::uint8_t> &input,
                  const AmxBlock &block, Bf16 *stage);

}  // namespace w2l
