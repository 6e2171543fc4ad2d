// gst-wav2lip: see audio_input.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_input.h"

#include <algorithm>

#include "error.h"
#include "mel_frontend.h"

namespace w2l {
namespace {

class MappedAudio {
 public:
  // gst_audio_buffer_map() knows both layouts; planar audio says where its planes are in a meta.
  MappedAudio(const GstAudioInfo &info, GstBuffer *buffer) {
    bool planar = GST_AUDIO_INFO_LAYOUT(&info) == GST_AUDIO_LAYOUT_NON_INTERLEAVED;
    bool whole = gst_buffer_get_size(buffer) % GST_AUDIO_INFO_BPF(&info) == 0;
    bool described = gst_buffer_get_audio_meta(buffer) != nullptr;
    mapped_ = (planar ? described : whole) &&
              gst_audio_buffer_map(&audio_, &info, buffer, GST_MAP_READ);
  }
  ~MappedAudio() {
    if (mapped_) gst_audio_buffer_unmap(&audio_);
  }
  MappedAudio(const MappedAudio &) = delete;
  MappedAudio &operator=(const MappedAudio &) = delete;
  bool ok() const { return mapped_; }
  const GstAudioBuffer &get() const { return audio_; }

 private:
  GstAudioBuffer audio_;
  bool mapped_;
};

}  // namespace

AudioInput::AudioInput(const GstAudioInfo &info) : info_(info) {
  GstAudioInfo out;
  gst_audio_info_set_format(&out, GST_AUDIO_FORMAT_F32, mel::kSampleRate, 1, nullptr);
  // Planar or interleaved, any channel layout: the converter mixes down by its own rules.
  converter_.reset(gst_audio_converter_new(GST_AUDIO_CONVERTER_FLAG_NONE, &info_, &out, nullptr));
  if (!converter_) {
    throw Error(ErrorCode::Unsupported,
                "cannot convert this audio to 16 kHz mono; put audioconvert before the audio pad");
  }
}

const std::vector<float> &AudioInput::run(gpointer *planes, std::size_t frames) {
  samples_.resize(gst_audio_converter_get_out_frames(converter_.get(), frames));
  gpointer out[] = {samples_.data()};
  if (!gst_audio_converter_samples(converter_.get(), GST_AUDIO_CONVERTER_FLAG_NONE, planes, frames,
                                   out, samples_.size()))
    throw Error(ErrorCode::Failed, "converting the audio to 16 kHz mono failed");
  return samples_;
}

const std::vector<float> &AudioInput::convert(GstBuffer *buffer) {
  std::size_t frames = 0;
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP)) {
    // Elements may leave the bytes of a GAP buffer unset.
    frames = gst_buffer_get_size(buffer) / GST_AUDIO_INFO_BPF(&info_);
    run(nullptr, frames);
  } else {
    MappedAudio mapped(info_, buffer);
    if (!mapped.ok()) throw Error(ErrorCode::Failed, "an audio buffer is not what its caps say");
    frames = mapped.get().n_samples;
    run(mapped.get().planes, frames);
  }
  frames_in_ += static_cast<std::int64_t>(frames);
  samples_out_ += static_cast<std::int64_t>(samples_.size());
  return samples_;
}

std::int64_t AudioInput::delay() const {
  auto taken = gst_util_uint64_scale_int_round(frames_in_, GST_SECOND, GST_AUDIO_INFO_RATE(&info_));
  auto given = gst_util_uint64_scale_int_round(samples_out_, GST_SECOND, mel::kSampleRate);
  return static_cast<std::int64_t>(taken) - static_cast<std::int64_t>(given);
}

const std::vector<float> &AudioInput::drain() {
  gsize latency = gst_audio_converter_get_max_latency(converter_.get());
  std::int64_t due = gst_util_uint64_scale_ceil(frames_in_, mel::kSampleRate,
                                                GST_AUDIO_INFO_RATE(&info_)) -
                     samples_out_;
  if (frames_in_ == 0 || due <= 0 || latency == 0) {
    samples_.clear();
  } else {
    run(nullptr, latency);
    samples_.resize(std::min<std::size_t>(samples_.size(), due));
  }
  reset();
  return samples_;
}

void AudioInput::reset() {
  gst_audio_converter_reset(converter_.get());
  frames_in_ = 0;
  samples_out_ = 0;
}

}  // namespace w2l
