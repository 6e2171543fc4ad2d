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
    const GstAudioMeta *meta = gst_buffer_get_audio_meta(buffer);
    bool whole = gst_buffer_get_size(buffer) % GST_AUDIO_INFO_BPF(&info) == 0;
    bool readable = meta ? same_layout(meta->info, info) : !planar && whole;
    mapped_ = readable && gst_audio_buffer_map(&audio_, &info, buffer, GST_MAP_READ);
  }
  ~MappedAudio() {
    if (mapped_) gst_audio_buffer_unmap(&audio_);
  }
  MappedAudio(const MappedAudio &) = delete;
  MappedAudio &operator=(const MappedAudio &) = delete;
  bool ok() const { return mapped_; }
  const GstAudioBuffer &get() const { return audio_; }

 private:
  // The converter would read past planes of another kind.
  static bool same_layout(const GstAudioInfo &a, const GstAudioInfo &b) {
    return GST_AUDIO_INFO_FORMAT(&a) == GST_AUDIO_INFO_FORMAT(&b) &&
           GST_AUDIO_INFO_CHANNELS(&a) == GST_AUDIO_INFO_CHANNELS(&b) &&
           GST_AUDIO_INFO_LAYOUT(&a) == GST_AUDIO_INFO_LAYOUT(&b);
  }

  GstAudioBuffer audio_;
  bool mapped_;
};

// Channels without positions (sound cards, multitrack files): the mean of all of them.
GstStructure *make_mean_matrix(int channels) {
  GValue matrix = G_VALUE_INIT, row = G_VALUE_INIT, weight = G_VALUE_INIT;
  g_value_init(&matrix, GST_TYPE_ARRAY);
  g_value_init(&row, GST_TYPE_ARRAY);
  g_value_init(&weight, G_TYPE_FLOAT);
  g_value_set_float(&weight, 1.0f / static_cast<float>(channels));
  for (int i = 0; i < channels; i++) gst_value_array_append_value(&row, &weight);
  gst_value_array_append_and_take_value(&matrix, &row);
  GstStructure *options = gst_structure_new_empty("options");
  gst_structure_take_value(options, GST_AUDIO_CONVERTER_OPT_MIX_MATRIX, &matrix);
  return options;
}

}  // namespace

AudioInput::AudioInput(const GstAudioInfo &info) : info_(info) {
  open();
}

void AudioInput::open() {
  GstAudioInfo out;
  gst_audio_info_set_format(&out, GST_AUDIO_FORMAT_F32, mel::kSampleRate, 1, nullptr);
  // Planar or interleaved, any channel layout: the converter mixes down by its own rules.
  const int channels = GST_AUDIO_INFO_CHANNELS(&info_);
  bool unpositioned = channels > 2 && GST_AUDIO_INFO_IS_UNPOSITIONED(&info_);
  GstStructure *options = unpositioned ? make_mean_matrix(channels) : nullptr;
  converter_.reset(gst_audio_converter_new(GST_AUDIO_CONVERTER_FLAG_NONE, &info_, &out, options));
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

// The converter makes silence of null, too, but leaves part of it unset where it mixes or does not
// resample.
const std::vector<float> &AudioInput::run_silence(std::size_t frames) {
  const bool planar = GST_AUDIO_INFO_LAYOUT(&info_) == GST_AUDIO_LAYOUT_NON_INTERLEAVED;
  const std::size_t channels = GST_AUDIO_INFO_CHANNELS(&info_);
  std::vector<std::uint8_t> plane(frames * GST_AUDIO_INFO_BPF(&info_) / (planar ? channels : 1));
  gst_audio_format_info_fill_silence(info_.finfo, plane.data(), plane.size());
  std::vector<gpointer> planes(planar ? channels : 1, plane.data());
  return run(planes.data(), frames);
}

const std::vector<float> &AudioInput::convert(GstBuffer *buffer) {
  std::size_t frames = 0;
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP)) {
    // Elements may leave the bytes of a GAP buffer unset. A clipped planar one keeps its size.
    const GstAudioMeta *meta = gst_buffer_get_audio_meta(buffer);
    frames = meta ? meta->samples : gst_buffer_get_size(buffer) / GST_AUDIO_INFO_BPF(&info_);
    run_silence(frames);
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
  std::int64_t due =
      gst_util_uint64_scale_ceil(frames_in_, mel::kSampleRate, GST_AUDIO_INFO_RATE(&info_)) -
      samples_out_;
  if (frames_in_ == 0 || due <= 0 || latency == 0) {
    samples_.clear();
  } else {
    // Half the filter brings the last input to its middle, the other half rounds up.
    run_silence(2 * latency);
    samples_.resize(std::min<std::size_t>(samples_.size(), due));
  }
  reset();
  return samples_;
}

void AudioInput::reset() {
  // gst_audio_converter_reset() leaves the resampler between two samples: begin anew.
  if (frames_in_ > 0) open();
  frames_in_ = 0;
  samples_out_ = 0;
}

}  // namespace w2l
