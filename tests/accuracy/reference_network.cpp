// gst-wav2lip tests: convolution, batch-norm, ReLU, one after the other. See reference_network.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reference_network.h"

#include <ATen/ops/add.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>

#include <array>

namespace w2l::test {
namespace {

std::string module_of(const LayerRow &row) {
  return std::string(row.name) + (row.kind == LayerKind::Last ? "." : ".conv_block.0.");
}

std::string norm_of(const LayerRow &row) {
  return std::string(row.name) + ".conv_block.1.";
}

}  // namespace

ReferenceNetwork::ReferenceNetwork(const Checkpoint &checkpoint, const Network &network)
    : family_(&network.family()) {
  for (const auto &[name, tensor] : checkpoint.tensors()) {
    std::vector<float> values = checkpoint.read(tensor);
    tensors_[name] = at::from_blob(values.data(), tensor.shape, at::kFloat).to(at::kDouble);
  }
}

at::Tensor ReferenceNetwork::convolve(const LayerRow &row, const at::Tensor &x) const {
  const std::string module = module_of(row);
  const at::Tensor &weight = tensors_.at(module + "weight"), &bias = tensors_.at(module + "bias");
  const std::array<std::int64_t, 2> stride = {row.stride.height, row.stride.width};
  if (row.kind == LayerKind::Transposed)
    return at::conv_transpose2d(x, weight, bias, stride, row.padding, row.output_padding);
  return at::conv2d(x, weight, bias, stride, row.padding);
}

at::Tensor ReferenceNetwork::normalize(const LayerRow &row, const at::Tensor &x) const {
  const auto tensor = [&](const char *name) { return tensors_.at(norm_of(row) + name); };
  return at::batch_norm(x, tensor("weight"), tensor("bias"), tensor("running_mean"),
                        tensor("running_var"), /*training=*/false, 0, 1e-5,
                        /*cudnn_enabled=*/false);
}

at::Tensor ReferenceNetwork::run(const LayerRow &row, const at::Tensor &x) const {
  const at::Tensor y = convolve(row, x);
  if (row.kind == LayerKind::Last) return at::sigmoid(y);
  const at::Tensor normal = normalize(row, y);
  return at::relu(row.kind == LayerKind::Residual ? at::add(normal, x) : normal);
}

at::Tensor ReferenceNetwork::answer(const at::Tensor &faces, const at::Tensor &mels) const {
  std::vector<at::Tensor> features;  // of the face, by block
  at::Tensor face = faces.to(at::kDouble).contiguous(), x = mels.to(at::kDouble).contiguous();
  const LayerRow *previous = nullptr;
  for (const LayerRow &row : family_->layers) {
    const bool new_block = previous && (row.part != previous->part || row.block != previous->block);
    if (new_block && previous->part == Part::FaceEncoder) features.push_back(face);
    if (new_block && previous->part == Part::Decoder) {
      x = at::cat({x, features.back()}, 1);
      features.pop_back();
    }
    at::Tensor &to = row.part == Part::FaceEncoder ? face : x;
    to = run(row, to);
    previous = &row;
  }
  return x;
}

}  // namespace w2l::test
