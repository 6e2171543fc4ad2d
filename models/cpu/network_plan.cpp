// gst-wav2lip: how one thread runs a CpuNetwork. See network_plan.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network_plan.h"

#include <ATen/ops/from_blob.h>

#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "arena_layout.h"
#include "range.h"

namespace w2l {
namespace {

struct Step {
  const ConvLayer *layer;
  Rows to;  // without pixels if the layer is one of LibTorch's, that makes them itself
};

using BlockSteps = std::vector<Step>;

// Makes the tensor (count, channels, rows, width) that is written in step `first` and read last in
// step `last`.
using MakeTensor = std::function<at::Tensor(std::vector<std::int64_t> shape, at::ScalarType type,
                                            int first, int last)>;

std::vector<std::int64_t> channels_last(const std::vector<std::int64_t> &shape) {
  const std::int64_t channels = shape[1], rows = shape[2], width = shape[3];
  return {rows * width * channels, 1, width * channels, channels};
}

Rows run(const BlockSteps &steps, Rows x) {
  for (const Step &step : steps) {
    if (step.to.pixels.defined()) {
      step.layer->run_into(x, step.to);
      x = step.to;
    } else {
      x = step.layer->run(x);
    }
  }
  return x;
}

// Appends a feature's channels to those of one sample's pixels.
void append(const Feature &feature, std::size_t feature_bytes, const Rows &joined, int sample) {
  const at::Tensor &pixels = joined.pixels;
  const std::size_t pixel_bytes = static_cast<std::size_t>(pixels.size(1)) * pixels.element_size();
  const std::int64_t width = pixels.size(3), count = pixels.size(2) * width;
  auto *to = static_cast<std::byte *>(pixels.data_ptr()) +
             static_cast<std::size_t>(sample * count) * pixel_bytes + pixel_bytes - feature_bytes;
  const std::byte *from =
      feature.pixels + static_cast<std::size_t>((joined.top - feature.top) * width) * feature_bytes;
  for (std::int64_t i = 0; i < count; ++i, to += pixel_bytes, from += feature_bytes)
    std::memcpy(to, from, feature_bytes);
}

}  // namespace

// For one number of samples and one first row.
struct NetworkPlan::Steps {
  at::Tensor faces, mels;  // inputs
  std::vector<BlockSteps> face, audio, decoder, output;
  std::vector<Rows> joined;  // of each decoder block: its result and the feature
  Rows last_input;           // the last layer's, in float
};

// Goes through the network in the order of computation and asks for a tensor wherever one is
// needed.
class NetworkPlan::Builder {
 public:
  Builder(const CpuNetwork &network, int count, int first_row, MakeTensor make)
      : network_(network),
        count_(count),
        rows_(network.first_rows(first_row)),
        make_(std::move(make)) {}

  Steps build() {
    Steps steps;
    const Family &family = network_.family();
    const std::int64_t edge = family.crop_size;
    int first_of_audio = 0;
    for (const CpuNetwork::Block &block : network_.face())
      first_of_audio += static_cast<int>(block.size());
    steps.faces = make({family.face_channels, edge, edge}, step_, step_);
    steps.mels = make({1, family.mel_bands, family.mel_columns}, step_, first_of_audio);
    // Features are read far into the decoder.
    for (const CpuNetwork::Block &block : network_.face())
      steps.face.push_back(plain(block, network_.layer_count()));
    for (const CpuNetwork::Block &block : network_.audio()) steps.audio.push_back(plain(block, 0));
    std::size_t feature = network_.face().size();
    for (const CpuNetwork::Block &block : network_.decoder()) join(block, --feature, steps);
    for (const CpuNetwork::Block &block : network_.output()) end(block, steps);
    return steps;
  }

 private:
  at::Tensor make(std::vector<std::int64_t> shape, int first, int last) {
    shape.insert(shape.begin(), count_);
    return make_(std::move(shape), network_.type(), first, last);
  }

  int next_row() {
    const int row = rows_.back();
    rows_.pop_back();
    return row;
  }

  Step one(const ConvLayer &layer, int first_row, int last) {
    Step step = {&layer, {{}, first_row}};
    if (layer.writes_in_place())
      step.to.pixels = make(
          {layer.channels(), layer.output_size().height - first_row, layer.output_size().width},
          step_, last);
    ++step_;
    return step;
  }

  // The next layer reads a result at once; the block's own is kept until `last` at least.
  BlockSteps plain(const CpuNetwork::Block &block, int last) {
    BlockSteps steps;
    for (const ConvLayer &layer : block)
      steps.push_back(
          one(layer, 0, &layer == &block.back() ? std::max(last, step_ + 1) : step_ + 1));
    return steps;
  }

  void join(const CpuNetwork::Block &block, std::size_t feature, Steps &steps) {
    BlockSteps block_steps;
    for (auto layer = block.begin(); layer != block.end() - 1; ++layer)
      block_steps.push_back(one(*layer, next_row(), step_ + 1));
    const ConvLayer &layer = block.back();
    const int row = next_row();
    const std::int64_t own = layer.channels(), more = network_.face()[feature].back().channels();
    const Size2 size = layer.output_size();
    const at::Tensor joined = make({own + more, size.height - row, size.width}, step_, step_ + 1);
    ++step_;
    block_steps.push_back({&layer, {joined.defined() ? joined.narrow(1, 0, own) : joined, row}});
    steps.decoder.push_back(std::move(block_steps));
    steps.joined.push_back({joined, row});
  }

  void end(const CpuNetwork::Block &block, Steps &steps) {
    BlockSteps block_steps;
    for (const ConvLayer &layer : block) {
      const int row = next_row();
      if (&layer == &block.back() && network_.type() != at::kFloat)
        steps.last_input = {make_({count_, layer.input_channels(), layer.output_size().height - row,
                                   layer.output_size().width},
                                  at::kFloat, step_, step_),
                            row};
      block_steps.push_back(one(layer, row, step_ + 1));
    }
    steps.output.push_back(std::move(block_steps));
  }

  const CpuNetwork &network_;
  int count_;
  std::vector<int> rows_;  // of decoder and output, the first layer's last
  MakeTensor make_;
  int step_ = 0;
};

NetworkPlan::NetworkPlan(std::shared_ptr<const CpuNetwork> network, int most)
    : network_(std::move(network)), most_(most) {
  std::vector<Lifetime> lifetimes;
  const auto measure = [&](const std::vector<std::int64_t> &shape, at::ScalarType type, int first,
                           int last) {
    std::size_t bytes = c10::elementSize(type);
    for (const std::int64_t size : shape) bytes *= static_cast<std::size_t>(size);
    lifetimes.push_back({bytes, first, last});
    return at::Tensor();
  };
  Builder(*network_, most, 0, measure).build();
  const ArenaLayout layout = lay_out(lifetimes);
  arena_ = std::make_unique<Arena>(layout.bytes);

  for (const int first_row : {0, network_->family().crop_size / 2})
    for (int count = 1; count <= most; ++count) {
      std::size_t next = 0;
      const auto place = [&](const std::vector<std::int64_t> &shape, at::ScalarType type, int,
                             int) {
        return at::from_blob(arena_->at(layout.offsets[next++]), shape, channels_last(shape), type);
      };
      steps_.push_back(Builder(*network_, count, first_row, place).build());
    }
}

NetworkPlan::~NetworkPlan() = default;

const NetworkPlan::Steps &NetworkPlan::steps(int count, int first_row) const {
  if (count < 1 || count > most_)
    throw std::out_of_range("a plan for 1 to " + std::to_string(most_) + " samples got " +
                            std::to_string(count));
  if (first_row != 0 && first_row != network_->family().crop_size / 2)
    throw std::out_of_range("no plan for rows from " + std::to_string(first_row) + " on");
  return steps_[static_cast<std::size_t>((first_row > 0 ? most_ : 0) + count - 1)];
}

at::Tensor NetworkPlan::face_input(const std::vector<const std::uint8_t *> &crops) const {
  const at::Tensor &input = steps(static_cast<int>(crops.size()), 0).faces;
  network_->write_faces(crops, input.data_ptr());
  return input;
}

at::Tensor NetworkPlan::mel_input(const float *mels, int count) const {
  const at::Tensor &input = steps(count, 0).mels;
  network_->write_mels(mels, count, input.data_ptr());
  return input;
}

std::vector<FaceFeatures> NetworkPlan::encode_faces(const at::Tensor &faces) {
  const TraceRange range{"engine: face encoder"};
  const int count = static_cast<int>(faces.size(0));
  std::vector<FaceFeatures> all(static_cast<std::size_t>(count));
  features_.clear();
  Rows x = {faces, 0};
  for (const BlockSteps &block : steps(count, 0).face) {
    x = run(block, x);
    features_.push_back(x.pixels);
    const auto *pixels = static_cast<const std::byte *>(x.pixels.data_ptr());
    const std::size_t bytes = x.pixels.nbytes() / static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].push_back({pixels + i * bytes, 0});
  }
  return all;
}

at::Tensor NetworkPlan::answer(const at::Tensor &mels,
                               const std::vector<const FaceFeatures *> &faces, int first_row) {
  const Steps &steps = this->steps(static_cast<int>(faces.size()), first_row);
  Rows x = {mels, 0};
  {
    const TraceRange range{"engine: audio encoder"};
    for (const BlockSteps &block : steps.audio) x = run(block, x);
  }
  const TraceRange range{"engine: decoder"};
  for (std::size_t block = 0; block < steps.decoder.size(); ++block) {
    run(steps.decoder[block], x);
    join(steps.joined[block], network_->face().size() - 1 - block, faces);
    x = steps.joined[block];
  }
  for (const BlockSteps &block : steps.output) {
    x = run({block.begin(), block.end() - 1}, x);
    if (const Rows &last = steps.last_input; last.pixels.defined()) {
      last.pixels.copy_(x.pixels.narrow(2, last.top - x.top, last.pixels.size(2)));
      x = last;
    }
    x = run({block.end() - 1, block.end()}, x);
  }
  return x.pixels.contiguous(at::MemoryFormat::ChannelsLast);
}

void NetworkPlan::join(const Rows &joined, std::size_t feature,
                       const std::vector<const FaceFeatures *> &faces) const {
  const FeatureShape shape = network_->feature_shapes()[feature];
  const std::size_t bytes = static_cast<std::size_t>(shape.channels) * joined.pixels.element_size();
  for (std::size_t i = 0; i < faces.size(); ++i)
    append((*faces[i])[feature], bytes, joined, static_cast<int>(i));
}

}  // namespace w2l
