// gst-wav2lip tests: a network by plain loops over planes. See plain_network.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plain_network.h"

#include <algorithm>
#include <cmath>

#include "checkpoint/checkpoint.h"
#include "network/layer_geometry.h"

namespace w2l::test {

double levels_off(const std::vector<std::uint8_t> &picture, const std::vector<double> &expected,
                  std::size_t first) {
  double largest = 0;
  for (std::size_t i = first; i < expected.size(); ++i)
    largest = std::max(largest, std::fabs(picture[i] + 0.5 - expected[i] * 255) - 0.5);
  return largest;
}

PlainNetwork::Planes::Planes(std::int64_t c, std::int64_t h, std::int64_t w)
    : channels(c), height(h), width(w), values(static_cast<std::size_t>(c * h * w)) {}

double &PlainNetwork::Planes::at(std::int64_t c, std::int64_t y, std::int64_t x) {
  return values[static_cast<std::size_t>((c * height + y) * width + x)];
}

double PlainNetwork::Planes::at(std::int64_t c, std::int64_t y, std::int64_t x) const {
  return values[static_cast<std::size_t>((c * height + y) * width + x)];
}

PlainNetwork::PlainNetwork(const std::string &path) {
  const Checkpoint checkpoint = Checkpoint::open(path);
  const Network network = Network::describe(checkpoint);
  family_ = network.family();
  const auto read = [&](Part part, std::vector<PlainLayer> &to) {
    for (const Layer &layer : network.part(part))
      to.push_back({layer, Network::read(checkpoint, layer)});
  };
  read(Part::FaceEncoder, face_);
  for (const Part part : {Part::AudioEncoder, Part::Decoder, Part::Output}) read(part, speech_);
}

std::vector<double> PlainNetwork::answer(const std::uint8_t *crop, const float *mel) const {
  const std::int64_t edge = family_.crop_size;
  Planes face(family_.face_channels, edge, edge);
  for (std::int64_t y = 0; y < edge; ++y)
    for (std::int64_t x = 0; x < edge; ++x)
      for (std::int64_t c = 0; c < 3; ++c) {
        const double value = crop[(y * edge + x) * 3 + c] / 255.0;
        face.at(c, y, x) = y < edge / 2 ? value : 0;
        face.at(c + 3, y, x) = value;
      }
  std::vector<Planes> features;  // of each block
  for (std::size_t i = 0; i < face_.size(); ++i) {
    face = run(face_[i], face);
    if (i + 1 == face_.size() || face_[i + 1].layer.row->block != face_[i].layer.row->block)
      features.push_back(face);
  }

  Planes x(1, family_.mel_bands, family_.mel_columns);
  x.values.assign(mel, mel + x.values.size());
  for (std::size_t i = 0; i < speech_.size(); ++i) {
    x = run(speech_[i], x);
    const LayerRow &row = *speech_[i].layer.row;
    if (row.part != Part::Decoder) continue;
    const LayerRow &next = *speech_[i + 1].layer.row;
    if (next.part == row.part && next.block == row.block) continue;
    append(x, features.back());
    features.pop_back();
  }

  std::vector<double> pixels;
  for (std::int64_t row = 0; row < edge; ++row)
    for (std::int64_t column = 0; column < edge; ++column)
      for (std::int64_t c = 0; c < 3; ++c) pixels.push_back(x.at(c, row, column));
  return pixels;
}

PlainNetwork::Planes PlainNetwork::run(const PlainLayer &layer, const Planes &x) {
  Planes y = convolve(layer, x);
  const LayerKind kind = layer.layer.row->kind;
  for (std::size_t i = 0; i < y.values.size(); ++i) {
    double &value = y.values[i];
    if (kind == LayerKind::Residual) value += x.values[i];
    value = kind == LayerKind::Last ? 1 / (1 + std::exp(-value)) : std::max(value, 0.0);
  }
  return y;
}

// Every input pixel and weight adds to one pixel of the output, if that is there.
PlainNetwork::Planes PlainNetwork::convolve(const PlainLayer &layer, const Planes &x) {
  const LayerRow &row = *layer.layer.row;
  const Size2 size = output_size(row, {x.height, x.width});
  const bool transposed = row.kind == LayerKind::Transposed;
  const std::int64_t kernel = row.kernel, out = layer.layer.out, in = layer.layer.in;
  Planes y(out, size.height, size.width);
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t p = 0; p < size.height * size.width; ++p)
      y.values[static_cast<std::size_t>(o * size.height * size.width + p)] =
          layer.weights.bias[static_cast<std::size_t>(o)];
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t i = 0; i < in; ++i)
      for (std::int64_t ky = 0; ky < kernel; ++ky)
        for (std::int64_t kx = 0; kx < kernel; ++kx) {
          const std::int64_t filter = transposed ? i * out + o : o * in + i;
          const double weight =
              layer.weights.weight[static_cast<std::size_t>((filter * kernel + ky) * kernel + kx)];
          // The smaller picture's pixels are visited.
          const std::int64_t height = transposed ? x.height : y.height;
          const std::int64_t width = transposed ? x.width : y.width;
          for (std::int64_t v = 0; v < height; ++v)
            for (std::int64_t u = 0; u < width; ++u) {
              const std::int64_t far_v = v * row.stride.height - row.padding + ky;
              const std::int64_t far_u = u * row.stride.width - row.padding + kx;
              const Planes &far = transposed ? y : x;
              if (far_v < 0 || far_u < 0 || far_v >= far.height || far_u >= far.width) continue;
              if (transposed)
                y.at(o, far_v, far_u) += weight * x.at(i, v, u);
              else
                y.at(o, v, u) += weight * x.at(i, far_v, far_u);
            }
        }
  return y;
}

void PlainNetwork::append(Planes &to, const Planes &more) {
  to.channels += more.channels;
  to.values.insert(to.values.end(), more.values.begin(), more.values.end());
}

}  // namespace w2l::test
