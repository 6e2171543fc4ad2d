// gst-wav2lip: AudioInput: which mono 16 kHz samples are made of which audio, how many and when.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_input.h"

#include <gst/audio/audio.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "error.h"

namespace w2l {
namespace {

using Samples = std::vector<float>;

struct BufferUnref {
  void operator()(GstBuffer *buffer) const { gst_buffer_unref(buffer); }
};
using Buffer = std::unique_ptr<GstBuffer, BufferUnref>;

class AudioInputTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
};

GstAudioInfo format(GstAudioFormat sample_format, int rate, int channels) {
  GstAudioInfo info;
  gst_audio_info_set_format(&info, sample_format, rate, channels, nullptr);
  return info;
}

template <typename T>
Buffer make_buffer(const T *values, std::size_t count) {
  Buffer buffer(gst_buffer_new_allocate(nullptr, count * sizeof(T), nullptr));
  gst_buffer_fill(buffer.get(), 0, values, count * sizeof(T));
  return buffer;
}

template <typename T>
Buffer make_buffer(const std::vector<T> &values) {
  return make_buffer(values.data(), values.size());
}

void append(Samples &to, const Samples &more) {
  to.insert(to.end(), more.begin(), more.end());
}

// All that comes of mono samples in buffers of the given sizes in turn.
Samples convert_all(const GstAudioInfo &info, const Samples &input,
                    const std::vector<std::size_t> &sizes) {
  AudioInput audio(info);
  Samples output;
  std::size_t turn = 0;
  for (std::size_t at = 0; at < input.size();) {
    const std::size_t count = std::min(sizes[turn++ % sizes.size()], input.size() - at);
    append(output, audio.convert(make_buffer(input.data() + at, count).get()));
    at += count;
  }
  append(output, audio.drain());
  return output;
}

Samples tone(int rate, std::size_t count) {
  Samples samples(count);
  for (std::size_t i = 0; i < count; ++i)
    samples[i] = static_cast<float>(0.5 * std::sin(6.2831853 * 440.0 * i / rate));
  return samples;
}

std::ptrdiff_t loudest(const Samples &samples) {
  return std::max_element(samples.begin(), samples.end(),
                          [](float a, float b) { return std::fabs(a) < std::fabs(b); }) -
         samples.begin();
}

// Formats

TEST_F(AudioInputTest, SixteenBitMonoIsExact) {
  AudioInput audio(format(GST_AUDIO_FORMAT_S16, 16000, 1));
  const std::vector<gint16> input = {0, 1, -1, 2, 12345, -12345, 32767, -32768};
  Samples expected;
  for (gint16 value : input) expected.push_back(static_cast<float>(value) / 32768.0f);
  EXPECT_EQ(audio.convert(make_buffer(input).get()), expected);
  EXPECT_EQ(audio.delay(), 0);
  EXPECT_EQ(audio.drain(), Samples()) << "nothing is kept back without resampling";
}

TEST_F(AudioInputTest, StereoBecomesTheMeanOfBothSides) {
  AudioInput floats(format(GST_AUDIO_FORMAT_F32, 16000, 2));
  EXPECT_EQ(floats.convert(make_buffer(Samples{1.0f, 0.0f, 0.5f, -0.5f, 0.25f, 0.75f}).get()),
            (Samples{0.5f, 0.0f, 0.5f}));
  AudioInput shorts(format(GST_AUDIO_FORMAT_S16, 16000, 2));
  const Samples &mixed =
      shorts.convert(make_buffer(std::vector<gint16>{1000, 3000, -32768, -32768, 1, 0}).get());
  ASSERT_EQ(mixed.size(), 3u);
  EXPECT_FLOAT_EQ(mixed[0], 2000 / 32768.0f);
  EXPECT_FLOAT_EQ(mixed[1], -1.0f);
  EXPECT_NEAR(mixed[2], 0.5 / 32768.0, 0.5 / 32768.0) << "within half a step of 16 bits";
}

TEST_F(AudioInputTest, PlanarAudioIsReadThroughItsMeta) {
  GstAudioInfo info = format(GST_AUDIO_FORMAT_F32, 16000, 2);
  info.layout = GST_AUDIO_LAYOUT_NON_INTERLEAVED;
  AudioInput audio(info);
  // Planes with a hole of 4 samples between them and the right one first.
  const Samples bytes = {0.5f, 0.25f, 9, 9, 9, 9, 0.5f, 0.75f};
  gsize offsets[] = {6 * sizeof(float), 0};
  Buffer buffer = make_buffer(bytes);
  gst_buffer_add_audio_meta(buffer.get(), &info, 2, offsets);
  EXPECT_EQ(audio.convert(buffer.get()), (Samples{0.5f, 0.5f}));
}

TEST_F(AudioInputTest, SurroundMixesDownByThePositionsOfItsChannels) {
  GstAudioInfo info;
  const GstAudioChannelPosition positions[] = {
      GST_AUDIO_CHANNEL_POSITION_FRONT_LEFT,   GST_AUDIO_CHANNEL_POSITION_FRONT_RIGHT,
      GST_AUDIO_CHANNEL_POSITION_FRONT_CENTER, GST_AUDIO_CHANNEL_POSITION_LFE1,
      GST_AUDIO_CHANNEL_POSITION_REAR_LEFT,    GST_AUDIO_CHANNEL_POSITION_REAR_RIGHT};
  gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_F32, 16000, 6, positions);
  AudioInput audio(info);
  Samples center(6);
  center[2] = 0.5f;
  const Samples speech = audio.convert(make_buffer(center).get());
  const Samples all = audio.convert(make_buffer(Samples(6, 0.5f)).get());
  ASSERT_EQ(speech.size(), 1u);
  EXPECT_GT(speech[0], 0.05f) << "speech in the centre is heard";
  EXPECT_NEAR(all[0], 0.5f, 1e-6) << "equal in all channels: the mix keeps the level";
}

TEST_F(AudioInputTest, ChannelsWithoutPositionsBecomeTheirMean) {
  const GstAudioInfo info = format(GST_AUDIO_FORMAT_F32, 16000, 4);
  ASSERT_TRUE(GST_AUDIO_INFO_IS_UNPOSITIONED(&info));
  AudioInput audio(info);
  EXPECT_EQ(audio.convert(make_buffer(Samples{1.0f, 0.0f, 0.5f, 0.5f, 0, 0, 0, -1.0f}).get()),
            (Samples{0.5f, -0.25f}));
}

// Resampling

TEST_F(AudioInputTest, AnImpulseKeepsItsTime) {
  for (const int rate : {48000, 44100, 22050, 8000}) {
    Samples input(static_cast<std::size_t>(rate));
    input[static_cast<std::size_t>(rate / 2)] = 1.0f;
    const Samples output = convert_all(format(GST_AUDIO_FORMAT_F32, rate, 1), input, {1024});
    EXPECT_EQ(output.size(), 16000u) << rate;
    EXPECT_NEAR(loudest(output), 8000, 1) << rate;
  }
}

TEST_F(AudioInputTest, ARecordingHasExactlyItsLengthInSamples) {
  // Frames in, samples out: frames * 16000 / rate, rounded up.
  struct Case {
    int rate;
    std::size_t frames, samples;
  };
  for (const Case &it :
       {Case{48000, 48000, 16000}, Case{48000, 48001, 16001}, Case{48000, 7200, 2400},
        Case{44100, 44100, 16000}, Case{44100, 100'000, 36282}, Case{44100, 441, 160},
        Case{22050, 22051, 16001}, Case{22050, 31'337, 22739}, Case{8000, 8000, 16000},
        Case{8000, 1, 2}, Case{48000, 1, 1}, Case{96000, 12'345, 2058}, Case{16000, 777, 777}}) {
    for (const std::size_t size : {std::size_t{1024}, std::size_t{997}, std::size_t{1}}) {
      if (size == 1 && it.frames > 10'000) continue;
      const Samples output =
          convert_all(format(GST_AUDIO_FORMAT_F32, it.rate, 1), tone(it.rate, it.frames), {size});
      EXPECT_EQ(output.size(), it.samples)
          << it.frames << " frames at " << it.rate << " Hz in buffers of " << size;
    }
  }
}

TEST_F(AudioInputTest, SamplesDoNotDependOnHowTheyAreCut) {
  for (const int rate : {48000, 44100, 22050, 8000, 16000}) {
    const GstAudioInfo info = format(GST_AUDIO_FORMAT_F32, rate, 1);
    const Samples input = tone(rate, static_cast<std::size_t>(rate) / 2);
    const Samples whole = convert_all(info, input, {input.size()});
    for (const auto &sizes :
         {std::vector<std::size_t>{1}, {7, 480, 1, 1023}, {441}, {2, 3, 5, 4096}})
      EXPECT_EQ(convert_all(info, input, sizes), whole) << rate << " Hz, first " << sizes[0];
  }
}

TEST_F(AudioInputTest, AToneKeepsItsLevelToTheEnds) {
  const Samples output =
      convert_all(format(GST_AUDIO_FORMAT_F32, 48000, 1), tone(48000, 48000), {480});
  const Samples expected = tone(16000, 16000);
  ASSERT_EQ(output.size(), expected.size());
  // GStreamer's filter lies a quarter of an input sample off, 5 us here.
  for (std::size_t i = 200; i + 200 < output.size(); ++i)
    ASSERT_NEAR(output[i], expected[i], 0.01) << "sample " << i;
}

TEST_F(AudioInputTest, DelayIsWhatHasNotBeenGivenOutYet) {
  for (const int rate : {48000, 44100, 22050, 8000, 16000}) {
    AudioInput audio(format(GST_AUDIO_FORMAT_F32, rate, 1));
    EXPECT_EQ(audio.delay(), 0);
    const Samples packet = tone(rate, 441);
    std::int64_t taken = 0, given = 0;
    for (int i = 0; i < 100; ++i) {
      given += static_cast<std::int64_t>(audio.convert(make_buffer(packet).get()).size());
      taken += 441;
      const double expected = 1e9 * taken / rate - 1e9 * given / 16000;
      ASSERT_NEAR(static_cast<double>(audio.delay()), expected, 1) << rate << " Hz, buffer " << i;
      ASSERT_LT(std::llabs(audio.delay()), 20'000'000) << "no more than the filter's half";
    }
    const auto rest = static_cast<double>(audio.drain().size());
    EXPECT_NEAR(1e9 * taken / rate - 1e9 * given / 16000, 1e9 * rest / 16000, 1e9 / 16000) << rate;
    EXPECT_EQ(audio.delay(), 0) << "the next recording starts";
  }
}

// Recordings

TEST_F(AudioInputTest, DrainStartsAnotherRecording) {
  const GstAudioInfo info = format(GST_AUDIO_FORMAT_F32, 44100, 1);
  AudioInput audio(info);
  const Samples input = tone(44100, 4410);
  Samples first = audio.convert(make_buffer(input).get());
  append(first, audio.drain());
  EXPECT_EQ(audio.drain(), Samples()) << "there is nothing more";
  Samples second = audio.convert(make_buffer(input).get());
  append(second, audio.drain());
  EXPECT_EQ(first.size(), 1600u);
  EXPECT_EQ(second, first) << "to the last bit: nothing of the first is left";
}

TEST_F(AudioInputTest, ResetForgetsWhatTheResamplerHolds) {
  AudioInput audio(format(GST_AUDIO_FORMAT_F32, 48000, 1));
  audio.convert(make_buffer(Samples(4800, 1.0f)).get());
  EXPECT_GT(audio.delay(), 0);
  audio.reset();
  EXPECT_EQ(audio.delay(), 0);
  EXPECT_EQ(audio.drain(), Samples());
  Samples output = audio.convert(make_buffer(Samples(4800)).get());
  append(output, audio.drain());
  EXPECT_EQ(output, Samples(1600)) << "silence stays silent";
}

TEST_F(AudioInputTest, AGapIsSilenceWhateverItsBytesSay) {
  for (const GstAudioFormat sample_format :
       {GST_AUDIO_FORMAT_F32, GST_AUDIO_FORMAT_U8, GST_AUDIO_FORMAT_S16}) {
    for (const int channels : {1, 2}) {
      for (const int rate : {16000, 48000}) {
        const GstAudioInfo info = format(sample_format, rate, channels);
        AudioInput audio(info);
        const std::size_t size = static_cast<std::size_t>(GST_AUDIO_INFO_BPF(&info) * rate / 100);
        Buffer gap = make_buffer(std::vector<guint8>(size, 0x3e));
        GST_BUFFER_FLAG_SET(gap.get(), GST_BUFFER_FLAG_GAP);
        Samples output = audio.convert(gap.get());
        append(output, audio.drain());
        EXPECT_EQ(output, Samples(160))
            << GST_AUDIO_INFO_NAME(&info) << " " << channels << " " << rate;
      }
    }
  }
}

TEST_F(AudioInputTest, AClippedPlanarGapHasTheLengthThatItsMetaSays) {
  GstAudioInfo info = format(GST_AUDIO_FORMAT_F32, 16000, 2);
  info.layout = GST_AUDIO_LAYOUT_NON_INTERLEAVED;
  AudioInput audio(info);
  Buffer gap = make_buffer(Samples(2 * 100, 0.75f));
  gsize offsets[] = {40 * sizeof(float), 140 * sizeof(float)};
  gst_buffer_add_audio_meta(gap.get(), &info, 60, offsets);
  GST_BUFFER_FLAG_SET(gap.get(), GST_BUFFER_FLAG_GAP);
  EXPECT_EQ(audio.convert(gap.get()), Samples(60));
}

// What is refused

void expect_refused(AudioInput &audio, GstBuffer *buffer) {
  try {
    audio.convert(buffer);
    FAIL() << "it was taken";
  } catch (const Error &error) {
    EXPECT_EQ(error.code(), ErrorCode::Failed);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << "one line";
  }
}

TEST_F(AudioInputTest, RefusesABufferThatIsNotWholeFrames) {
  AudioInput audio(format(GST_AUDIO_FORMAT_S16, 16000, 2));
  expect_refused(audio, make_buffer(std::vector<gint16>{1, 2, 3}).get());
  EXPECT_EQ(audio.convert(make_buffer(std::vector<gint16>{0, 0}).get()), Samples{0.0f})
      << "the next one is fine";
}

TEST_F(AudioInputTest, RefusesPlanarAudioWithoutMeta) {
  GstAudioInfo info = format(GST_AUDIO_FORMAT_F32, 16000, 2);
  info.layout = GST_AUDIO_LAYOUT_NON_INTERLEAVED;
  AudioInput audio(info);
  expect_refused(audio, make_buffer(Samples(8)).get());
}

TEST_F(AudioInputTest, RefusesAMetaOfAnotherFormat) {
  AudioInput audio(format(GST_AUDIO_FORMAT_F32, 16000, 2));
  GstAudioInfo mono = format(GST_AUDIO_FORMAT_F32, 16000, 1);
  Buffer buffer = make_buffer(Samples(8));
  gst_buffer_add_audio_meta(buffer.get(), &mono, 8, nullptr);
  expect_refused(audio, buffer.get());
}

TEST_F(AudioInputTest, AnEmptyBufferGivesNothing) {
  AudioInput audio(format(GST_AUDIO_FORMAT_F32, 48000, 1));
  Buffer empty(gst_buffer_new());
  EXPECT_EQ(audio.convert(empty.get()), Samples());
  EXPECT_EQ(audio.delay(), 0);
}

}  // namespace
}  // namespace w2l
