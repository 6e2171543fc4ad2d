// gst-wav2lip: the kernels of the CUDA engine at both ends of the network: bytes and mels to the
// network's numbers, and its last layer with the bytes that come of it. A thread computes a pixel.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conv_tiles.h"
#include "gpu_primitives.cuh"
#include "kernel_launches.h"
#include "pixel_math.h"

namespace w2l {
namespace {

constexpr int kThreads = 256;

// Sixteen bytes at once.
template <Number number>
struct alignas(16) Piece {
  static constexpr int kNumbers = piece_channels(number);
  typename Storage<number>::Type numbers[kNumbers];
};

template <Number number>
struct Pixel {
  Piece<number> pieces[kChannelStep / Piece<number>::kNumbers];

  W2L_DEVICE typename Storage<number>::Type *numbers() { return pieces[0].numbers; }
  W2L_DEVICE void write(void *pixels, std::int64_t index) const {
    auto *to = static_cast<Pixel *>(pixels) + index;
    W2L_UNROLL
    for (int i = 0; i < kChannelStep / Piece<number>::kNumbers; ++i)
      gpu::write(&to->pieces[i], pieces[i]);
  }
};

W2L_DEVICE std::int64_t pixel_of_thread() {
  return std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
}

struct ByteReader {
  W2L_DEVICE std::uint8_t operator()(const std::uint8_t *from) const { return gpu::read(from); }
};

template <Number number>
__global__ void __launch_bounds__(kThreads) faces(const FaceArgs args) {
  const std::int64_t pixel = pixel_of_thread();
  if (pixel >= std::int64_t{args.images} * args.edge * args.edge) return;
  const int x = static_cast<int>(pixel % args.edge);
  const int y = static_cast<int>(pixel / args.edge % args.edge);
  const CropPlace place = gpu::read(args.places + pixel / args.edge / args.edge);
  std::uint8_t bgr[kPictureChannels];
  resized_pixel(args.crops + place.offset, place.width, place.height, args.edge, x, y, ByteReader(),
                bgr);
  Pixel<number> face;
  face_pixel<number>(bgr, y >= args.edge / 2, face.numbers());
  face.write(args.output, pixel);
}

template <Number number>
__global__ void __launch_bounds__(kThreads) mels(const MelArgs args) {
  const std::int64_t pixel = pixel_of_thread();
  if (pixel >= std::int64_t{args.images} * args.bands * args.columns) return;
  Pixel<number> mel;
  mel_pixel<number>(gpu::read(args.mels + pixel), mel.numbers());
  mel.write(args.output, pixel);
}

// The weights wait in shared memory; so do the bytes, to be written as words.
template <Number number>
__global__ void __launch_bounds__(kThreads) answers(const AnswerArgs args) {
  W2L_SHARED_MEMORY(shared);
  constexpr int kBytes = kThreads * kPictureChannels;
  auto *weights = reinterpret_cast<float *>(shared + kBytes);
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < kPictureChannels * args.channels; i += kThreads)
    weights[i] = gpu::read(args.weights + i);
  __syncthreads();

  const std::int64_t picture = std::int64_t{args.edge - args.first_row} * args.edge;
  const std::int64_t pixels = args.images * picture, pixel = pixel_of_thread();
  if (pixel < pixels) {
    const std::int64_t above = (pixel / picture + 1) * args.first_row * args.edge;
    const auto *input = static_cast<const Piece<number> *>(args.input) +
                        (pixel + above) * (args.channels / Piece<number>::kNumbers);
    float sums[kPictureChannels];
    W2L_UNROLL
    for (int c = 0; c < kPictureChannels; ++c) sums[c] = gpu::read(args.bias + c);
    for (int first = 0; first < args.channels; first += Piece<number>::kNumbers) {
      const Piece<number> piece = gpu::read(input++);
      W2L_UNROLL
      for (int i = 0; i < Piece<number>::kNumbers; ++i)
        add_answer_channel(Storage<number>::load(piece.numbers[i]), weights + first + i,
                           args.channels, sums);
    }
    W2L_UNROLL
    for (int c = 0; c < kPictureChannels; ++c)
      shared[thread * kPictureChannels + c] = byte_of_logit(sums[c]);
  }
  __syncthreads();

  const std::int64_t first = std::int64_t{blockIdx.x} * kBytes;
  const std::int64_t left = pixels * kPictureChannels - first;
  const int bytes = static_cast<int>(left < kBytes ? left : kBytes), words = bytes / 4;
  if (thread < words)
    gpu::write(reinterpret_cast<std::uint32_t *>(args.pictures + first) + thread,
               reinterpret_cast<const std::uint32_t *>(shared)[thread]);
  if (thread < bytes % 4)
    gpu::write(args.pictures + first + words * 4 + thread, shared[words * 4 + thread]);
}

template <typename Args>
cudaError_t launch_pixels(void (*kernel)(Args), std::int64_t pixels, std::size_t shared,
                          cudaStream_t stream, const Args &args) {
  if (pixels <= 0) return cudaSuccess;
  const dim3 blocks(static_cast<unsigned>((pixels + kThreads - 1) / kThreads));
  return gpu::launch(kernel, blocks, kThreads, shared, stream, args);
}

bool aligned(const void *memory, std::size_t bytes) {
  return reinterpret_cast<std::uintptr_t>(memory) % bytes == 0;
}

}  // namespace

cudaError_t launch_faces(const FaceArgs &args, cudaStream_t stream) {
  if (!aligned(args.output, kPieceBytes)) return cudaErrorInvalidValue;
  return with_number(args.number, [&](auto constant) {
    return launch_pixels(&faces<decltype(constant)::value>,
                         std::int64_t{args.images} * args.edge * args.edge, 0, stream, args);
  });
}

cudaError_t launch_mels(const MelArgs &args, cudaStream_t stream) {
  if (!aligned(args.output, kPieceBytes)) return cudaErrorInvalidValue;
  return with_number(args.number, [&](auto constant) {
    return launch_pixels(&mels<decltype(constant)::value>,
                         std::int64_t{args.images} * args.bands * args.columns, 0, stream, args);
  });
}

cudaError_t launch_answers(const AnswerArgs &args, cudaStream_t stream) {
  if (!aligned(args.input, kPieceBytes) || !aligned(args.pictures, 4) ||
      args.channels % kChannelStep != 0)
    return cudaErrorInvalidValue;
  const std::size_t shared =
      kPictureChannels * (kThreads + sizeof(float) * static_cast<std::size_t>(args.channels));
  return with_number(args.number, [&](auto constant) {
    return launch_pixels(&answers<decltype(constant)::value>,
                         std::int64_t{args.images} * (args.edge - args.first_row) * args.edge,
                         shared, stream, args);
  });
}

cudaError_t load_picture_kernels(Number number) {
  return with_number(number, [](auto constant) {
    constexpr Number kNumber = decltype(constant)::value;
    cudaError_t error = gpu::load(&faces<kNumber>);
    if (error == cudaSuccess) error = gpu::load(&mels<kNumber>);
    if (error == cudaSuccess) error = gpu::load(&answers<kNumber>);
    return error;
  });
}

}  // namespace w2l
