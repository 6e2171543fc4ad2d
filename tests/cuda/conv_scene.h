// gst-wav2lip tests: convolutions with random numbers for kernels and their twins. Arrays are just
// as long as they must be; what must not be used is NaN: input rows that no needed output sees,
// slots that no image is in. So is the output, before.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <ostream>
#include <random>
#include <vector>

#include "half_numbers.h"
#include "kernel_args.h"

namespace w2l {

constexpr Number kAllNumbers[] = {Number::Fp32, Number::Tf32, Number::Bf16, Number::Fp16};

struct ConvCase {
  Number number = Number::Fp32;
  int images = 1;
  int channels[2] = {8, 0};
  int output_channels = 8;
  int height = 5, width = 5;
  int kernel[2] = {3, 3}, stride[2] = {1, 1}, padding[2] = {1, 1};
  bool transposed = false;
  bool residual = false, relu = true;
  int first_row = 0;
  int splits = 1;
  bool indexed = false;  // images are in slots, in any order
};

inline std::ostream &operator<<(std::ostream &out, const ConvCase &c) {
  const char *const names[] = {"fp32", "tf32", "bf16", "fp16"};
  return out << names[static_cast<int>(c.number)] << " images " << c.images << " channels "
             << c.channels[0] << "+" << c.channels[1] << "->" << c.output_channels << " size "
             << c.height << "x" << c.width << " kernel " << c.kernel[0] << "x" << c.kernel[1]
             << " stride " << c.stride[0] << "x" << c.stride[1] << " padding " << c.padding[0]
             << "x" << c.padding[1] << (c.transposed ? " transposed" : "")
             << (c.residual ? " residual" : "") << (c.relu ? " relu" : "") << " first row "
             << c.first_row << " splits " << c.splits << (c.indexed ? " indexed" : "");
}

inline float load_number(Number number, const std::vector<std::uint8_t> &bytes, std::size_t index) {
  return with_number(number, [&](auto constant) {
    using Stored = Storage<decltype(constant)::value>;
    typename Stored::Type stored;
    std::memcpy(&stored, &bytes[index * sizeof(stored)], sizeof(stored));
    return Stored::load(stored);
  });
}

inline void store_number(Number number, float value, std::vector<std::uint8_t> &bytes,
                         std::size_t index) {
  with_number(number, [&](auto constant) {
    using Stored = Storage<decltype(constant)::value>;
    const typename Stored::Type stored = Stored::store(value);
    std::memcpy(&bytes[index * sizeof(stored)], &stored, sizeof(stored));
  });
}

// What rounding to a number may change, relatively.
inline double rounding(Number number) {
  return number == Number::Fp16 ? 0x1p-11 : number == Number::Bf16 ? 0x1p-8 : 0x1p-24;
}

class ConvScene {
 public:
  struct Pictures {
    std::vector<std::uint8_t> bytes;
    std::vector<std::int32_t> index;
    std::size_t image_size = 0;  // elements
    std::size_t start(int image) const {
      const int slot = index.empty() ? image : index[static_cast<std::size_t>(image)];
      return static_cast<std::size_t>(slot) * image_size;
    }
  };

  ConvScene(const ConvCase &c, unsigned seed) : random_(seed) {
    ConvArgs &args = args_;
    args.number = c.number;
    args.images = c.images;
    args.input_height = c.height;
    args.input_width = c.width;
    args.transposed = c.transposed;
    args.kernel_height = c.kernel[0];
    args.kernel_width = c.kernel[1];
    args.stride_height = c.stride[0];
    args.stride_width = c.stride[1];
    args.padding_height = c.padding[0];
    args.padding_width = c.padding[1];
    args.output_height =
        c.transposed ? 2 * c.height : (c.height + 2 * c.padding[0] - c.kernel[0]) / c.stride[0] + 1;
    args.output_width =
        c.transposed ? 2 * c.width : (c.width + 2 * c.padding[1] - c.kernel[1]) / c.stride[1] + 1;
    args.first_row = c.first_row;
    args.residual = c.residual;
    args.relu = c.relu;
    args.splits = c.splits;

    for (int i = 0; i < 2; ++i)
      if (c.channels[i])
        args.inputs[i] = make_pictures(inputs_[i], c.channels[i], c.height, c.width, c.indexed);
    for (int i = 0; i < 2; ++i) fill_input(i);
    args.output =
        make_pictures(output_, c.output_channels, args.output_height, args.output_width, c.indexed);

    const std::size_t in = static_cast<std::size_t>(c.channels[0] + c.channels[1]);
    const std::size_t weights = static_cast<std::size_t>(c.kernel[0] * c.kernel[1]) * in *
                                static_cast<std::size_t>(c.output_channels);
    weights_.resize(weights * size_of(c.number));
    for (std::size_t i = 0; i < weights; ++i) store_number(c.number, value(), weights_, i);
    bias_.resize(static_cast<std::size_t>(c.output_channels));
    std::generate(bias_.begin(), bias_.end(), [this] { return value(); });
    args.weights = weights_.data();
    args.bias = bias_.data();
  }
  ConvScene(const ConvScene &) = delete;
  ConvScene &operator=(const ConvScene &) = delete;

  ConvArgs &args() { return args_; }
  const ConvArgs &args() const { return args_; }
  const Pictures &input(int i) const { return inputs_[i]; }
  Pictures &output() { return output_; }
  const Pictures &output() const { return output_; }
  const std::vector<std::uint8_t> &weights() const { return weights_; }
  const std::vector<float> &bias() const { return bias_; }

  float output_number(std::size_t element) const {
    return load_number(args_.number, output_.bytes, element);
  }

  // Calls what(image, y, x, channel, element) for all that is to be computed.
  template <typename What>
  void for_outputs(const What &what) const {
    for (int image = 0; image < args_.images; ++image)
      for (int y = args_.first_row; y < args_.output_height; ++y)
        for (int x = 0; x < args_.output_width; ++x)
          for (int channel = 0; channel < args_.output.channels; ++channel)
            what(image, y, x, channel,
                 output_.start(image) +
                     static_cast<std::size_t>((y * args_.output_width + x) * args_.output.channels +
                                              channel));
  }

 private:
  float value() { return std::uniform_real_distribution<float>(-1, 1)(random_); }

  ConvPictures make_pictures(Pictures &pictures, int channels, int height, int width,
                             bool indexed) {
    // In slots, as if something else lay between the pictures.
    pictures.image_size =
        static_cast<std::size_t>(height * width * channels + (indexed ? kChannelStep : 0));
    const std::size_t images = static_cast<std::size_t>(args_.images);
    const std::size_t slots = indexed ? images + 2 : images;
    if (indexed) {
      std::vector<std::int32_t> all(slots);
      std::iota(all.begin(), all.end(), 0);
      std::shuffle(all.begin(), all.end(), random_);
      pictures.index.assign(all.begin(), all.begin() + args_.images);
    }
    pictures.bytes.assign(slots * pictures.image_size * size_of(args_.number), 0xff);
    return {pictures.bytes.data(), channels, static_cast<std::int64_t>(pictures.image_size),
            indexed ? pictures.index.data() : nullptr};
  }

  void fill_input(int i) {
    const ConvPictures &pictures = args_.inputs[i];
    // Output row y sees nothing above this.
    int first = args_.transposed ? args_.first_row / 2
                                 : args_.first_row * args_.stride_height - args_.padding_height;
    first = std::max(first, 0);
    const int row = args_.input_width * pictures.channels;
    for (int image = 0; image < args_.images && pictures.channels; ++image)
      for (int element = first * row; element < args_.input_height * row; ++element)
        store_number(args_.number, value(), inputs_[i].bytes,
                     inputs_[i].start(image) + static_cast<std::size_t>(element));
  }

  std::mt19937 random_;
  ConvArgs args_;
  Pictures inputs_[2], output_;
  std::vector<std::uint8_t> weights_;
  std::vector<float> bias_;
};

// Shapes of all kinds: what the network has, and what it has not.
inline ConvCase random_case(std::mt19937 &random, Number number) {
  const auto some = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  ConvCase c;
  c.number = number;
  c.images = some(1, 3);
  c.channels[0] = kChannelStep * some(1, 6);
  c.channels[1] = some(0, 1) ? kChannelStep * some(1, 4) : 0;
  c.output_channels = kChannelStep * some(1, 10);
  c.height = some(1, 7);
  c.width = some(1, 7);
  c.relu = some(0, 3) != 0;
  c.indexed = some(0, 1) != 0;
  c.transposed = some(0, 2) == 0;
  int rows = 2 * c.height;
  if (!c.transposed) {
    for (int axis = 0; axis < 2; ++axis) {
      const int size = axis ? c.width : c.height;
      c.padding[axis] = some(0, 3);
      c.kernel[axis] = some(1, std::min(7, size + 2 * c.padding[axis]));
      c.stride[axis] = some(1, 3);
    }
    rows = (c.height + 2 * c.padding[0] - c.kernel[0]) / c.stride[0] + 1;
    if (some(0, 1)) {  // the output as large as the input
      for (int axis = 0; axis < 2; ++axis) {
        c.padding[axis] = some(0, 2);
        c.kernel[axis] = 2 * c.padding[axis] + 1;
        c.stride[axis] = 1;
      }
      rows = c.height;
      c.residual = some(0, 1) != 0;
      if (c.residual) c.output_channels = c.channels[0];
    }
  }
  c.first_row = some(0, rows - 1);
  return c;
}

}  // namespace w2l
