// gst-wav2lip: the layers of a Wav2Lip network on the CPU, and how bytes become their input and
// their output bytes. NetworkPlan runs it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "conv_layer.h"

namespace w2l {

// Of one block's result in the face encoder.
struct FeatureShape {
  int channels, height, width;
};

// Immutable.
class CpuNetwork {
 public:
  using Block = std::vector<ConvLayer>;

  // `type` is Float or Bf16. Each of the threads reads, folds and packs one layer at a time, whose
  // float weights are in memory meanwhile. `amx` computes what it can of Bf16 networks.
  CpuNetwork(const Checkpoint &checkpoint, const Network &network, NumberType type, int threads = 1,
             const AmxKernels *amx = nullptr);

  const Family &family() const { return *family_; }
  NumberType type() const { return type_; }
  const std::vector<Block> &face() const { return face_; }
  const std::vector<Block> &audio() const { return audio_; }
  const std::vector<Block> &decoder() const { return decoder_; }
  const std::vector<Block> &output() const { return output_; }
  int layer_count() const;

  // The first layers' inputs. Faces: bytes, (count, edge, edge, 6), the crop without its lower half
  // and the crop; mels: (count, bands, columns, 1) in numbers of type().
  void write_faces(const std::vector<const std::uint8_t *> &crops, std::byte *to) const;
  void write_mels(const std::vector<const float *> &mels, std::byte *to) const;

  // The first row that each layer of decoder and output block has to give for an answer from
  // first_row on, the last layer first.
  std::vector<int> first_rows(int first_row) const;
  // Of each block of the face encoder, and the first row of it that is read for such an answer.
  const std::vector<FeatureShape> &feature_shapes() const { return feature_shapes_; }
  std::vector<int> feature_tops(int first_row) const;

  // uint8(truncate(x * 255)) of the rows [first_row, edge) of one picture of an answer, as packed
  // BGR; the rows above are zero.
  std::vector<std::uint8_t> picture(const Rows &answer, int index, int first_row) const;

 private:
  struct PlacedLayer {
    Layer layer;
    Size2 input;
  };

  void build(const Checkpoint &checkpoint, const std::vector<PlacedLayer> &layers, int threads,
             const AmxKernels *amx);
  std::vector<Block> &part(Part part);

  const Family *family_;
  NumberType type_;
  std::vector<Block> face_, audio_, decoder_, output_;
  std::vector<FeatureShape> feature_shapes_;
};

}  // namespace w2l
