// gst-wav2lip: one layer of a network on the CPU. See conv_layer.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conv_layer.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>

#include "amx_conv.h"
#include "im2col_conv.h"
#include "winograd_conv.h"

namespace w2l {
namespace {

ConvGeometry geometry_of(const LayerRow &row) {
  return {static_cast<int>(row.kernel),       static_cast<int>(row.stride.height),
          static_cast<int>(row.stride.width), static_cast<int>(row.padding),
          row.kind == LayerKind::Transposed,  static_cast<int>(row.output_padding)};
}

// Larger tiles multiply less, but their weights are larger too, and small pictures have only few
// tiles, that reach beyond their edges besides.
constexpr std::int64_t kEdgeForTile4 = 12, kEdgeForTile3 = 3;
// With fewer channels than a vector of AVX-512 has floats, the transforms cost more than the
// products save.
constexpr std::int64_t kLeastChannels = 16;

// Which of them computes the layer; none where patches are faster.
std::optional<WinogradForm> winograd_form(const Layer &layer, Size2 input) {
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

// With fewer numbers in a row of the filter, most of a tile is multiplied by zeros.
constexpr std::int64_t kNumbersForAmx = 32;

// The same convolution of pictures of one pixel, whose taps are side by side in the result whatever
// the stride, in a form without taps beyond the picture.
ConvGeometry amx_geometry(const LayerRow &row, Size2 input) {
  ConvGeometry geometry = geometry_of(row);
  if (geometry.spreads_pixels() && input.height == 1 && input.width == 1)
    geometry.stride_y = geometry.stride_x = geometry.kernel;
  return geometry;
}

bool fits_amx(const Layer &layer, Size2 input) {
  return layer.row->kind != LayerKind::Last && layer.in * layer.row->kernel >= kNumbersForAmx &&
         AmxConv<Bf16>::can(amx_geometry(*layer.row, input));
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

// All blocks of a convolution.
template <typename Conv, typename Problem>
void run_blocks(const Conv &conv, const Problem &problem, int threads) {
  const int blocks = conv.blocks(problem);
  if (threads == 1) return conv.run(problem, 0, blocks, workspace(conv.workspace_size()));
  std::mutex mutex;
  std::exception_ptr failure;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (int block = 0; block < blocks; ++block) {
    try {
      conv.run(problem, block, block + 1, workspace(conv.workspace_size()));
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

struct ConvLayer::Kernel {
  virtual ~Kernel() = default;
  virtual void run(const Rows &x, const Rows &to, int threads) const = 0;

  template <typename T>
  class Winograd;
  template <typename In, typename Out>
  class Im2col;
  template <typename In>
  class Amx;

  template <typename T>
  static std::unique_ptr<const Kernel> choose(const Layer &layer, const LayerWeights &weights,
                                              Size2 input, bool bytes, const AmxKernels *amx);
};

template <typename In, typename Out>
GeneralConv<In, Out> problem_of(LayerKind kind, const Rows &x, const Rows &to) {
  GeneralConv<In, Out> conv;
  conv.images = x.images;
  conv.height = x.height;
  conv.width = x.width;
  conv.out_height = to.height;
  conv.out_width = to.width;
  conv.first_row = to.top;
  conv.input = x.view<const In>();
  conv.output = to.view<Out>();
  if (kind == LayerKind::Residual) conv.residual = x.view<const Out>();
  if (kind == LayerKind::Last) conv.activation = Activation::Sigmoid;
  return conv;
}

template <typename T>
class ConvLayer::Kernel::Winograd final : public Kernel {
 public:
  Winograd(WinogradForm form, const Layer &layer, const LayerWeights &weights)
      : residual_(layer.row->kind == LayerKind::Residual),
        scale_(layer.row->kind == LayerKind::Transposed ? 2 : 1),
        conv_(form, static_cast<int>(layer.in), static_cast<int>(layer.out), weights.weight.data(),
              weights.bias.data()) {}

  void run(const Rows &x, const Rows &to, int threads) const override {
    Conv3x3<T> conv;
    conv.images = x.images;
    conv.scale = scale_;
    conv.height = x.height;
    conv.width = x.width;
    conv.first_row = to.top;
    conv.input = x.view<const T>();
    conv.output = to.view<T>();
    if (residual_) conv.residual = conv.input;
    run_blocks(conv_, conv, threads);
  }

 private:
  bool residual_;
  int scale_;
  WinogradConv<T> conv_;
};

template <typename In, typename Out>
class ConvLayer::Kernel::Im2col final : public Kernel {
 public:
  Im2col(const Layer &layer, const LayerWeights &weights)
      : kind_(layer.row->kind),
        conv_(geometry_of(*layer.row), static_cast<int>(layer.in), static_cast<int>(layer.out),
              weights.weight.data(), weights.bias.data()) {}

  void run(const Rows &x, const Rows &to, int threads) const override {
    run_blocks(conv_, problem_of<In, Out>(kind_, x, to), threads);
  }

 private:
  LayerKind kind_;
  Im2colConv<In, Out> conv_;
};

template <typename In>
class ConvLayer::Kernel::Amx final : public Kernel {
 public:
  Amx(const Layer &layer, const LayerWeights &weights, Size2 input, const AmxKernels &kernels)
      : kind_(layer.row->kind),
        conv_(amx_geometry(*layer.row, input), static_cast<int>(layer.in),
              static_cast<int>(layer.out),
              {static_cast<int>(input.height), static_cast<int>(input.width),
               static_cast<int>(w2l::output_size(*layer.row, input).width)},
              weights.weight.data(), weights.bias.data(), kernels) {}

  void run(const Rows &x, const Rows &to, int threads) const override {
    run_blocks(conv_, problem_of<In, Bf16>(kind_, x, to), threads);
  }

 private:
  LayerKind kind_;
  AmxConv<In> conv_;
};

// `T` is what all pictures are made of, but for bytes and the last layer's result.
template <typename T>
std::unique_ptr<const ConvLayer::Kernel> ConvLayer::Kernel::choose(const Layer &layer,
                                                                   const LayerWeights &weights,
                                                                   Size2 input, bool bytes,
                                                                   const AmxKernels *amx) {
  if (layer.row->kind == LayerKind::Last) return std::make_unique<Im2col<T, float>>(layer, weights);
  if constexpr (std::is_same_v<T, Bf16>)
    if (amx && fits_amx(layer, input)) {
      if (bytes) return std::make_unique<Amx<std::uint8_t>>(layer, weights, input, *amx);
      return std::make_unique<Amx<Bf16>>(layer, weights, input, *amx);
    }
  if (bytes) return std::make_unique<Im2col<std::uint8_t, T>>(layer, weights);
  if (const std::optional<WinogradForm> form = winograd_form(layer, input))
    return std::make_unique<Winograd<T>>(*form, layer, weights);
  return std::make_unique<Im2col<T, T>>(layer, weights);
}

ConvLayer::ConvLayer(const Layer &layer, const LayerWeights &weights, Size2 input,
                     NumberType input_type, NumberType type, const AmxKernels *amx)
    : row_(layer.row),
      channels_(layer.out),
      output_(w2l::output_size(*layer.row, input)),
      output_type_(layer.row->kind == LayerKind::Last ? NumberType::Float : type) {
  const bool bytes = input_type == NumberType::Byte;
  kernel_ = type == NumberType::Float ? Kernel::choose<float>(layer, weights, input, bytes, amx)
                                      : Kernel::choose<Bf16>(layer, weights, input, bytes, amx);
}

ConvLayer::~ConvLayer() = default;
ConvLayer::ConvLayer(ConvLayer &&) noexcept = default;
ConvLayer &ConvLayer::operator=(ConvLayer &&) noexcept = default;

void ConvLayer::run(const Rows &x, const Rows &to, int threads) const {
  kernel_->run(x, to, threads);
}

}  // namespace w2l
