// gst-wav2lip: one network as a checkpoint describes it. See network.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network.h"

#include <cmath>
#include <cstring>
#include <map>
#include <set>

namespace w2l {
namespace {

constexpr double kNormEpsilon = 1e-5;  // PyTorch's default, which all families use
constexpr char kPassThis[] = "pass wav2lip.pth or wav2lip_gan.pth";

bool has_norm(const LayerRow &row) {
  return row.kind != LayerKind::Last;
}

std::string conv_name(const LayerRow &row) {
  return std::string(row.name) + (has_norm(row) ? ".conv_block.0." : ".");
}

std::string norm_name(const LayerRow &row) {
  return std::string(row.name) + ".conv_block.1.";
}

// The S3FD face detector lies beside the checkpoints in most installations.
bool is_s3fd(const Checkpoint &checkpoint) {
  return checkpoint.find("conv1_1.weight") && checkpoint.find("conv3_3_norm.weight");
}

bool has_layer(const Checkpoint &checkpoint, const LayerRow &row) {
  return checkpoint.find(conv_name(row) + "weight") != nullptr;
}

// The first tensor that belongs to no layer of the family; counters and such do.
std::string first_foreign(const Checkpoint &checkpoint, const Family &family) {
  std::set<std::string> prefixes;
  for (const LayerRow &row : family.layers) {
    prefixes.insert(conv_name(row));
    if (has_norm(row)) prefixes.insert(norm_name(row));
  }
  for (const auto &[name, tensor] : checkpoint.tensors()) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos || !prefixes.count(name.substr(0, dot + 1))) return name;
  }
  return {};
}

const CheckpointTensor &require(const Checkpoint &checkpoint, const std::string &name) {
  const CheckpointTensor *tensor = checkpoint.find(name);
  if (!tensor)
    fail(ErrorCode::Format, checkpoint.path(),
         "is not a complete Wav2Lip checkpoint: tensor \"" + name + "\" is missing; " + kPassThis);
  return *tensor;
}

void require_shape(const Checkpoint &checkpoint, const std::string &name,
                   const std::vector<std::int64_t> &shape) {
  const CheckpointTensor &tensor = require(checkpoint, name);
  if (tensor.shape != shape)
    fail(ErrorCode::Format, checkpoint.path(),
         "is not a Wav2Lip checkpoint: tensor \"" + name + "\" has the shape " +
             shape_text(tensor.shape) + ", but " + shape_text(shape) + " is needed; " + kPassThis);
}

// Whether at least one layer of the family is there.
bool resembles(const Checkpoint &checkpoint, const Family &family) {
  for (const LayerRow &row : family.layers)
    if (has_layer(checkpoint, row)) return true;
  return false;
}

// Throws unless all tensors are some family's. Missing and misshapen ones are found later.
const Family &sniff(const Checkpoint &checkpoint) {
  if (is_s3fd(checkpoint))
    fail(ErrorCode::Unsupported, checkpoint.path(),
         std::string("is a face detector, not a Wav2Lip checkpoint; ") + kPassThis);
  for (const Family &family : families())
    if (resembles(checkpoint, family) && first_foreign(checkpoint, family).empty()) return family;
  const Family &first = families().front();
  if (resembles(checkpoint, first))
    fail(ErrorCode::Unsupported, checkpoint.path(),
         "is a Wav2Lip network of another family (it has a tensor \"" +
             printable(first_foreign(checkpoint, first)) + "\"), which this version cannot run; " +
             kPassThis + ", made for 96-pixel faces");
  fail(ErrorCode::Format, checkpoint.path(),
       "is not a Wav2Lip checkpoint: tensor \"" + conv_name(first.layers.front()) +
           "weight\" is missing; " + kPassThis);
}

// Walks the layers in the order of computation and checks what each one must take in.
class Describer {
 public:
  Describer(const Checkpoint &checkpoint, const Family &family)
      : checkpoint_(checkpoint), family_(family) {}

  std::vector<Layer> run() {
    std::vector<Layer> layers;
    const LayerRow *previous = nullptr;
    for (const LayerRow &row : family_.layers) {
      enter(row, previous);
      layers.push_back(layer(row));
      channels_ = layers.back().out;
      // The last layer of an encoder block wins: its result is the feature.
      if (row.part == Part::FaceEncoder) features_[row.block] = channels_;
      previous = &row;
    }
    return layers;
  }

  std::int64_t parameters() const { return parameters_; }

 private:
  // Sets channels_ to what arrives at `row`.
  void enter(const LayerRow &row, const LayerRow *previous) {
    if (!previous) channels_ = family_.face_channels;
    if (!previous) return;
    if (row.part != previous->part && row.part == Part::AudioEncoder) channels_ = 1;
    // The decoder starts from the audio encoder's result, which channels_ already is.
    const bool leaves_block = previous->part == Part::Decoder &&
                              (row.part != Part::Decoder || row.block != previous->block);
    if (leaves_block) channels_ += features_.at(mirrored(previous->block));
  }

  int mirrored(int decoder_block) const { return features_.rbegin()->first - decoder_block; }

  Layer layer(const LayerRow &row) {
    const std::string conv = conv_name(row);
    const CheckpointTensor &weight = require(checkpoint_, conv + "weight");
    const bool transposed = row.kind == LayerKind::Transposed;
    const std::size_t out_axis = transposed ? 1 : 0;
    std::int64_t out = weight.shape.size() == 4 ? weight.shape[out_axis] : 1;
    if (row.kind == LayerKind::Residual) out = channels_;
    if (row.kind == LayerKind::Last) out = family_.picture_channels;
    if (out < 1) out = 1;  // and the check below says what is wrong
    std::vector<std::int64_t> shape = {out, channels_, row.kernel, row.kernel};
    if (transposed) std::swap(shape[0], shape[1]);
    require_shape(checkpoint_, conv + "weight", shape);
    require_shape(checkpoint_, conv + "bias", {out});
    parameters_ += weight.count() + out;
    if (has_norm(row)) {
      for (const char *name : {"weight", "bias", "running_mean", "running_var"})
        require_shape(checkpoint_, norm_name(row) + name, {out});
      parameters_ += 2 * out;  // running statistics are not trained
    }
    return {&row, channels_, out};
  }

  const Checkpoint &checkpoint_;
  const Family &family_;
  std::int64_t channels_ = 0;
  std::map<int, std::int64_t> features_;  // channels by encoder block
  std::int64_t parameters_ = 0;
};

// All exponent bits are set in infinities and NaNs only. Compilers vectorise this loop, and not one
// that ends early.
bool all_finite(const std::vector<float> &values) {
  std::uint32_t found = 0;
  for (float value : values) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    found |= (bits & 0x7F800000u) == 0x7F800000u ? 1 : 0;
  }
  return found == 0;
}

void require_finite(const Checkpoint &checkpoint, const std::string &name,
                    const std::vector<float> &values) {
  if (!all_finite(values))
    fail(ErrorCode::Format, checkpoint.path(),
         "has a value that is not a finite number in tensor \"" + name +
             "\"; use another checkpoint");
}

// y = (conv(x) - mean) / sqrt(var + eps) * gamma + beta is again a convolution.
void fold_norm(const Checkpoint &checkpoint, const Layer &layer, LayerWeights &weights) {
  const std::string norm = norm_name(*layer.row);
  const auto values = [&](const char *name) {
    return checkpoint.read(require(checkpoint, norm + name));
  };
  const std::vector<float> gamma = values("weight"), beta = values("bias");
  const std::vector<float> mean = values("running_mean"), variance = values("running_var");
  // Weights of one output channel: `run` neighbours, once in each of `repeats` rows.
  const bool transposed = layer.row->kind == LayerKind::Transposed;
  const std::int64_t taps = layer.row->kernel * layer.row->kernel;
  const std::int64_t run = transposed ? taps : taps * layer.in;
  const std::int64_t repeats = transposed ? layer.in : 1;
  for (std::int64_t channel = 0; channel < layer.out; ++channel) {
    const std::size_t c = static_cast<std::size_t>(channel);
    const double scale = gamma[c] / std::sqrt(variance[c] + kNormEpsilon);
    for (std::int64_t repeat = 0; repeat < repeats; ++repeat) {
      float *weight = weights.weight.data() + (repeat * layer.out + channel) * run;
      for (std::int64_t i = 0; i < run; ++i) weight[i] = static_cast<float>(weight[i] * scale);
    }
    weights.bias[c] =
        static_cast<float>((static_cast<double>(weights.bias[c]) - mean[c]) * scale + beta[c]);
  }
}

}  // namespace

Network Network::describe(const Checkpoint &checkpoint) {
  Network network(sniff(checkpoint));
  Describer describer(checkpoint, network.family());
  network.layers_ = describer.run();
  network.parameters_ = describer.parameters();
  return network;
}

std::vector<Layer> Network::part(Part part) const {
  std::vector<Layer> result;
  for (const Layer &layer : layers_)
    if (layer.row->part == part) result.push_back(layer);
  return result;
}

LayerWeights Network::read(const Checkpoint &checkpoint, const Layer &layer) {
  LayerWeights weights;
  read(checkpoint, layer, weights);
  return weights;
}

void Network::read(const Checkpoint &checkpoint, const Layer &layer, LayerWeights &weights) {
  const std::string conv = conv_name(*layer.row);
  const CheckpointTensor &weight = require(checkpoint, conv + "weight");
  checkpoint.read(weight, weights.weight);
  weights.shape = weight.shape;
  checkpoint.read(require(checkpoint, conv + "bias"), weights.bias);
  if (has_norm(*layer.row)) fold_norm(checkpoint, layer, weights);
  require_finite(checkpoint, conv + "weight", weights.weight);
  require_finite(checkpoint, conv + "bias", weights.bias);
}

}  // namespace w2l
