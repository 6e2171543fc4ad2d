// gst-wav2lip: the families of Wav2Lip networks as tables: which layers there are, how each one
// strides and pads, what is concatenated. Channel counts are not in them: they are read from a
// checkpoint's shapes. A new family is a new table and a new row of families().
// Network::describe() and the backends read them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

namespace w2l {

enum class Part { FaceEncoder, AudioEncoder, Decoder, Output };

enum class LayerKind {
  Conv,        // convolution, batch-norm, ReLU
  Residual,    // the same with its input added before the ReLU
  Transposed,  // transposed convolution, batch-norm, ReLU
  Last,        // convolution and sigmoid; its tensors are named without "conv_block"
};

struct Size2 {
  std::int64_t height, width;
};

struct LayerRow {
  const char *name;  // of the module: "face_encoder_blocks.1.0"
  Part part;
  // Layers of one block follow each other. An encoder block's result is a feature; a decoder
  // block's result gets the feature of the mirrored encoder block appended.
  int block;
  LayerKind kind;
  std::int64_t kernel;
  Size2 stride;
  std::int64_t padding;
  std::int64_t output_padding;  // of a transposed convolution
};

struct Family {
  const char *name;  // "wav2lip-96"
  int crop_size;     // edge of the square crop and answer
  int mel_bands, mel_columns;
  int face_channels;             // masked crop and crop
  int picture_channels;          // of the answer
  std::vector<LayerRow> layers;  // in the order of computation within a part
};

const std::vector<Family> &families();

}  // namespace w2l
