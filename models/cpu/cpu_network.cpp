// gst-wav2lip: a Wav2Lip network on the CPU. See cpu_network.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_network.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "parallel_jobs.h"

namespace w2l {
namespace {

constexpr std::int64_t kBytesPerPixel = 3;

std::byte *write_face(const std::uint8_t *crop, std::int64_t edge, std::byte *to) {
  for (std::int64_t row = 0; row < edge; ++row) {
    const bool masked = row >= edge / 2;
    for (std::int64_t column = 0; column < edge; ++column) {
      for (std::int64_t c = 0; c < kBytesPerPixel; ++c) {
        const auto value = static_cast<std::byte>(crop[c]);
        to[c] = masked ? std::byte{0} : value;
        to[c + kBytesPerPixel] = value;
      }
      to += 2 * kBytesPerPixel;
      crop += kBytesPerPixel;
    }
  }
  return to;
}

}  // namespace

CpuNetwork::CpuNetwork(const Checkpoint &checkpoint, const Network &network, NumberType type,
                       int threads, const AmxKernels *amx)
    : family_(&network.family()), type_(type) {
  std::vector<PlacedLayer> layers;
  const auto add = [&](Part part, Size2 input) {
    for (const Layer &layer : network.part(part)) {
      layers.push_back({layer, input});
      input = w2l::output_size(*layer.row, input);
    }
    return input;
  };
  const Size2 crop = {family_->crop_size, family_->crop_size};
  add(Part::FaceEncoder, crop);
  const Size2 heard = add(Part::AudioEncoder, {family_->mel_bands, family_->mel_columns});
  add(Part::Decoder, heard);
  add(Part::Output, crop);
  build(checkpoint, layers, threads, amx);
  for (const Block &block : face_) {
    const Size2 size = block.back().output_size();
    feature_shapes_.push_back({static_cast<int>(block.back().channels()),
                               static_cast<int>(size.height), static_cast<int>(size.width)});
  }
}

// The face encoder's first layer, which takes bytes, is the first.
void CpuNetwork::build(const Checkpoint &checkpoint, const std::vector<PlacedLayer> &layers,
                       int threads, const AmxKernels *amx) {
  // Large ones first: the threads end together.
  std::vector<std::size_t> order(layers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto size = [&](std::size_t i) {
    const Layer &layer = layers[i].layer;
    return layer.in * layer.out * layer.row->kernel * layer.row->kernel;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return size(a) > size(b); });
  std::vector<std::optional<ConvLayer>> built(layers.size());
  run_jobs(threads, static_cast<int>(layers.size()), [&](int i) {
    thread_local LayerWeights weights;  // of threads that live for these jobs alone
    const std::size_t index = order[static_cast<std::size_t>(i)];
    Network::read(checkpoint, layers[index].layer, weights);
    built[index].emplace(layers[index].layer, weights, layers[index].input,
                         index == 0 ? NumberType::Byte : type_, type_, amx);
  });
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerRow &row = *layers[i].layer.row;
    std::vector<Block> &blocks = part(row.part);
    blocks.resize(std::max(blocks.size(), static_cast<std::size_t>(row.block) + 1));
    blocks[static_cast<std::size_t>(row.block)].push_back(std::move(*built[i]));
  }
}

std::vector<CpuNetwork::Block> &CpuNetwork::part(Part part) {
  switch (part) {
    case Part::FaceEncoder:
      return face_;
    case Part::AudioEncoder:
      return audio_;
    case Part::Decoder:
      return decoder_;
    case Part::Output:
      break;
  }
  return output_;
}

int CpuNetwork::layer_count() const {
  std::size_t count = 0;
  for (const std::vector<Block> *part : {&face_, &audio_, &decoder_, &output_})
    for (const Block &block : *part) count += block.size();
  return static_cast<int>(count);
}

void CpuNetwork::write_faces(const std::vector<const std::uint8_t *> &crops, std::byte *to) const {
  for (const std::uint8_t *crop : crops) to = write_face(crop, family_->crop_size, to);
}

void CpuNetwork::write_mels(const std::vector<const float *> &mels, std::byte *to) const {
  const std::ptrdiff_t size = family_->mel_bands * family_->mel_columns;
  for (const float *mel : mels) {
    if (type_ == NumberType::Float)
      std::copy(mel, mel + size, reinterpret_cast<float *>(to));
    else
      std::transform(mel, mel + size, reinterpret_cast<Bf16 *>(to),
                     [](float x) { return to_bf16(x); });
    to += static_cast<std::size_t>(size) * size_of(type_);
  }
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

std::vector<int> CpuNetwork::feature_tops(int first_row) const {
  std::vector<int> rows = first_rows(first_row), tops;
  for (const Block &block : decoder_) {
    rows.resize(rows.size() - block.size() + 1);
    tops.insert(tops.begin(), rows.back());
    rows.pop_back();
  }
  return tops;
}

std::vector<std::uint8_t> CpuNetwork::picture(const Rows &answer, int index, int first_row) const {
  const auto row_size = static_cast<std::size_t>(family_->crop_size * kBytesPerPixel);
  const std::size_t size = row_size * static_cast<std::size_t>(family_->crop_size);
  const std::size_t above = row_size * static_cast<std::size_t>(answer.top);
  const auto *in = reinterpret_cast<const float *>(answer.image(index));
  std::vector<std::uint8_t> bytes(size);
  // The reference multiplies in float and lets the conversion truncate. max() first: of a NaN
  // it makes 0, and only numbers may be converted.
  for (std::size_t i = row_size * static_cast<std::size_t>(first_row); i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(std::min(std::max(0.0f, in[i - above] * 255.0f), 255.0f));
  return bytes;
}

}  // namespace w2l
