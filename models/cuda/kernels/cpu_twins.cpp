// gst-wav2lip: the kernels of the CUDA engine as plain loops on the CPU. See cpu_twins.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_twins.h"

#include <algorithm>
#include <vector>

#include "conv_taps.h"
#include "half_numbers.h"
#include "pixel_math.h"

namespace w2l {
namespace {

constexpr int kPixelsAtOnce = 4;

using Floats = std::vector<float>;

void load(Number number, const void *from, std::int64_t first, std::int64_t count, float *to) {
  with_number(number, [=](auto constant) {
    using Stored = Storage<decltype(constant)::value>;
    const auto *stored = static_cast<const typename Stored::Type *>(from) + first;
    for (std::int64_t i = 0; i < count; ++i) to[i] = Stored::load(stored[i]);
  });
}

void store(Number number, const float *from, std::int64_t count, void *to, std::int64_t first) {
  with_number(number, [=](auto constant) {
    using Stored = Storage<decltype(constant)::value>;
    auto *stored = static_cast<typename Stored::Type *>(to) + first;
    for (std::int64_t i = 0; i < count; ++i) stored[i] = Stored::store(from[i]);
  });
}

void round_factors(Number number, Floats &factors) {
  if (number == Number::Tf32)
    std::transform(factors.begin(), factors.end(), factors.begin(), round_to_tf32);
}

std::int64_t image_start(const ConvPictures &pictures, int image) {
  return (pictures.image_index ? pictures.image_index[image] : image) * pictures.image_size;
}

// sums[pixel][channel] += the sum over `in` of factors[pixel][in] * weights[in][channel].
void add_products(const float *const factors[kPixelsAtOnce], const float *weights, int in, int out,
                  float *const sums[kPixelsAtOnce]) {
  float *__restrict s0 = sums[0], *__restrict s1 = sums[1], *__restrict s2 = sums[2],
                    *__restrict s3 = sums[3];
  for (int i = 0; i < in; ++i) {
    const float f0 = factors[0][i], f1 = factors[1][i], f2 = factors[2][i], f3 = factors[3][i];
    const float *__restrict w = weights + static_cast<std::int64_t>(i) * out;
    for (int c = 0; c < out; ++c) {
      s0[c] += f0 * w[c];
      s1[c] += f1 * w[c];
      s2[c] += f2 * w[c];
      s3[c] += f3 * w[c];
    }
  }
}

class Convolution {
 public:
  explicit Convolution(const ConvArgs &args)
      : args_(args),
        in_(args.inputs[0].channels + args.inputs[1].channels),
        out_(args.output.channels),
        weights_(static_cast<std::size_t>(args.kernel_height) * args.kernel_width * in_ * out_),
        input_(static_cast<std::size_t>(args.input_height) * args.input_width * in_),
        zeros_(in_),
        unused_(static_cast<std::size_t>(kPixelsAtOnce) * out_),
        sums_(static_cast<std::size_t>(args.output_width) * out_) {
    load(args.number, args.weights, 0, static_cast<std::int64_t>(weights_.size()), weights_.data());
    round_factors(args.number, weights_);
  }

  void run() {
    for (int image = 0; image < args_.images; ++image) {
      load_input(image);
      for (int row = args_.first_row; row < args_.output_height; ++row) {
        for (int x = 0; x < args_.output_width; ++x)
          std::copy_n(args_.bias, out_, &sums_[static_cast<std::size_t>(x) * out_]);
        if (args_.transposed)
          add_transposed_row(row);
        else
          add_row(row);
        finish_row(image, row);
      }
    }
  }

 private:
  // The rows above are not those that somebody has computed.
  int first_input_row() const {
    if (args_.transposed) return args_.first_row / 2;
    return std::max(0, args_.first_row * args_.stride_height - args_.padding_height);
  }

  void load_input(int image) {
    const int pixels = args_.input_height * args_.input_width;
    int channel = 0;
    for (const ConvPictures &pictures : args_.inputs) {
      if (!pictures.channels) continue;
      const std::int64_t start = image_start(pictures, image);
      for (int pixel = first_input_row() * args_.input_width; pixel < pixels; ++pixel)
        load(args_.number, pictures.data,
             start + static_cast<std::int64_t>(pixel) * pictures.channels, pictures.channels,
             &input_[static_cast<std::size_t>(pixel) * in_ + channel]);
      channel += pictures.channels;
    }
    round_factors(args_.number, input_);
  }

  const float *input_pixel(int y, int x) const {
    if (y < 0 || y >= args_.input_height || x < 0 || x >= args_.input_width) return zeros_.data();
    return &input_[(static_cast<std::size_t>(y) * args_.input_width + x) * in_];
  }

  // What kernel element (ky, kx) adds to the outputs first, first + step, ... of a row, of which
  // output number p sees the input pixel (y, p * stride + offset).
  void add_tap(int ky, int kx, int y, int first, int step, int stride, int offset) {
    if (y < 0 || y >= args_.input_height) return;
    const float *weights =
        &weights_[static_cast<std::size_t>(ky * args_.kernel_width + kx) * in_ * out_];
    const int count = (args_.output_width - first + step - 1) / step;
    for (int p = 0; p < count; p += kPixelsAtOnce) {
      const float *factors[kPixelsAtOnce];
      float *sums[kPixelsAtOnce];
      for (int i = 0; i < kPixelsAtOnce; ++i) {
        const bool real = p + i < count;
        factors[i] = real ? input_pixel(y, (p + i) * stride + offset) : zeros_.data();
        sums[i] = real ? &sums_[static_cast<std::size_t>(first + (p + i) * step) * out_]
                       : &unused_[static_cast<std::size_t>(i) * out_];
      }
      add_products(factors, weights, in_, out_, sums);
    }
  }

  void add_row(int row) {
    for (int ky = 0; ky < args_.kernel_height; ++ky)
      for (int kx = 0; kx < args_.kernel_width; ++kx)
        add_tap(ky, kx, row * args_.stride_height - args_.padding_height + ky, 0, 1,
                args_.stride_width, kx - args_.padding_width);
  }

  void add_transposed_row(int row) {
    const AxisTaps rows = transposed_axis(row % 2);
    for (int i = 0; i < rows.count; ++i)
      for (int odd = 0; odd < 2; ++odd) {
        const AxisTaps columns = transposed_axis(odd);
        for (int j = 0; j < columns.count; ++j)
          add_tap(rows.first + i * rows.step, columns.first + j * columns.step, row / 2 + i, odd, 2,
                  1, j);
      }
  }

  void finish_row(int image, int row) {
    const std::int64_t offset = static_cast<std::int64_t>(row) * args_.output_width * out_;
    if (args_.residual) {
      Floats added(sums_.size());
      load(args_.number, args_.inputs[0].data, image_start(args_.inputs[0], image) + offset,
           static_cast<std::int64_t>(added.size()), added.data());
      for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += added[i];
    }
    if (args_.relu)
      for (float &sum : sums_) sum = relu(sum);
    store(args_.number, sums_.data(), static_cast<std::int64_t>(sums_.size()), args_.output.data,
          image_start(args_.output, image) + offset);
  }

  const ConvArgs &args_;
  const int in_, out_;
  Floats weights_, input_;
  const Floats zeros_;
  Floats unused_, sums_;
};

template <typename What>
void for_pixels(int images, int height, int width, const What &what) {
  for (std::int64_t pixel = 0; pixel < std::int64_t{images} * height * width; ++pixel)
    what(pixel, static_cast<int>(pixel / width % height));
}

}  // namespace

void convolve_on_cpu(const ConvArgs &args) {
  Convolution(args).run();
}

void write_faces_on_cpu(const FaceArgs &args) {
  with_number(args.number, [&](auto constant) {
    constexpr Number kNumber = decltype(constant)::value;
    auto *output = static_cast<typename Storage<kNumber>::Type *>(args.output);
    for_pixels(args.images, args.edge, args.edge, [&](std::int64_t pixel, int row) {
      const CropPlace &place = args.places[pixel / args.edge / args.edge];
      std::uint8_t bgr[kPictureChannels];
      resized_pixel(
          args.crops + place.offset, place.width, place.height, args.edge,
          static_cast<int>(pixel % args.edge), row, [](const std::uint8_t *from) { return *from; },
          bgr);
      face_pixel<kNumber>(bgr, row >= args.edge / 2, output + pixel * kChannelStep);
    });
  });
}

void write_mels_on_cpu(const MelArgs &args) {
  with_number(args.number, [&](auto constant) {
    constexpr Number kNumber = decltype(constant)::value;
    auto *output = static_cast<typename Storage<kNumber>::Type *>(args.output);
    for_pixels(args.images, args.bands, args.columns, [&](std::int64_t pixel, int) {
      mel_pixel<kNumber>(args.mels[pixel], output + pixel * kChannelStep);
    });
  });
}

void write_answers_on_cpu(const AnswerArgs &args) {
  const int rows = args.edge - args.first_row;
  with_number(args.number, [&](auto constant) {
    using Stored = Storage<decltype(constant)::value>;
    const auto *input = static_cast<const typename Stored::Type *>(args.input);
    for_pixels(args.images, rows, args.edge, [&](std::int64_t pixel, int) {
      const std::int64_t above = (pixel / (rows * args.edge) + 1) * args.first_row * args.edge;
      const auto *channels = input + (pixel + above) * args.channels;
      float sums[kPictureChannels];
      std::copy_n(args.bias, kPictureChannels, sums);
      for (int c = 0; c < args.channels; ++c)
        add_answer_channel(Stored::load(channels[c]), args.weights + c, args.channels, sums);
      for (int c = 0; c < kPictureChannels; ++c)
        args.pictures[pixel * kPictureChannels + c] = byte_of_logit(sums[c]);
    });
  });
}

}  // namespace w2l
