// gst-wav2lip: the families of Wav2Lip networks as tables. See family.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "family.h"

namespace w2l {
namespace {

// clang-format off
std::vector<LayerRow> layers96() {
  constexpr auto kFace = Part::FaceEncoder;
  constexpr auto kAudio = Part::AudioEncoder;
  constexpr auto kDecode = Part::Decoder;
  constexpr auto kConv = LayerKind::Conv;
  constexpr auto kRes = LayerKind::Residual;
  constexpr auto kUp = LayerKind::Transposed;
  return {
      // name, part, block, kind, kernel, stride, padding, output padding     edge after it
      {"face_encoder_blocks.0.0", kFace, 0, kConv, 7, {1, 1}, 3, 0},       // 96
      {"face_encoder_blocks.1.0", kFace, 1, kConv, 3, {2, 2}, 1, 0},       // 48
      {"face_encoder_blocks.1.1", kFace, 1, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.1.2", kFace, 1, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.2.0", kFace, 2, kConv, 3, {2, 2}, 1, 0},       // 24
      {"face_encoder_blocks.2.1", kFace, 2, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.2.2", kFace, 2, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.2.3", kFace, 2, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.3.0", kFace, 3, kConv, 3, {2, 2}, 1, 0},       // 12
      {"face_encoder_blocks.3.1", kFace, 3, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.3.2", kFace, 3, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.4.0", kFace, 4, kConv, 3, {2, 2}, 1, 0},       // 6
      {"face_encoder_blocks.4.1", kFace, 4, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.4.2", kFace, 4, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.5.0", kFace, 5, kConv, 3, {2, 2}, 1, 0},       // 3
      {"face_encoder_blocks.5.1", kFace, 5, kRes, 3, {1, 1}, 1, 0},
      {"face_encoder_blocks.6.0", kFace, 6, kConv, 3, {1, 1}, 0, 0},       // 1
      {"face_encoder_blocks.6.1", kFace, 6, kConv, 1, {1, 1}, 0, 0},
      //                                                                     bands x columns
      {"audio_encoder.0", kAudio, 0, kConv, 3, {1, 1}, 1, 0},              // 80 x 16
      {"audio_encoder.1", kAudio, 0, kRes, 3, {1, 1}, 1, 0},
      {"audio_encoder.2", kAudio, 0, kRes, 3, {1, 1}, 1, 0},
      {"audio_encoder.3", kAudio, 0, kConv, 3, {3, 1}, 1, 0},              // 27 x 16
      {"audio_encoder.4", kAudio, 0, kRes, 3, {1, 1}, 1, 0},
      {"audio_encoder.5", kAudio, 0, kRes, 3, {1, 1}, 1, 0},
      {"audio_encoder.6", kAudio, 0, kConv, 3, {3, 3}, 1, 0},              // 9 x 6
      {"audio_encoder.7", kAudio, 0, kRes, 3, {1, 1}, 1, 0},
      {"audio_encoder.8", kAudio, 0, kRes, 3, {1, 1}, 1, 0},
      {"audio_encoder.9", kAudio, 0, kConv, 3, {3, 2}, 1, 0},              // 3 x 3
      {"audio_encoder.10", kAudio, 0, kRes, 3, {1, 1}, 1, 0},
      {"audio_encoder.11", kAudio, 0, kConv, 3, {1, 1}, 0, 0},             // 1 x 1
      {"audio_encoder.12", kAudio, 0, kConv, 1, {1, 1}, 0, 0},
      //                                                                     edge after it
      {"face_decoder_blocks.0.0", kDecode, 0, kConv, 1, {1, 1}, 0, 0},     // 1
      {"face_decoder_blocks.1.0", kDecode, 1, kUp, 3, {1, 1}, 0, 0},       // 3
      {"face_decoder_blocks.1.1", kDecode, 1, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.2.0", kDecode, 2, kUp, 3, {2, 2}, 1, 1},       // 6
      {"face_decoder_blocks.2.1", kDecode, 2, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.2.2", kDecode, 2, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.3.0", kDecode, 3, kUp, 3, {2, 2}, 1, 1},       // 12
      {"face_decoder_blocks.3.1", kDecode, 3, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.3.2", kDecode, 3, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.4.0", kDecode, 4, kUp, 3, {2, 2}, 1, 1},       // 24
      {"face_decoder_blocks.4.1", kDecode, 4, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.4.2", kDecode, 4, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.5.0", kDecode, 5, kUp, 3, {2, 2}, 1, 1},       // 48
      {"face_decoder_blocks.5.1", kDecode, 5, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.5.2", kDecode, 5, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.6.0", kDecode, 6, kUp, 3, {2, 2}, 1, 1},       // 96
      {"face_decoder_blocks.6.1", kDecode, 6, kRes, 3, {1, 1}, 1, 0},
      {"face_decoder_blocks.6.2", kDecode, 6, kRes, 3, {1, 1}, 1, 0},
      {"output_block.0", Part::Output, 0, kConv, 3, {1, 1}, 1, 0},         // 96
      {"output_block.1", Part::Output, 0, LayerKind::Last, 1, {1, 1}, 0, 0},
  };
}
// clang-format on

}  // namespace

const std::vector<Family> &families() {
  static const std::vector<Family> list = {
      {"wav2lip-96", 96, 80, 16, 6, 3, layers96()},
  };
  return list;
}

}  // namespace w2l
