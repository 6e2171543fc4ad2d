// gst-wav2lip: a Wav2Lip network on the CPU, in parts that can be called on their own: features of
// a face depend on its crop alone, so that a caller may keep them. CpuEngine runs it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "conv_layer.h"

namespace w2l {

// One batch of each block's result in the face encoder, from the largest picture to the 1x1 one.
using FaceFeatures = std::vector<at::Tensor>;

// Immutable. To be made and used in inference mode. All tensors are channels_last.
class CpuNetwork {
 public:
  // `dtype` is kFloat or kBFloat16. Reads, folds and packs one layer at a time.
  CpuNetwork(const Checkpoint &checkpoint, const Network &network, at::ScalarType dtype);

  // `crops`: `count` packed pictures of crop_size x crop_size x 3 bytes, BGR. Result: the face
  // encoder's input, (count, 6, edge, edge) in 0..1: the crop without its lower half, the crop.
  at::Tensor face_input(const std::uint8_t *crops, int count) const;
  // `mels`: `count` windows of mel_bands x mel_columns. Result: (count, 1, bands, columns).
  at::Tensor mel_input(const float *mels, int count) const;

  FaceFeatures encode_face(const at::Tensor &faces) const;
  at::Tensor encode_audio(const at::Tensor &mels) const;
  // The answer in 0..1, (count, 3, rows, edge), float whatever the network's type is: rows from
  // first_row on, and perhaps some above that are not right.
  at::Tensor decode(const at::Tensor &speech, const FaceFeatures &features,
                    int first_row = 0) const;
  // The first row that each layer of decoder and output block has to give for decode()'s first_row,
  // the last layer first.
  std::vector<int> first_rows(int first_row) const;

  // uint8(truncate(x * 255)) of the rows [first_row, edge) of one picture of decode()'s result,
  // as packed BGR; the rows above are zero.
  std::vector<std::uint8_t> picture(const at::Tensor &answer, int index, int first_row) const;

  // Whether every layer runs on a fused operator; the others are about half as fast.
  bool fused() const;

 private:
  using Block = std::vector<ConvLayer>;
  std::vector<Block> build(const Checkpoint &checkpoint, const Network &network, Part part,
                           Size2 input) const;

  const Family *family_;
  at::ScalarType dtype_;
  std::vector<Block> face_, audio_, decoder_, output_;
};

}  // namespace w2l
