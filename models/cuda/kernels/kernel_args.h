// gst-wav2lip: what the kernels of the CUDA engine are told, in plain data: the same for the GPU
// and for their twins on the CPU (cpu_twins.h).
// Pictures are channels last and packed: [images][height][width][channels], all rows stored even if
// only the lower ones are computed. Channels are a multiple of kChannelStep, the surplus zero.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace w2l {

constexpr int kChannelStep = 8;

// How numbers are stored and multiplied; sums are always float.
enum class Number {
  Fp32,
  Tf32,  // stored as float, rounded to ten bits of mantissa when multiplied
  Bf16,
  Fp16,
};

constexpr std::size_t size_of(Number number) {
  return number == Number::Fp32 || number == Number::Tf32 ? 4 : 2;
}

// Pictures that a convolution reads or writes. Image n is at data + index * image_size elements,
// index being n, or image_index[n] where that array is given (device memory; features are kept in
// slots, and which slot an image's are in is known only when a graph is launched).
struct ConvPictures {
  void *data = nullptr;
  int channels = 0;
  std::int64_t image_size = 0;  // elements
  const std::int32_t *image_index = nullptr;
};

// output = relu(conv(inputs[0] ++ inputs[1]) + bias (+ inputs[0]))
struct ConvArgs {
  Number number = Number::Fp32;
  int images = 0;
  // Their channels follow each other as if concatenated; the second may have none.
  ConvPictures inputs[2];
  int input_height = 0, input_width = 0;
  ConvPictures output;
  int output_height = 0, output_width = 0;
  int first_row = 0;  // of the output; those above are neither computed nor written

  // Zeros around the input. A transposed convolution is always 3x3, stride 2, padding 1, output
  // padding 1: output pixel (y, x) has the taps (ky, kx) and input pixels (iy, ix) for which
  // y + 1 = 2 * iy + ky and x + 1 = 2 * ix + kx.
  bool transposed = false;
  int kernel_height = 1, kernel_width = 1;
  int stride_height = 1, stride_width = 1;
  int padding_height = 0, padding_width = 0;

  // [kernel_height][kernel_width][input channels][output channels], in `number`.
  const void *weights = nullptr;
  const float *bias = nullptr;  // [output channels]
  bool residual = false;        // adds inputs[0], which has the output's shape
  bool relu = true;

  // How it is cut (conv_plan.h): the kind of its tiles (conv_tiles.h), and in how many parts its
  // sums over taps and channels are computed side by side where there are too few output pixels to
  // fill the GPU. splits > 1 needs memory for them and one counter, zero before and after, for each
  // tile of the output.
  int tile_kind = 2;  // kSmallTile, which any convolution can have
  int splits = 1;
  float *partial_sums = nullptr;
  std::uint32_t *counters = nullptr;
};

// Where a crop lies among others: [height][width][3] bytes (BGR), `offset` bytes from their begin.
// Aligned to be read at once.
struct alignas(16) CropPlace {
  std::uint32_t offset = 0;
  std::int32_t width = 0, height = 0;
};

// Crops of any size to [images][edge][edge][kChannelStep]: the crop resized to edge x edge with its
// lower half black, the same whole, two zeros; all divided by 255.
struct FaceArgs {
  Number number = Number::Fp32;
  int images = 0, edge = 0;
  const CropPlace *places = nullptr;  // [images]; device memory, as only a launch knows them
  const std::uint8_t *crops = nullptr;
  void *output = nullptr;
};

// [images][bands][columns] floats to [images][bands][columns][kChannelStep], the surplus zero.
struct MelArgs {
  Number number = Number::Fp32;
  int images = 0, bands = 0, columns = 0;
  const float *mels = nullptr;
  void *output = nullptr;
};

// The last layer, a 1x1 convolution to three channels, and what follows it:
// uint8(truncate(sigmoid(...) * 255)). [images][edge][edge][channels] to
// [images][edge - first_row][edge][3].
struct AnswerArgs {
  Number number = Number::Fp32;
  int images = 0, edge = 0, first_row = 0;
  int channels = 0;
  const void *input = nullptr;
  const float *weights = nullptr;  // [3][channels]
  const float *bias = nullptr;     // [3]
  std::uint8_t *pictures = nullptr;
};

}  // namespace w2l
