// gst-wav2lip: pictures of a batch in memory, as layers read and write them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "conv3x3.h"

namespace w2l {

// What a network's pictures are made of.
enum class NumberType { Float, Bf16, Byte };

constexpr std::size_t size_of(NumberType type) {
  return type == NumberType::Float ? sizeof(float) : type == NumberType::Bf16 ? sizeof(Bf16) : 1;
}

// The lower rows of pictures, [top, height), one picture after the other, rows without gaps, the
// channels of a pixel side by side.
struct Rows {
  NumberType type = NumberType::Float;
  int images = 0, height = 0, width = 0, channels = 0;
  int top = 0;         // the rows above are not in memory
  int pixel_step = 0;  // numbers from one pixel to the next: more than channels in a slice of them
  std::byte *data = nullptr;

  int rows() const { return height - top; }
  std::size_t pixel_bytes() const { return static_cast<std::size_t>(pixel_step) * size_of(type); }
  std::size_t image_bytes() const {
    return static_cast<std::size_t>(rows()) * static_cast<std::size_t>(width) * pixel_bytes();
  }
  std::size_t bytes() const { return static_cast<std::size_t>(images) * image_bytes(); }
  std::byte *image(int index) const {
    return data + static_cast<std::size_t>(index) * image_bytes();
  }

  // The first `count` channels.
  Rows slice(int count) const {
    Rows some = *this;
    some.channels = count;
    return some;
  }

  // `T` is what `type` says.
  template <typename T>
  PixelView<T> view() const {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(width) * pixel_step;
    return {reinterpret_cast<T *>(data), rows() * row, row, pixel_step, top};
  }
};

}  // namespace w2l
