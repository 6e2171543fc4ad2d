// gst-wav2lip: geometry, weights and cutting of AmxConv. See amx_conv.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "amx_conv.h"

#include <algorithm>
#include <climits>
#include <vector>

#include "amx_stage.h"
#include "products.h"
#include "weight_memory.h"

namespace w2l {
namespace {

// A block's pixels should stay in the second-level cache, beside the weights.
constexpr std::size_t kStageBytes = 256 * 1024;
// Small pictures are cut by channels into so many blocks, for the sake of other threads, which
// stage the same pixels again.
constexpr int kWantedBlocks = 8;
// Pixels a multiple of this apart would meet in few places of the first-level cache.
constexpr int kBadStep = 512;

// A tap of the filter, and the input pixel it is for, from a position's own on.
struct Tap {
  int index, pixel;
};

// One dimension of a convolution.
class Dimension {
 public:
  Dimension(const ConvGeometry &geometry, int stride) : geometry_(geometry), stride_(stride) {
    int last = 0;
    for (int phase = 0; phase < scale(); ++phase)
      for (const Tap &tap : taps(phase)) {
        first_ = std::min(first_, tap.pixel);
        last = std::max(last, tap.pixel);
      }
    seen_ = last - first_ + 1;
  }

  int stride() const { return geometry_.transposed ? 1 : stride_; }  // pixels between positions
  int scale() const { return geometry_.transposed ? stride_ : 1; }
  int first() const { return first_; }  // pixel that any tap is for, or a position's own
  int seen() const { return seen_; }    // pixels

  // Those of an output pixel of a field, in the order of their pixels, which follow each other.
  std::vector<Tap> taps(int phase) const {
    std::vector<Tap> list;
    for (int tap = 0; tap < geometry_.kernel; ++tap) {
      const int place = phase + geometry_.padding - tap;
      if (!geometry_.transposed)
        list.push_back({tap, tap - geometry_.padding});
      else if (place % stride_ == 0)
        list.insert(list.begin(), {tap, place / stride_});
    }
    return list;
  }

 private:
  const ConvGeometry &geometry_;
  int stride_;
  int first_ = 0, seen_ = 0;
};

// The border of the next row serves as that behind a row.
int pitch_of(const Dimension &x, int width, int out_width) {
  const int across = (out_width + x.scale() - 1) / x.scale();
  const int left = -x.first(), right = (across - 1) * x.stride() + x.seen() - left - width;
  return round_up(left + width + std::max(0, right - left), x.stride());
}

// Successive numbers of a position that one step multiplies.
struct Step {
  int y, x;     // indices among a phase's taps, of the first number
  int channel;  // of the first number
};

// Taps are visited for some channels at a time, whose pixels stay in the first-level cache.
// Channels that fill no step by themselves go on with the next pixel's.
std::vector<Step> steps_of(int rows, int columns, int in) {
  std::vector<Step> steps;
  if (in % kAmxNumbers == 0) {
    for (int c = 0; c < in; c += kAmxNumbers)
      for (int y = 0; y < rows; ++y)
        for (int x = 0; x < columns; ++x) steps.push_back({y, x, c});
  } else {
    for (int y = 0; y < rows; ++y)
      for (int i = 0; i < columns * in; i += kAmxNumbers) steps.push_back({y, i / in, i % in});
  }
  return steps;
}

// Weights of one phase in the order of its steps.
class PhaseWeights {
 public:
  PhaseWeights(const ConvGeometry &geometry, int in, int out, const float *weight,
               const std::vector<Tap> &rows, const std::vector<Tap> &columns)
      : kernel_(geometry.kernel),
        in_(in),
        out_(out),
        rows_(rows),
        columns_(columns),
        weight_(weight) {
    const std::ptrdiff_t taps = kernel_ * kernel_;
    out_step_ = geometry.transposed ? taps : in * taps;
    in_step_ = geometry.transposed ? out * taps : taps;
  }

  // Of 16 output channels from `first` on.
  void pack(const Step &step, int first, Bf16 *to) const {
    int x = step.x, c = step.channel;
    for (int i = 0; i < kAmxNumbers; ++i) {
      const bool behind = x >= static_cast<int>(columns_.size());
      const float *from = behind ? nullptr : number(step.y, x, c);
      for (int k = 0; k < kAmxRows; ++k)
        to[(i / 2 * kAmxRows + k) * 2 + i % 2] =
            from && first + k < out_ ? to_bf16(from[(first + k) * out_step_]) : Bf16{};
      if (++c == in_) c = 0, ++x;
    }
  }

 private:
  const float *number(int y, int x, int c) const {
    const int tap = rows_[static_cast<std::size_t>(y)].index * kernel_ +
                    columns_[static_cast<std::size_t>(x)].index;
    return weight_ + c * in_step_ + tap;
  }

  int kernel_, in_, out_;
  const std::vector<Tap> &rows_, &columns_;
  const float *weight_;
  std::ptrdiff_t out_step_, in_step_;
};

}  // namespace

// How a convolution is cut: `image_blocks` groups of pictures, or each picture in `row_blocks`;
// `parts` of the groups of channels.
struct AmxConv::Cut {
  int first_row, rows;  // of positions
  int image_blocks, row_blocks, parts;
  int images, groups;

  int count() const { return image_blocks * row_blocks * parts; }

  // Blocks [first, end), all of the same pixels.
  AmxBlock block(int first, int end) const {
    const auto share = [](int all, int blocks, int i) {
      return static_cast<int>(static_cast<std::ptrdiff_t>(all) * i / blocks);
    };
    const int pixels = first / parts, part = first % parts;
    const int image = pixels / row_blocks, row = pixels % row_blocks;
    AmxBlock block;
    block.first_image = share(images, image_blocks, image);
    block.images = share(images, image_blocks, image + 1) - block.first_image;
    block.first_row = share(rows, row_blocks, row);
    block.rows = share(rows, row_blocks, row + 1) - block.first_row;
    block.first_row += first_row;
    block.first_group = share(groups, parts, part);
    block.end_group = share(groups, parts, part + end - first);
    return block;
  }
};

AmxConv::AmxConv(const ConvGeometry &geometry, int in, int out, int height, int width,
                 int out_width, const float *weight, const float *bias, const AmxKernels &kernels)
    : kernels_(kernels) {
  const Dimension y(geometry, geometry.stride_y), x(geometry, geometry.stride_x);
  layer_.in = in, layer_.out = out;
  layer_.tiles = round_up(out, kAmxRows) / kAmxRows;
  layer_.height = height, layer_.width = width;
  layer_.scale_y = y.scale(), layer_.scale_x = x.scale();
  layer_.stride_y = y.stride(), layer_.stride_x = x.stride();
  layer_.first_y = y.first(), layer_.first_x = x.first();
  layer_.taps_y = y.seen(), layer_.taps_x = x.seen();
  layer_.pixel = in % kBadStep == 0 ? in + kAmxNumbers : in;
  layer_.pitch = pitch_of(x, width, out_width);
  const auto row = static_cast<std::size_t>(layer_.pitch * layer_.pixel) * sizeof(Bf16);
  const auto fitting =
      static_cast<int>(kStageBytes / row / static_cast<std::size_t>(layer_.stride_y));
  layer_.plane_rows = std::max(fitting, 1 + layer_.more_rows());
  layer_.plane = amx_plane_numbers(layer_, layer_.plane_rows);

  std::size_t size = 0;
  const auto tiles = static_cast<std::size_t>(layer_.tiles);
  const auto visit = [&](const auto &each) {
    for (int row = 0; row < y.scale(); ++row)
      for (int column = 0; column < x.scale(); ++column) each(row, column);
  };
  visit([&](int row, int column) {
    const auto rows = static_cast<int>(y.taps(row).size());
    const auto columns = static_cast<int>(x.taps(column).size());
    size += steps_of(rows, columns, in).size() * tiles * kAmxTileWeights;
  });
  weights_ = allocate_weights<Bf16>(size);
  size = 0;
  visit([&](int row, int column) {
    const std::vector<Tap> rows = y.taps(row), columns = x.taps(column);
    const std::vector<Step> steps =
        steps_of(static_cast<int>(rows.size()), static_cast<int>(columns.size()), in);
    AmxPhase phase = {row, column, {}, size};
    for (const Step &step : steps) {
      const int down = rows[static_cast<std::size_t>(step.y)].pixel - y.first();
      const int right = columns[static_cast<std::size_t>(step.x)].pixel - x.first();
      const auto plane = static_cast<std::size_t>(down % y.stride()) * layer_.plane;
      const int pixel = down / y.stride() * layer_.pitch + right;
      phase.steps.push_back(static_cast<int>(
          (plane + static_cast<std::size_t>(pixel * layer_.pixel + step.channel)) * sizeof(Bf16)));
    }
    const PhaseWeights source(geometry, in, out, weight, rows, columns);
    Bf16 *to = weights_.get() + size;
    for (int first = 0; first < layer_.tiles; first += kAmxGroup)
      for (const Step &step : steps)
        for (int tile = first; tile < std::min(first + kAmxGroup, layer_.tiles); ++tile) {
          source.pack(step, tile * kAmxRows, to);
          to += kAmxTileWeights;
        }
    size += steps.size() * tiles * kAmxTileWeights;
    layer_.phases.push_back(std::move(phase));
  });

  const auto channels = static_cast<std::size_t>(layer_.tiles * kAmxRows);
  bias_ = allocate_weights<float>(channels);
  std::fill(std::copy_n(bias, out, bias_.get()), bias_.get() + channels, 0.0f);
  layer_.weights = weights_.get();
  layer_.bias = bias_.get();
}

AmxConv::Cut AmxConv::cut(const GeneralConv<Bf16> &conv) const {
  Cut cut;
  const auto positions = [&](int row) { return (row + layer_.scale_y - 1) / layer_.scale_y; };
  cut.first_row = conv.first_row / layer_.scale_y;
  cut.rows = std::max(0, positions(conv.out_height) - cut.first_row);
  cut.images = cut.rows > 0 && conv.out_height > conv.first_row ? conv.images : 0;
  cut.groups = round_up(layer_.tiles, kAmxGroup) / kAmxGroup;
  const auto blocks = [](int all, int most) { return (all + most - 1) / most; };
  const int image_rows = cut.rows + layer_.more_rows();
  if (image_rows <= layer_.plane_rows) {
    cut.image_blocks = blocks(cut.images, layer_.plane_rows / image_rows);
    cut.row_blocks = 1;
  } else {
    cut.image_blocks = cut.images;
    cut.row_blocks = blocks(cut.rows, layer_.plane_rows - layer_.more_rows());
  }
  const int cut_so_far = cut.image_blocks * cut.row_blocks;
  cut.parts = cut_so_far > 0 ? std::min(blocks(kWantedBlocks, cut_so_far), cut.groups) : 1;
  return cut;
}

int AmxConv::blocks(const GeneralConv<Bf16> &conv) const {
  return cut(conv).count();
}

void AmxConv::run(const GeneralConv<Bf16> &conv, int first, int end, float *workspace) const {
  const Cut cut = this->cut(conv);
  while (first < end) {  // pixels are staged once for all their parts
    const int next = std::min((first / cut.parts + 1) * cut.parts, end);
    kernels_.run(layer_, conv, cut.block(first, next), workspace);
    first = next;
  }
}

}  // namespace w2l
