// gst-wav2lip tests: convolution, batch-norm, ReLU, one after the other. See plain_network.h.
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
  const auto read_part = [&](Part part, std::vector<PlainLayer> &to) {
    for (const Layer &layer : network.part(part))
      to.push_back(PlainNetwork::read(checkpoint, layer));
  };
  read_part(Part::FaceEncoder, face_);
  for (const Part part : {Part::AudioEncoder, Part::Decoder, Part::Output})
    read_part(part, speech_);
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

PlainNetwork::PlainLayer PlainNetwork::read(const Checkpoint &checkpoint, const Layer &layer) {
  const bool last = layer.row->kind == LayerKind::Last;
  const auto tensor = [&](const char *module, const char *name) {
    const std::string full = std::string(layer.row->name) + module + name;
    return checkpoint.read(checkpoint.tensors().at(full));
  };
  const char *conv = last ? "." : ".conv_block.0.", *norm = ".conv_block.1.";
  PlainLayer plain{layer, tensor(conv, "weight"), tensor(conv, "bias"), {}, {}, {}, {}};
  if (last) return plain;
  plain.scale = tensor(norm, "weight");
  plain.shift = tensor(norm, "bias");
  plain.mean = tensor(norm, "running_mean");
  plain.variance = tensor(norm, "running_var");
  return plain;
}

PlainNetwork::Planes PlainNetwork::run(const PlainLayer &layer, const Planes &x) {
  Planes y = convolve(layer, x);
  const LayerKind kind = layer.layer.row->kind;
  if (kind != LayerKind::Last) normalize(layer, y);
  for (std::size_t i = 0; i < y.values.size(); ++i) {
    double &value = y.values[i];
    if (kind == LayerKind::Residual) value += x.values[i];
    value = kind == LayerKind::Last ? 1 / (1 + std::exp(-value)) : std::max(value, 0.0);
  }
  return y;
}

void PlainNetwork::normalize(const PlainLayer &layer, Planes &x) {
  constexpr double kEpsilon = 1e-5;  // PyTorch's
  for (std::int64_t c = 0; c < x.channels; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const double factor = layer.scale[i] / std::sqrt(layer.variance[i] + kEpsilon);
    double *plane = &x.at(c, 0, 0);
    for (std::int64_t p = 0; p < x.height * x.width; ++p)
      plane[p] = (plane[p] - layer.mean[i]) * factor + layer.shift[i];
  }
}

namespace {

// Pixels v of `count` for which v * stride + offset is one of `far_count`.
struct Inside {
  std::int64_t first, end;

  Inside(std::int64_t count, std::int64_t far_count, std::int64_t stride, std::int64_t offset)
      : first(std::max<std::int64_t>(0, (-offset + stride - 1) / stride)),
        end(std::min(count, (far_count - 1 - offset + stride) / stride)) {}
};

}  // namespace

// Every input pixel and weight adds to one pixel of the output, if that is there.
PlainNetwork::Planes PlainNetwork::convolve(const PlainLayer &layer, const Planes &x) {
  const LayerRow &row = *layer.layer.row;
  const Size2 size = output_size(row, {x.height, x.width}), stride = row.stride;
  const bool transposed = row.kind == LayerKind::Transposed;
  const std::int64_t kernel = row.kernel, out = layer.layer.out, in = layer.layer.in;
  Planes y(out, size.height, size.width);
  for (std::int64_t o = 0; o < out; ++o)
    std::fill_n(&y.at(o, 0, 0), size.height * size.width,
                static_cast<double>(layer.bias[static_cast<std::size_t>(o)]));
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t i = 0; i < in; ++i)
      for (std::int64_t ky = 0; ky < kernel; ++ky)
        for (std::int64_t kx = 0; kx < kernel; ++kx) {
          const std::int64_t filter = transposed ? i * out + o : o * in + i;
          const double weight =
              layer.weight[static_cast<std::size_t>((filter * kernel + ky) * kernel + kx)];
          // The smaller picture's pixels are visited.
          const std::int64_t above = ky - row.padding, left = kx - row.padding;
          const Planes &near = transposed ? x : y, &far = transposed ? y : x;
          const Inside rows(near.height, far.height, stride.height, above);
          const Inside columns(near.width, far.width, stride.width, left);
          for (std::int64_t v = rows.first; v < rows.end; ++v) {
            const std::int64_t far_v = v * stride.height + above;
            if (transposed) {
              double *to = &y.at(o, far_v, 0) + left;
              const double *from = x.values.data() + (i * x.height + v) * x.width;
              for (std::int64_t u = columns.first; u < columns.end; ++u)
                to[u * stride.width] += weight * from[u];
            } else {
              double *to = &y.at(o, v, 0);
              const double *from = x.values.data() + (i * x.height + far_v) * x.width + left;
              for (std::int64_t u = columns.first; u < columns.end; ++u)
                to[u] += weight * from[u * stride.width];
            }
          }
        }
  return y;
}

void PlainNetwork::append(Planes &to, const Planes &more) {
  to.channels += more.channels;
  to.values.insert(to.values.end(), more.values.begin(), more.values.end());
}

}  // namespace w2l::test
