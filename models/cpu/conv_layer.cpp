// gst-wav2lip: one layer of a network on the CPU. See conv_layer.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conv_layer.h"

#include <ATen/Parallel.h>
#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cstddef>

#include "cpu_precision.h"

namespace w2l {
namespace {

// Larger tiles multiply less, but their weights are larger too, and small pictures have only few
// tiles, that reach beyond their edges besides.
constexpr std::int64_t kEdgeForTile4 = 12, kEdgeForTile3 = 6;
// With fewer channels than a vector of AVX-512 has floats, the transforms cost more than the
// products save.
constexpr std::int64_t kLeastChannels = 16;

// Which of them computes the layer; none where LibTorch's operators are faster.
std::optional<WinogradForm> winograd_form(const Layer &layer, Size2 input, at::ScalarType dtype) {
  // By their peak rates, oneDNN's products of tiles are far ahead of vectors'. Not measured.
  if (dtype == at::kBFloat16 && cpu_has_bf16_tiles()) return {};
  const LayerRow &row = *layer.row;
  const bool transposed = row.kind == LayerKind::Transposed;
  const std::int64_t stride = transposed ? 2 : 1;
  const bool fits = row.kernel == 3 && row.padding == 1 && row.stride.height == stride &&
                    row.stride.width == stride && row.output_padding == stride - 1 &&
                    row.kind != LayerKind::Last;
  const std::int64_t edge = std::min(input.height, input.width);
  if (!fits || std::min(layer.in, layer.out) < kLeastChannels || edge < kEdgeForTile3) return {};
  if (transposed)
    return edge >= kEdgeForTile4 ? WinogradForm::TransposedF4 : WinogradForm::TransposedF3;
  return edge >= kEdgeForTile4 ? WinogradForm::F4 : WinogradForm::F3;
}

template <typename T>
PixelView<T> view(const Rows &rows) {
  const at::Tensor &pixels = rows.pixels;
  return {static_cast<T *>(pixels.data_ptr()), pixels.stride(0), pixels.stride(2), pixels.stride(3),
          rows.top};
}

// Kept by the thread, since nothing should be allocated for each frame.
float *workspace(std::size_t size) {
  thread_local hwy::AlignedFreeUniquePtr<float[]> memory;
  thread_local std::size_t available = 0;
  if (available < size) {
    available = 0;
    memory.reset();
    memory = hwy::AllocateAligned<float>(size);
    if (!memory) throw std::bad_alloc();
    available = size;
  }
  return memory.get();
}

}  // namespace

ConvLayer::ConvLayer(const Layer &layer, LayerWeights weights, Size2 input, at::ScalarType dtype)
    : row_(layer.row),
      channels_(layer.out),
      input_channels_(layer.in),
      output_(w2l::output_size(*layer.row, input)) {
  const std::optional<WinogradForm> form = winograd_form(layer, input, dtype);
  if (!form)
    fused_.emplace(layer, std::move(weights), input, dtype);
  else if (dtype == at::kFloat)
    float_.emplace(*form, static_cast<int>(layer.in), static_cast<int>(layer.out),
                   weights.weight.data(), weights.bias.data());
  else
    bf16_.emplace(*form, static_cast<int>(layer.in), static_cast<int>(layer.out),
                  weights.weight.data(), weights.bias.data());
}

Rows ConvLayer::run(const Rows &x) const {
  // The operator takes x.top for the picture's edge: what it computes there is not right, and not
  // asked for.
  const bool grows = row_->kind == LayerKind::Transposed;
  const int top = grows ? x.top * static_cast<int>(row_->stride.height) : x.top;
  return {(*fused_)(x.pixels), top};
}

void ConvLayer::run_into(const Rows &x, const Rows &to) const {
  if (float_) return run_winograd(*float_, x, to);
  if (bf16_) return run_winograd(*bf16_, x, to);
  const Rows all = run(x);
  to.pixels.copy_(all.pixels.narrow(2, to.top - all.top, to.pixels.size(2)));
}

template <typename T>
void ConvLayer::run_winograd(const WinogradConv<T> &winograd, const Rows &x, const Rows &to) const {
  Conv3x3<T> conv;
  conv.images = static_cast<int>(x.pixels.size(0));
  if (row_->kind == LayerKind::Transposed) conv.scale = 2;
  conv.height = static_cast<int>(output_.height) / conv.scale;
  conv.width = static_cast<int>(output_.width) / conv.scale;
  conv.first_row = to.top;
  conv.input = view<const T>(x);
  conv.output = view<T>(to);
  if (row_->kind == LayerKind::Residual) conv.residual = conv.input;
  // On the threads that LibTorch's operators use in turn, so that there are no others.
  at::parallel_for(0, winograd.blocks(conv), 1, [&](std::int64_t first, std::int64_t end) {
    winograd.run(conv, static_cast<int>(first), static_cast<int>(end),
                 workspace(winograd.workspace_size()));
  });
}

}  // namespace w2l
