// gst-wav2lip: a Wav2Lip network on the CPU. See cpu_network.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_network.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>
#include <utility>

#include "parallel_jobs.h"
#include "torch_threads.h"

namespace w2l {
namespace {

constexpr int kBytesPerPixel = 3;

template <typename T>
T number(float value) {
  if constexpr (std::is_same_v<T, Bf16>)
    return to_bf16(value);
  else
    return value;
}

// The reference divides by 255 and rounds to float once.
template <typename T>
std::array<T, 256> unit_table() {
  std::array<T, 256> table;
  for (int i = 0; i < 256; ++i)
    table[static_cast<std::size_t>(i)] = number<T>(static_cast<float>(i / 255.0));
  return table;
}

template <typename T>
T *write_face(const std::uint8_t *crop, std::int64_t edge, T *to) {
  static const std::array<T, 256> kUnit = unit_table<T>();
  for (std::int64_t row = 0; row < edge; ++row) {
    const bool masked = row >= edge / 2;
    for (std::int64_t column = 0; column < edge; ++column) {
      for (int c = 0; c < kBytesPerPixel; ++c) {
        const T value = kUnit[crop[c]];
        to[c] = masked ? T{} : value;
        to[c + kBytesPerPixel] = value;
      }
      to += 2 * kBytesPerPixel;
      crop += kBytesPerPixel;
    }
  }
  return to;
}

template <typename T>
void write_all(const std::vector<const std::uint8_t *> &crops, std::int64_t edge, T *to) {
  for (const std::uint8_t *crop : crops) to = write_face(crop, edge, to);
}

}  // namespace

CpuNetwork::CpuNetwork(const Checkpoint &checkpoint, const Network &network, at::ScalarType type,
                       int threads)
    : family_(&network.family()), type_(type) {
  const Size2 crop = {family_->crop_size, family_->crop_size};
  const Size2 mel = {family_->mel_bands, family_->mel_columns};
  face_ = build(checkpoint, network, Part::FaceEncoder, crop, threads);
  audio_ = build(checkpoint, network, Part::AudioEncoder, mel, threads);
  decoder_ = build(checkpoint, network, Part::Decoder, audio_.back().back().output_size(), threads);
  output_ = build(checkpoint, network, Part::Output, crop, threads);
  for (const Block &block : face_) {
    const Size2 size = block.back().output_size();
    feature_shapes_.push_back({static_cast<int>(block.back().channels()),
                               static_cast<int>(size.height), static_cast<int>(size.width)});
  }
}

std::vector<CpuNetwork::Block> CpuNetwork::build(const Checkpoint &checkpoint,
                                                 const Network &network, Part part, Size2 input,
                                                 int threads) const {
  const std::vector<Layer> layers = network.part(part);
  std::vector<Size2> inputs;
  for (const Layer &layer : layers) {
    inputs.push_back(input);
    input = w2l::output_size(*layer.row, input);
  }
  std::vector<std::optional<ConvLayer>> built(layers.size());
  run_jobs(threads, static_cast<int>(layers.size()), [&](int i) {
    use_torch_threads(1);
    const c10::InferenceMode inference;
    const auto index = static_cast<std::size_t>(i);
    const Layer &layer = layers[index];
    // The three channels of the picture are always computed in float: it costs one percent, and
    // bfloat16's eight bits of mantissa would be seen in the answer.
    const at::ScalarType type = layer.row->kind == LayerKind::Last ? at::kFloat : type_;
    built[index].emplace(layer, Network::read(checkpoint, layer), inputs[index], type);
  });
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto block = static_cast<std::size_t>(layers[i].row->block);
    if (block >= blocks.size()) blocks.resize(block + 1);
    blocks[block].push_back(std::move(*built[i]));
  }
  return blocks;
}

int CpuNetwork::layer_count() const {
  std::size_t count = 0;
  for (const std::vector<Block> *part : {&face_, &audio_, &decoder_, &output_})
    for (const Block &block : *part) count += block.size();
  return static_cast<int>(count);
}

void CpuNetwork::write_faces(const std::vector<const std::uint8_t *> &crops, void *to) const {
  if (type_ == at::kFloat)
    write_all(crops, family_->crop_size, static_cast<float *>(to));
  else
    write_all(crops, family_->crop_size, static_cast<Bf16 *>(to));
}

void CpuNetwork::write_mels(const float *mels, int count, void *to) const {
  const float *end =
      mels + static_cast<std::ptrdiff_t>(count) * family_->mel_bands * family_->mel_columns;
  if (type_ == at::kFloat)
    std::copy(mels, end, static_cast<float *>(to));
  else
    std::transform(mels, end, static_cast<Bf16 *>(to), to_bf16);
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
