// gst-wav2lip: starts the kernel of a convolution that its grid asks for. Included by one file for
// each kind of number, since compiling them takes long.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <limits>

#include "conv_kernel.cuh"
#include "patch_kernel.cuh"

namespace w2l {
namespace conv {

// Of what the network has not, and offsets of 32 bits would not reach.
inline bool in_range(const ConvArgs &args) {
  const std::int64_t weights = std::int64_t{args.kernel_height} * args.kernel_width *
                               conv_input_channels(args) * args.output.channels;
  return args.kernel_height <= kMostTaps && args.kernel_width <= kMostTaps &&
         weights <= std::numeric_limits<std::int32_t>::max();
}

inline bool aligned(const void *memory) {
  return reinterpret_cast<std::uintptr_t>(memory) % kPieceBytes == 0;
}

inline bool usable(const ConvPictures &pictures) {
  return pictures.channels % kChannelStep == 0 && pictures.image_size % kChannelStep == 0 &&
         aligned(pictures.data);
}

template <Number number, int kind>
cudaError_t launch_patches(const ConvArgs &args, const ConvGrid &grid, cudaStream_t stream) {
  return gpu::launch(&convolve_patches<number, kind>,
                     dim3(static_cast<unsigned>(grid.tile_rows * grid.tile_columns)),
                     conv_tile(kind).threads, static_cast<std::size_t>(patch_bytes(args)), stream,
                     args);
}

template <Number number, int kind>
cudaError_t launch_kind(const ConvArgs &args, const ConvGrid &grid, cudaStream_t stream) {
  const dim3 blocks(static_cast<unsigned>(grid.tile_rows * grid.tile_columns), 1,
                    static_cast<unsigned>(grid.phases * args.splits));
  return gpu::launch(&convolve<number, kind>, blocks, conv_tile(kind).threads,
                     Shape<number, kind>::kBytes, stream, args);
}

}  // namespace conv

template <Number number>
cudaError_t launch_convolution_in(const ConvArgs &args, cudaStream_t stream) {
  if (!conv::usable(args.inputs[0]) || !conv::usable(args.inputs[1]) ||
      !conv::usable(args.output) || !conv::in_range(args) || !conv::aligned(args.weights) ||
      !conv::aligned(args.bias))
    return cudaErrorInvalidValue;
  if (!can_have_tiles(args, args.tile_kind)) return cudaErrorInvalidValue;
  const ConvGrid grid = conv_grid(args);
  if (grid.tiles() <= 0) return cudaSuccess;
  switch (args.tile_kind) {
    case kMediumTile:
      return conv::launch_kind<number, kMediumTile>(args, grid, stream);
    case kSmallTile:
      return conv::launch_kind<number, kSmallTile>(args, grid, stream);
    case kNarrowTile:
      return conv::launch_kind<number, kNarrowTile>(args, grid, stream);
  }
  if constexpr (number != Number::Fp32) {
    switch (args.tile_kind) {
      case kLargestTile:
        return conv::launch_kind<number, kLargestTile>(args, grid, stream);
      case kMediumPatch:
        return conv::launch_patches<number, kMediumPatch>(args, grid, stream);
      case kNarrowPatch:
        return conv::launch_patches<number, kNarrowPatch>(args, grid, stream);
    }
  }
  return cudaErrorInvalidValue;
}

template <Number number>
cudaError_t load_convolutions() {
  cudaError_t error = cudaSuccess;
  const auto load = [&](auto kernel) {
    if (error == cudaSuccess) error = gpu::load(kernel);
  };
  if constexpr (number != Number::Fp32) {
    load(&conv::convolve<number, kLargestTile>);
    load(&conv::convolve_patches<number, kMediumPatch>);
    load(&conv::convolve_patches<number, kNarrowPatch>);
  }
  load(&conv::convolve<number, kMediumTile>);
  load(&conv::convolve<number, kSmallTile>);
  load(&conv::convolve<number, kNarrowTile>);
  return error;
}

}  // namespace w2l
