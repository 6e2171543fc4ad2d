// gst-wav2lip: how one thread runs a CpuNetwork. See network_plan.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network_plan.h"

#include <algorithm>
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
  Rows to;
};

using BlockSteps = std::vector<Step>;

// Where the rows lie that are written in step `first` and read last in step `last`.
using Place = std::function<std::byte *(std::size_t bytes, int first, int last)>;

Rows run(const BlockSteps &steps, Rows x, int threads) {
  for (const Step &step : steps) {
    step.layer->run(x, step.to, threads);
    x = step.to;
  }
  return x;
}

// Appends a feature's channels to those of one sample's pixels.
void append(const Feature &feature, std::size_t feature_bytes, const Rows &joined, int sample) {
  const std::size_t pixel_bytes = joined.pixel_bytes();
  const int width = joined.width, count = joined.rows() * width;
  std::byte *to = joined.image(sample) + pixel_bytes - feature_bytes;
  const std::byte *from =
      feature.pixels + static_cast<std::size_t>((joined.top - feature.top) * width) * feature_bytes;
  for (int i = 0; i < count; ++i, to += pixel_bytes, from += feature_bytes)
    std::memcpy(to, from, feature_bytes);
}

}  // namespace

// For one number of samples and one first row.
struct NetworkPlan::Steps {
  Rows faces, mels;  // inputs
  std::vector<BlockSteps> face, audio, decoder, output;
  std::vector<Rows> joined;  // of each decoder block: its result and the feature
};

// Goes through the network in the order of computation and asks for a place wherever one is needed.
class NetworkPlan::Builder {
 public:
  Builder(const CpuNetwork &network, int count, int first_row, Place place)
      : network_(network),
        count_(count),
        rows_(network.first_rows(first_row)),
        place_(std::move(place)) {}

  Steps build() {
    Steps steps;
    const Family &family = network_.family();
    const Size2 crop = {family.crop_size, family.crop_size};
    const Size2 mel = {family.mel_bands, family.mel_columns};
    int first_of_audio = 0;
    for (const CpuNetwork::Block &block : network_.face())
      first_of_audio += static_cast<int>(block.size());
    steps.faces = make(NumberType::Byte, crop, family.face_channels, 0, step_, step_);
    steps.mels = make(network_.type(), mel, 1, 0, step_, first_of_audio);
    // Features are read far into the decoder.
    for (const CpuNetwork::Block &block : network_.face())
      steps.face.push_back(plain(block, network_.layer_count()));
    for (const CpuNetwork::Block &block : network_.audio()) steps.audio.push_back(plain(block, 0));
    std::size_t feature = network_.face().size();
    for (const CpuNetwork::Block &block : network_.decoder()) join(block, --feature, steps);
    for (const CpuNetwork::Block &block : network_.output()) steps.output.push_back(end(block));
    return steps;
  }

 private:
  Rows make(NumberType type, Size2 size, std::int64_t channels, int top, int first, int last) {
    Rows rows;
    rows.type = type;
    rows.images = count_;
    rows.height = static_cast<int>(size.height);
    rows.width = static_cast<int>(size.width);
    rows.channels = rows.pixel_step = static_cast<int>(channels);
    rows.top = top;
    rows.data = place_(rows.bytes(), first, last);
    return rows;
  }

  int next_row() {
    const int row = rows_.back();
    rows_.pop_back();
    return row;
  }

  Step one(const ConvLayer &layer, int first_row, int last) {
    const Step step = {&layer, make(layer.output_type(), layer.output_size(), layer.channels(),
                                    first_row, step_, last)};
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
    const std::int64_t more = network_.face()[feature].back().channels();
    const Rows joined = make(network_.type(), layer.output_size(), layer.channels() + more,
                             next_row(), step_, step_ + 1);
    ++step_;
    block_steps.push_back({&layer, joined.slice(static_cast<int>(layer.channels()))});
    steps.decoder.push_back(std::move(block_steps));
    steps.joined.push_back(joined);
  }

  BlockSteps end(const CpuNetwork::Block &block) {
    BlockSteps steps;
    for (const ConvLayer &layer : block) steps.push_back(one(layer, next_row(), step_ + 1));
    return steps;
  }

  const CpuNetwork &network_;
  int count_;
  std::vector<int> rows_;  // of decoder and output, the first layer's last
  Place place_;
  int step_ = 0;
};

NetworkPlan::NetworkPlan(std::shared_ptr<const CpuNetwork> network, int most, int threads)
    : network_(std::move(network)), most_(most), threads_(threads) {
  std::vector<Lifetime> lifetimes;
  Builder(*network_, most, 0, [&](std::size_t bytes, int first, int last) -> std::byte * {
    lifetimes.push_back({bytes, first, last});
    return nullptr;
  }).build();
  const ArenaLayout layout = lay_out(lifetimes);
  arena_ = std::make_unique<Arena>(layout.bytes);

  for (const int first_row : {0, network_->family().crop_size / 2})
    for (int count = 1; count <= most; ++count) {
      std::size_t next = 0;
      steps_.push_back(Builder(*network_, count, first_row, [&](std::size_t, int, int) {
                         return arena_->at(layout.offsets[next++]);
                       }).build());
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

Rows NetworkPlan::face_input(const std::vector<const std::uint8_t *> &crops) const {
  const Rows &input = steps(static_cast<int>(crops.size()), 0).faces;
  network_->write_faces(crops, input.data);
  return input;
}

Rows NetworkPlan::mel_input(const std::vector<const float *> &mels) const {
  const Rows &input = steps(static_cast<int>(mels.size()), 0).mels;
  network_->write_mels(mels, input.data);
  return input;
}

std::vector<FaceFeatures> NetworkPlan::encode_faces(const Rows &faces) const {
  const TraceRange range{"engine: face encoder"};
  std::vector<FaceFeatures> all(static_cast<std::size_t>(faces.images));
  Rows x = faces;
  for (const BlockSteps &block : steps(faces.images, 0).face) {
    x = run(block, x, threads_);
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i].push_back({x.image(static_cast<int>(i)), 0});
  }
  return all;
}

Rows NetworkPlan::answer(const Rows &mels, const std::vector<const FaceFeatures *> &faces,
                         int first_row) const {
  const Steps &steps = this->steps(static_cast<int>(faces.size()), first_row);
  Rows x = mels;
  {
    const TraceRange range{"engine: audio encoder"};
    for (const BlockSteps &block : steps.audio) x = run(block, x, threads_);
  }
  const TraceRange range{"engine: decoder"};
  for (std::size_t block = 0; block < steps.decoder.size(); ++block) {
    run(steps.decoder[block], x, threads_);
    x = steps.joined[block];
    join(x, network_->face().size() - 1 - block, faces);
  }
  for (const BlockSteps &block : steps.output) x = run(block, x, threads_);
  return x;
}

void NetworkPlan::join(const Rows &joined, std::size_t feature,
                       const std::vector<const FaceFeatures *> &faces) const {
  const auto channels = static_cast<std::size_t>(network_->feature_shapes()[feature].channels);
  for (std::size_t i = 0; i < faces.size(); ++i)
    append((*faces[i])[feature], channels * size_of(joined.type), joined, static_cast<int>(i));
}

}  // namespace w2l
