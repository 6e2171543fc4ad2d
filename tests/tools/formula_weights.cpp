// gst-wav2lip tests: formula weights for the 96-pixel network. See formula_weights.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "formula_weights.h"

#include <cmath>

namespace w2l::test {
namespace {

constexpr double kGain = 1.5;        // keeps activations alive through 40 layers
constexpr double kOutputGain = 0.5;  // and the last sigmoid off its ends

// Written down apart from the product's own table (models/network), so that one checks the other.
struct Row {
  const char *name;
  int in, out, kernel;
  int stride;     // of a transposed convolution; 0 marks an ordinary one
  bool residual;  // adds its input before the ReLU
};

constexpr Row kFace[] = {
    {"face_encoder_blocks.0.0", 6, 16, 7, 0, false},
    {"face_encoder_blocks.1.0", 16, 32, 3, 0, false},
    {"face_encoder_blocks.1.1", 32, 32, 3, 0, true},
    {"face_encoder_blocks.1.2", 32, 32, 3, 0, true},
    {"face_encoder_blocks.2.0", 32, 64, 3, 0, false},
    {"face_encoder_blocks.2.1", 64, 64, 3, 0, true},
    {"face_encoder_blocks.2.2", 64, 64, 3, 0, true},
    {"face_encoder_blocks.2.3", 64, 64, 3, 0, true},
    {"face_encoder_blocks.3.0", 64, 128, 3, 0, false},
    {"face_encoder_blocks.3.1", 128, 128, 3, 0, true},
    {"face_encoder_blocks.3.2", 128, 128, 3, 0, true},
    {"face_encoder_blocks.4.0", 128, 256, 3, 0, false},
    {"face_encoder_blocks.4.1", 256, 256, 3, 0, true},
    {"face_encoder_blocks.4.2", 256, 256, 3, 0, true},
    {"face_encoder_blocks.5.0", 256, 512, 3, 0, false},
    {"face_encoder_blocks.5.1", 512, 512, 3, 0, true},
    {"face_encoder_blocks.6.0", 512, 512, 3, 0, false},
    {"face_encoder_blocks.6.1", 512, 512, 1, 0, false},
    {"audio_encoder.0", 1, 32, 3, 0, false},
    {"audio_encoder.1", 32, 32, 3, 0, true},
    {"audio_encoder.2", 32, 32, 3, 0, true},
    {"audio_encoder.3", 32, 64, 3, 0, false},
    {"audio_encoder.4", 64, 64, 3, 0, true},
    {"audio_encoder.5", 64, 64, 3, 0, true},
    {"audio_encoder.6", 64, 128, 3, 0, false},
    {"audio_encoder.7", 128, 128, 3, 0, true},
    {"audio_encoder.8", 128, 128, 3, 0, true},
    {"audio_encoder.9", 128, 256, 3, 0, false},
    {"audio_encoder.10", 256, 256, 3, 0, true},
    {"audio_encoder.11", 256, 512, 3, 0, false},
    {"audio_encoder.12", 512, 512, 1, 0, false},
    {"face_decoder_blocks.0.0", 512, 512, 1, 0, false},
    {"face_decoder_blocks.1.0", 1024, 512, 3, 1, false},
    {"face_decoder_blocks.1.1", 512, 512, 3, 0, true},
    {"face_decoder_blocks.2.0", 1024, 512, 3, 2, false},
    {"face_decoder_blocks.2.1", 512, 512, 3, 0, true},
    {"face_decoder_blocks.2.2", 512, 512, 3, 0, true},
    {"face_decoder_blocks.3.0", 768, 384, 3, 2, false},
    {"face_decoder_blocks.3.1", 384, 384, 3, 0, true},
    {"face_decoder_blocks.3.2", 384, 384, 3, 0, true},
    {"face_decoder_blocks.4.0", 512, 256, 3, 2, false},
    {"face_decoder_blocks.4.1", 256, 256, 3, 0, true},
    {"face_decoder_blocks.4.2", 256, 256, 3, 0, true},
    {"face_decoder_blocks.5.0", 320, 128, 3, 2, false},
    {"face_decoder_blocks.5.1", 128, 128, 3, 0, true},
    {"face_decoder_blocks.5.2", 128, 128, 3, 0, true},
    {"face_decoder_blocks.6.0", 160, 64, 3, 2, false},
    {"face_decoder_blocks.6.1", 64, 64, 3, 0, true},
    {"face_decoder_blocks.6.2", 64, 64, 3, 0, true},
    {"output_block.0", 80, 32, 3, 0, false},
};

std::uint64_t fnv1a64(const std::string &text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (unsigned char byte : text) hash = (hash ^ byte) * 0x100000001B3u;
  return hash;
}

std::uint64_t splitmix64(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double to_unit(std::uint64_t hash) {
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

void append_layer(std::vector<TensorSpec> &list, const Row &row, int divide) {
  // The network's own inputs keep their channels.
  const std::int64_t in = row.in == 6 || row.in == 1 ? row.in : row.in / divide;
  const std::int64_t out = row.out / divide, k = row.kernel;
  const std::string conv = std::string(row.name) + ".conv_block.0.";
  const std::string norm = std::string(row.name) + ".conv_block.1.";
  double fan_in = static_cast<double>(in * k * k);
  std::vector<std::int64_t> shape = {out, in, k, k};
  if (row.stride > 0) {
    shape = {in, out, k, k};
    fan_in /= row.stride * row.stride;
  }
  list.push_back({conv + "weight", shape, TensorKind::ConvWeight, fan_in, false});
  list.push_back({conv + "bias", {out}, TensorKind::ConvBias, 0, false});
  list.push_back({norm + "weight", {out}, TensorKind::NormWeight, 0, row.residual});
  list.push_back({norm + "bias", {out}, TensorKind::NormBias, 0, false});
  list.push_back({norm + "running_mean", {out}, TensorKind::NormMean, 0, false});
  list.push_back({norm + "running_var", {out}, TensorKind::NormVar, 0, false});
  list.push_back({norm + "num_batches_tracked", {}, TensorKind::Counter, 0, false});
}

}  // namespace

std::int64_t element_count(const TensorSpec &spec) {
  std::int64_t count = 1;
  for (std::int64_t size : spec.shape) count *= size;
  return count;
}

std::vector<TensorSpec> wav2lip96_tensors(int divide) {
  std::vector<TensorSpec> list;
  for (const Row &row : kFace) append_layer(list, row, divide);
  const std::int64_t last = 32 / divide;
  list.push_back({"output_block.1.weight",
                  {3, last, 1, 1},
                  TensorKind::ConvWeight,
                  static_cast<double>(last),
                  false});
  list.push_back({"output_block.1.bias", {3}, TensorKind::ConvBias, 0, false});
  return list;
}

double formula_uniform(const std::string &name, std::int64_t index) {
  return to_unit(splitmix64(fnv1a64(name) + static_cast<std::uint64_t>(index)));
}

std::vector<float> formula_values(const TensorSpec &spec) {
  const double gain = spec.name == "output_block.1.weight" ? kOutputGain : kGain;
  const double spread = std::sqrt(3.0 / spec.fan_in);
  const std::uint64_t seed = fnv1a64(spec.name);
  std::vector<float> values(static_cast<std::size_t>(element_count(spec)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double u = to_unit(splitmix64(seed + i)), s = 2 * u - 1;
    double v = 0;
    switch (spec.kind) {
      case TensorKind::ConvWeight:
        v = s * gain * spread;
        break;
      case TensorKind::ConvBias:
        v = 0.05 * s;
        break;
      case TensorKind::NormWeight:
        v = spec.residual ? 0.3 + 0.2 * u : 0.8 + 0.4 * u;
        break;
      case TensorKind::NormBias:
      case TensorKind::NormMean:
        v = 0.1 * s;
        break;
      case TensorKind::NormVar:
        v = 0.8 + 0.4 * u;
        break;
      case TensorKind::Counter:
        break;
    }
    values[i] = static_cast<float>(v);
  }
  return values;
}

}  // namespace w2l::test
