// gst-wav2lip: a Wav2Lip network on the CPU. See cpu_network.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_network.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "range.h"

namespace w2l {
namespace {

constexpr int kBytesPerPixel = 3;

// The reference divides by 255 and rounds to float once.
std::array<float, 256> unit_table() {
  std::array<float, 256> table;
  for (int i = 0; i < 256; ++i) table[static_cast<std::size_t>(i)] = static_cast<float>(i / 255.0);
  return table;
}

at::Tensor run(const std::vector<ConvLayer> &block, const at::Tensor &x) {
  Rows rows = {x, 0};
  for (const ConvLayer &layer : block) rows = layer.run(rows, 0);
  return rows.pixels;
}

// The layer's output and, in the channels behind it, the same rows of `feature`.
Rows run_and_append(const ConvLayer &layer, const Rows &x, int first_row,
                    const at::Tensor &feature) {
  const std::int64_t channels = layer.channels(), more = feature.size(1);
  const Rows joined = layer.make_output(x, first_row, more);
  layer.run_into(x, {joined.pixels.narrow(1, 0, channels), first_row});
  joined.pixels.narrow(1, channels, more)
      .copy_(feature.narrow(2, first_row, joined.pixels.size(2)));
  return joined;
}

}  // namespace

CpuNetwork::CpuNetwork(const Checkpoint &checkpoint, const Network &network, at::ScalarType dtype)
    : family_(&network.family()), dtype_(dtype) {
  const Size2 crop = {family_->crop_size, family_->crop_size};
  const Size2 mel = {family_->mel_bands, family_->mel_columns};
  face_ = build(checkpoint, network, Part::FaceEncoder, crop);
  audio_ = build(checkpoint, network, Part::AudioEncoder, mel);
  decoder_ = build(checkpoint, network, Part::Decoder, audio_.back().back().output_size());
  output_ = build(checkpoint, network, Part::Output, crop);
}

std::vector<CpuNetwork::Block> CpuNetwork::build(const Checkpoint &checkpoint,
                                                 const Network &network, Part part,
                                                 Size2 input) const {
  std::vector<Block> blocks;
  for (const Layer &layer : network.part(part)) {
    const auto index = static_cast<std::size_t>(layer.row->block);
    if (index >= blocks.size()) blocks.resize(index + 1);
    // The three channels of the picture are always computed in float: it costs one percent, and
    // bfloat16's eight bits of mantissa would be seen in the answer.
    const at::ScalarType dtype = layer.row->kind == LayerKind::Last ? at::kFloat : dtype_;
    blocks[index].emplace_back(layer, Network::read(checkpoint, layer), input, dtype);
    input = blocks[index].back().output_size();
  }
  return blocks;
}

at::Tensor CpuNetwork::face_input(const std::uint8_t *crops, int count) const {
  static const std::array<float, 256> kUnit = unit_table();
  const std::int64_t edge = family_->crop_size;
  at::Tensor input =
      at::empty({count, family_->face_channels, edge, edge},
                at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  float *out = input.data_ptr<float>();
  for (int sample = 0; sample < count; ++sample) {
    for (std::int64_t row = 0; row < edge; ++row) {
      const bool masked = row >= edge / 2;
      for (std::int64_t column = 0; column < edge; ++column) {
        for (int c = 0; c < kBytesPerPixel; ++c) {
          const float value = kUnit[crops[c]];
          out[c] = masked ? 0.0f : value;
          out[c + kBytesPerPixel] = value;
        }
        out += 2 * kBytesPerPixel;
        crops += kBytesPerPixel;
      }
    }
  }
  return input.to(dtype_);
}

at::Tensor CpuNetwork::mel_input(const float *mels, int count) const {
  at::Tensor input = at::empty({count, 1, family_->mel_bands, family_->mel_columns}, at::kFloat);
  std::memcpy(input.data_ptr<float>(), mels, input.nbytes());
  return input.to(dtype_).contiguous(at::MemoryFormat::ChannelsLast);
}

FaceFeatures CpuNetwork::encode_face(const at::Tensor &faces) const {
  const TraceRange range{"engine: face encoder"};
  FaceFeatures features;
  at::Tensor x = faces;
  for (const Block &block : face_) {
    x = run(block, x);
    features.push_back(x);
  }
  return features;
}

at::Tensor CpuNetwork::encode_audio(const at::Tensor &mels) const {
  const TraceRange range{"engine: audio encoder"};
  at::Tensor x = mels;
  for (const Block &block : audio_) x = run(block, x);
  return x;
}

std::vector<int> CpuNetwork::first_rows(int first_row) const {
  std::vector<int> rows;
  for (const std::vector<Block> *part : {&output_, &decoder_})
    for (auto block = part->rbegin(); block != part->rend(); ++block)
      for (auto layer = block->rbegin(); layer != block->rend(); ++layer) {
        rows.push_back(first_row);
        first_row = layer->first_input_row(first_row);
      }
  return rows;
}

at::Tensor CpuNetwork::decode(const at::Tensor &speech, const FaceFeatures &features,
                              int first_row) const {
  const TraceRange range{"engine: decoder"};
  std::vector<int> first_rows = this->first_rows(first_row);
  const auto next_first_row = [&first_rows] {
    const int row = first_rows.back();
    first_rows.pop_back();
    return row;
  };
  Rows x = {speech, 0};
  auto feature = features.rbegin();
  for (const Block &block : decoder_) {
    for (auto layer = block.begin(); layer != block.end() - 1; ++layer)
      x = layer->run(x, next_first_row());
    x = run_and_append(block.back(), x, next_first_row(), *feature++);
  }
  for (const Block &block : output_)
    for (const ConvLayer &layer : block) {
      if (&layer == &block.back()) x.pixels = x.pixels.to(at::kFloat);
      x = layer.run(x, next_first_row());
    }
  return x.pixels.contiguous(at::MemoryFormat::ChannelsLast);
}

bool CpuNetwork::fused() const {
  for (const std::vector<Block> *part : {&face_, &audio_, &decoder_, &output_})
    for (const Block &block : *part)
      for (const ConvLayer &layer : block)
        if (!layer.fused()) return false;
  return true;
}

std::vector<std::uint8_t> CpuNetwork::picture(const at::Tensor &answer, int index,
                                              int first_row) const {
  const auto row_size = static_cast<std::size_t>(family_->crop_size) * kBytesPerPixel;
  const std::size_t size = row_size * static_cast<std::size_t>(family_->crop_size);
  // The answer may lack rows at the top.
  const std::size_t above = size - row_size * static_cast<std::size_t>(answer.size(2));
  const float *in = answer.data_ptr<float>() + static_cast<std::size_t>(index) * (size - above);
  std::vector<std::uint8_t> bytes(size);
  // The reference multiplies in float and lets the conversion truncate. max() first: of a NaN
  // it makes 0, and only numbers may be converted.
  for (std::size_t i = row_size * static_cast<std::size_t>(first_row); i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(std::min(std::max(0.0f, in[i - above] * 255.0f), 255.0f));
  return bytes;
}

}  // namespace w2l
