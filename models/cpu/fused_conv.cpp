// gst-wav2lip: one convolution layer on LibTorch's fused oneDNN operators. See fused_conv.h.
// The operators are exported through the dispatcher only; their schemas are in LibTorch's
// aten/src/ATen/native/mkldnn/RegisterMkldnnOpContextClass.cpp.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fused_conv.h"

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/add.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zero.h>

#include <array>
#include <optional>
#include <string_view>

#include "cpu_precision.h"

namespace w2l {
namespace {

using Ints = at::IntArrayRef;
using OptionalTensor = std::optional<at::Tensor>;
using OptionalInts = at::OptionalIntArrayRef;
using OptionalScalar = std::optional<at::Scalar>;
using OptionalText = std::optional<std::string_view>;
using Scalars = c10::List<OptionalScalar>;

using ConvOp = at::Tensor(const at::Tensor &, const at::Tensor &, const OptionalTensor &, Ints,
                          Ints, Ints, std::int64_t, std::string_view, Scalars, OptionalText);
using BinaryOp = at::Tensor(const at::Tensor &, const at::Tensor &, const at::Tensor &,
                            const OptionalTensor &, Ints, Ints, Ints, std::int64_t,
                            std::string_view, OptionalScalar, OptionalText, Scalars, OptionalText);
using TransposedOp = at::Tensor(const at::Tensor &, const at::Tensor &, const OptionalTensor &,
                                Ints, Ints, Ints, Ints, std::int64_t, std::string_view, Scalars,
                                OptionalText);
using PackOp = at::Tensor(const at::Tensor &, Ints, Ints, Ints, std::int64_t, OptionalInts);
using PackTransposedOp = at::Tensor(const at::Tensor &, Ints, Ints, Ints, Ints, std::int64_t,
                                    OptionalInts);

template <typename Signature>
c10::TypedOperatorHandle<Signature> find_operator(const char *name, const char *overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).template typed<Signature>();
}

// Throws c10::Error in a LibTorch that has not got them, or has them with other parameters.
struct Operators {
  c10::TypedOperatorHandle<ConvOp> conv =
      find_operator<ConvOp>("mkldnn::_convolution_pointwise", "");
  c10::TypedOperatorHandle<BinaryOp> binary =
      find_operator<BinaryOp>("mkldnn::_convolution_pointwise", "binary");
  c10::TypedOperatorHandle<TransposedOp> transposed =
      find_operator<TransposedOp>("mkldnn::_convolution_transpose_pointwise", "");
  c10::TypedOperatorHandle<PackOp> pack =
      find_operator<PackOp>("mkldnn::_reorder_convolution_weight", "");
  c10::TypedOperatorHandle<PackTransposedOp> pack_transposed =
      find_operator<PackTransposedOp>("mkldnn::_reorder_convolution_transpose_weight", "");
};

// Throws Error(NoLibrary): falling back silently for all layers would halve the speed.
const Operators &operators() {
  try {
    static const Operators found;
    return found;
  } catch (const c10::Error &) {
    throw Error(
        ErrorCode::NoLibrary,
        "this LibTorch has not got the oneDNN operators that libw2l-cpu.so calls; use torch "
        "2.11: run subprojects/bootstrap, or configure with -Dtorch=DIR");
  }
}

// oneDNN chooses the packed layout for a shape; it is the same one from batch 1 to 16 (measured
// on AVX-512), so that no batch size pays for packing again.
constexpr std::int64_t kPackBatch = 8;

constexpr std::array<std::int64_t, 2> kNoDilation = {1, 1};

struct Geometry {
  std::array<std::int64_t, 2> padding, output_padding, stride;
  explicit Geometry(const LayerRow &row)
      : padding{row.padding, row.padding},
        output_padding{row.output_padding, row.output_padding},
        stride{row.stride.height, row.stride.width} {}
};

// What a CPU lacks oneDNN would emulate, more slowly than it computes in float.
at::ScalarType computed_in(at::ScalarType dtype) {
  return dtype == at::kBFloat16 && !cpu_has_bf16() ? at::kFloat : dtype;
}

at::Tensor own_tensor(std::vector<float> &values, const std::vector<std::int64_t> &shape,
                      at::ScalarType dtype) {
  return at::from_blob(values.data(), shape, at::kFloat).to(dtype, false, /*copy=*/true);
}

}  // namespace

FusedConv::FusedConv(const Layer &layer, LayerWeights weights, Size2 input, at::ScalarType dtype)
    : row_(layer.row), dtype_(dtype) {
  const at::ScalarType type = computed_in(dtype);
  const at::Tensor plain = own_tensor(weights.weight, weights.shape, type);
  bias_ = own_tensor(weights.bias, {layer.out}, type);
  try {
    pack(plain, input);
    fused_ = true;
    // Proves that the operator takes these shapes, and builds its kernel for single frames.
    const auto options = at::TensorOptions(dtype).memory_format(at::MemoryFormat::ChannelsLast);
    (*this)(at::empty({1, layer.in, input.height, input.width}, options).zero_());
  } catch (const c10::Error &) {
    fused_ = false;
    weight_ = plain;
  }
}

void FusedConv::pack(const at::Tensor &weight, Size2 input) {
  const Geometry g(*row_);
  const bool transposed = row_->kind == LayerKind::Transposed;
  const std::array<std::int64_t, 4> size = {kPackBatch, weight.size(transposed ? 0 : 1),
                                            input.height, input.width};
  if (transposed)
    weight_ = operators().pack_transposed.call(weight, g.padding, g.output_padding, g.stride,
                                               kNoDilation, 1, Ints(size));
  else
    weight_ = operators().pack.call(weight, g.padding, g.stride, kNoDilation, 1, Ints(size));
}

at::Tensor FusedConv::operator()(const at::Tensor &x) const {
  const at::Tensor input = x.to(computed_in(dtype_));
  const at::Tensor y =
      fused_ ? run_fused(input) : run_plain(input).contiguous(at::MemoryFormat::ChannelsLast);
  return y.to(dtype_);
}

at::Tensor FusedConv::run_fused(const at::Tensor &x) const {
  const Geometry g(*row_);
  switch (row_->kind) {
    case LayerKind::Residual:
      return operators().binary.call(x, x, weight_, bias_, g.padding, g.stride, kNoDilation, 1,
                                     "add", at::Scalar(1.0), "relu", Scalars(), OptionalText());
    case LayerKind::Transposed:
      return operators().transposed.call(x, weight_, bias_, g.padding, g.output_padding, g.stride,
                                         kNoDilation, 1, "relu", Scalars(), OptionalText());
    case LayerKind::Conv:
    case LayerKind::Last:
      break;
  }
  const char *activation = row_->kind == LayerKind::Last ? "sigmoid" : "relu";
  return operators().conv.call(x, weight_, bias_, g.padding, g.stride, kNoDilation, 1, activation,
                               Scalars(), OptionalText());
}

at::Tensor FusedConv::run_plain(const at::Tensor &x) const {
  const Geometry g(*row_);
  if (row_->kind == LayerKind::Transposed)
    return at::relu(at::conv_transpose2d(x, weight_, bias_, g.stride, g.padding, g.output_padding));
  const at::Tensor y = at::conv2d(x, weight_, bias_, g.stride, g.padding);
  if (row_->kind == LayerKind::Last) return at::sigmoid(y);
  return at::relu(row_->kind == LayerKind::Residual ? at::add(y, x) : y);
}

}  // namespace w2l
