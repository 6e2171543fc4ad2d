// gst-wav2lip: pixels of a block for AMX. See amx_stage.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "amx_stage.h"

#include <algorithm>
#include <cstring>

#include "products.h"

namespace w2l {
namespace {

std::size_t numbers(const AmxLayer &layer, int rows) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(layer.pitch * layer.pixel);
}

// What positions with an output pixel see behind the last row: a border, multiplied by weights that
// are zero, too.
std::size_t border_behind(const AmxLayer &layer) {
  return static_cast<std::size_t>(layer.taps_x * layer.pixel + kAmxNumbers);
}

void stage_numbers(const Bf16 *from, int count, Bf16 *to) {
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(Bf16));
}

void stage_numbers(const std::uint8_t *from, int count, Bf16 *to) {
  for (int i = 0; i < count; ++i) to[i] = to_bf16(from[i]);
}

// Row `y` of a picture with its border.
template <typename In>
void stage_row(const AmxLayer &layer, const PixelView<const In> &input, int image, int y,
               Bf16 *to) {
  Bf16 *const end = to + layer.pitch * layer.pixel;
  // Rows above what is in memory are those of output rows that nobody wants.
  if (y < std::max(input.top, 0) || y >= layer.height) {
    std::fill(to, end, Bf16{});
    return;
  }
  to = std::fill_n(to, -layer.first_x * layer.pixel, Bf16{});
  const In *from = input.at(image, y, 0);
  if (input.pixel_step == layer.pixel && layer.pixel == layer.in) {
    stage_numbers(from, layer.width * layer.in, to);
    to += layer.width * layer.pixel;
  } else {
    for (int x = 0; x < layer.width; ++x, to += layer.pixel, from += input.pixel_step)
      stage_numbers(from, layer.in, to);
  }
  std::fill(to, end, Bf16{});
}

template <typename In>
void stage(const AmxLayer &layer, const PixelView<const In> &input, const AmxBlock &block,
           Bf16 *stage) {
  const AmxRows rows(layer, block);
  const int top = block.first_row * layer.stride_y + layer.first_y;
  for (int plane = 0; plane < layer.stride_y; ++plane) {
    Bf16 *to = stage + static_cast<std::size_t>(plane) * layer.plane;
    for (int image = 0; image < block.images; ++image)
      for (int row = 0; row < block.rows + layer.more_rows(); ++row)
        stage_row(layer, input, block.first_image + image, top + row * layer.stride_y + plane,
                  to + numbers(layer, image * rows.of_image + row));
    std::fill_n(to + numbers(layer, rows.all), border_behind(layer), Bf16{});
  }
}

}  // namespace

AmxSpace::AmxSpace(const AmxLayer &layer)
    : sums(static_cast<std::size_t>(2 * kAmxChunk * kAmxSums)),
      stage(layer.plane * static_cast<std::size_t>(layer.stride_y) * sizeof(Bf16) / sizeof(float)) {
}

std::size_t amx_plane_numbers(const AmxLayer &layer, int rows) {
  // The last tile may read positions behind the last one, of which nothing is used.
  const auto more = static_cast<std::size_t>(kAmxRows * layer.position_numbers());
  const std::size_t all = numbers(layer, rows) + border_behind(layer) + more;
  return (all + kAmxNumbers - 1) / kAmxNumbers * kAmxNumbers;
}

AmxRows::AmxRows(const AmxLayer &layer, const AmxBlock &block) {
  const int top = block.first_row * layer.stride_y + layer.first_y;
  const int bottom = top + (block.rows - 1) * layer.stride_y + layer.taps_y - 1;
  const int zeros = std::min(std::max(-top, 0), std::max(bottom - (layer.height - 1), 0));
  const int rows = block.rows + layer.more_rows();
  of_image = rows - (layer.stride_y == 1 ? zeros : 0);
  all = (block.images - 1) * of_image + rows;
}

void stage_pixels(const AmxLayer &layer, const PixelView<const Bf16> &input, const AmxBlock &block,
                  Bf16 *to) {
  stage(layer, input, block, to);
}

void stage_pixels(const AmxLayer &layer, const PixelView<const std::uint8_t> &input,
                  const AmxBlock &block, Bf16 *to) {
  stage(layer, input, block, to);
}

}  // namespace w2l
