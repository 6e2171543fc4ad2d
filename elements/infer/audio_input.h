// gst-wav2lip: turns audio buffers of any raw format into the mono 16 kHz float samples the mel
// front-end wants. w2linfer's audio chain function calls it, one instance for each caps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/audio/audio.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace w2l {

class AudioInput {
 public:
  // Throws Error(Unsupported) when GStreamer cannot convert from `info`.
  explicit AudioInput(const GstAudioInfo &info);

  const GstAudioInfo &info() const { return info_; }

  // The samples that can be made from what has come so far: sample k of a recording sounds at
  // k / 16000 s after its first input frame, whatever the resampler keeps back. Valid until the
  // next call. Throws Error(Failed) for a buffer that cannot be read as its caps say.
  const std::vector<float> &convert(GstBuffer *buffer);

  // Nanoseconds of input that convert() has not given out yet: the next output starts this long
  // before the next input.
  std::int64_t delay() const;

  // The samples still inside the resampler; the recording is over.
  const std::vector<float> &drain();

  // Forgets the recording without making anything of it.
  void reset();

 private:
  struct Free {
    void operator()(GstAudioConverter *converter) const { gst_audio_converter_free(converter); }
  };

  void open();
  const std::vector<float> &run(gpointer *planes, std::size_t frames);
  const std::vector<float> &run_silence(std::size_t frames);

  GstAudioInfo info_;
  std::unique_ptr<GstAudioConverter, Free> converter_;
  std::vector<float> samples_;
  std::int64_t frames_in_ = 0;  // of this recording
  std::int64_t samples_out_ = 0;
};

}  // namespace w2l
