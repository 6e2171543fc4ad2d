// gst-wav2lip: AudioTimeline: which window of which recording belongs to a running time, and what
// is held of it. Window starts are counted in mel columns of 12.5 ms.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_timeline.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "error.h"

namespace w2l {
namespace {

using Kind = WindowLookup::Kind;
using Window = std::array<float, mel::kBands * mel::kWindowColumns>;

constexpr Time kMs = 1'000'000;
constexpr Time kSecond = 1'000'000'000;
constexpr Time kColumn = 12'500'000;
constexpr Time kHour = 3600 * kSecond;

// A rising tone over a little noise: no two columns are alike.
std::vector<float> speech(int milliseconds) {
  std::vector<float> samples(static_cast<std::size_t>(milliseconds) * 16);
  std::uint32_t noise = 1;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    noise = noise * 1664525u + 1013904223u;
    const double t = static_cast<double>(i) / 16000.0;
    samples[i] = static_cast<float>(0.4 * std::sin(6.2831853 * (200.0 + 300.0 * t) * t) +
                                    0.02 * (noise / 4294967296.0 - 0.5));
  }
  return samples;
}

void push(AudioTimeline &timeline, Time at, const std::vector<float> &samples,
          bool discont = false) {
  timeline.push(at, samples.data(), samples.size(), discont);
}

void push_silence(AudioTimeline &timeline, Time at, int milliseconds, bool discont = false) {
  push(timeline, at, std::vector<float>(static_cast<std::size_t>(milliseconds) * 16), discont);
}

Window read(const AudioTimeline &timeline, const WindowRef &window) {
  Window out;
  timeline.read(window, out.data());
  return out;
}

// One column of a window; those of the front-end are the truth.
std::vector<float> column_of(const Window &window, int column) {
  std::vector<float> bands;
  for (int band = 0; band < mel::kBands; ++band)
    bands.push_back(window[static_cast<std::size_t>(band * mel::kWindowColumns + column)]);
  return bands;
}

std::vector<float> column_of(const MelFrontend &frontend, std::int64_t column) {
  return {frontend.column(column), frontend.column(column) + mel::kBands};
}

const std::vector<float> kSilentColumn(mel::kBands, mel::kSilence);

// "complete 65", "last 65", "not yet", "none", "ended"; of the second recording "complete 2:65".
std::string look(const AudioTimeline &timeline, Time time) {
  const WindowLookup found = timeline.lookup(time);
  const std::uint64_t recording = found.window.recording;
  const std::string where =
      (recording == 1 ? "" : std::to_string(recording) + ":") + std::to_string(found.window.start);
  switch (found.kind) {
    case Kind::NotYet:
      return "not yet";
    case Kind::NoAudio:
      return "none";
    case Kind::Complete:
      return "complete " + where;
    case Kind::Last:
      return "last " + where;
    case Kind::Ended:
      return "ended";
  }
  return "?";
}

// Running time of sample 0 of the newest recording, found through lookup() alone: the first time
// that belongs to column 1 is a column later, less the 1 us granted to truncated timestamps.
Time anchor_of(const AudioTimeline &timeline, Time near) {
  Time before = near - kSecond, after = near + kSecond;
  while (after - before > 1) {
    const Time middle = before + (after - before) / 2;
    (timeline.lookup(middle).window.start >= 1 ? after : before) = middle;
  }
  return after + 1000 - kColumn;
}

// Windows

TEST(AudioTimeline, AWindowIsCompleteWithTheSampleThatItsLastColumnNeeds) {
  AudioTimeline timeline;
  EXPECT_EQ(look(timeline, 0), "not yet");
  const std::vector<float> samples(4000);
  timeline.push(0, samples.data(), 3399, false);  // 15 * 200 + 400 samples are needed
  EXPECT_EQ(look(timeline, 0), "not yet");
  timeline.push(kNoTime, samples.data(), 1, false);
  EXPECT_EQ(look(timeline, 0), "complete 0");
  EXPECT_EQ(look(timeline, kColumn), "not yet");
  EXPECT_EQ(timeline.end(), 3400 * 62500);
}

TEST(AudioTimeline, FramesAt25AndAt2997GetTheReferencesWindows) {
  struct Rate {
    std::int64_t numerator, denominator;
  };
  for (const Rate rate : {Rate{25, 1}, Rate{30000, 1001}}) {
    for (const Time anchor : {Time{0}, Time{1'234'567'891}, 1000 * kHour}) {
      AudioTimeline timeline;
      push_silence(timeline, anchor, 10'000);
      timeline.finish();
      // 10 s have 801 columns.
      std::int64_t frame = 0;
      for (WindowLookup found; found.kind != Kind::Last; ++frame) {
        const Time pts = frame * rate.denominator * kSecond / rate.numerator;  // ns are truncated
        found = timeline.lookup(anchor + pts);
        const std::int64_t wanted = frame * 80 * rate.denominator / rate.numerator;
        ASSERT_EQ(found.window.start, std::min<std::int64_t>(wanted, 785)) << "frame " << frame;
        ASSERT_EQ(found.kind, wanted > 785 ? Kind::Last : Kind::Complete) << "frame " << frame;
      }
      EXPECT_EQ(frame, rate.numerator == 25 ? 247 : 296);
    }
  }
}

TEST(AudioTimeline, WindowStartsAreThoseOfTheReferenceRecordings) {
  const char *data = std::getenv("W2L_TEST_DATA");
  if (!data) GTEST_SKIP() << "W2L_TEST_DATA names no folder with golden/";
  for (const char *name : {"e2e_25fps", "e2e_29.97fps"}) {
    std::ifstream file(std::string(data) + "/golden/" + name + "/windows.json");
    ASSERT_TRUE(file) << name;
    const nlohmann::json golden = nlohmann::json::parse(file);
    const std::vector<std::int64_t> starts = golden["starts"];

    AudioTimeline timeline;
    const std::int64_t columns = golden["mel_columns"];
    push_silence(timeline, 0, static_cast<int>((columns - 1) * 25 / 2));
    timeline.finish();
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const double seconds = static_cast<double>(i) / golden["fps"].get<double>();
      const WindowLookup found = timeline.lookup(static_cast<Time>(seconds * 1e9));
      ASSERT_EQ(found.window.start, starts[i]) << name << " frame " << i;
      ASSERT_EQ(found.kind, i + 1 < starts.size() ? Kind::Complete : Kind::Last) << name;
    }
  }
}

TEST(AudioTimeline, ReadsTheColumnsOfTheMelFrontend) {
  const std::vector<float> samples = speech(1000);
  MelFrontend frontend;
  frontend.push(samples.data(), samples.size());
  AudioTimeline timeline;
  push(timeline, 5 * kSecond, samples);
  const WindowLookup found = timeline.lookup(5 * kSecond + 500 * kMs);
  ASSERT_EQ(found.kind, Kind::Complete);
  ASSERT_EQ(found.window.start, 40);
  const Window window = read(timeline, found.window);
  for (int i = 0; i < mel::kWindowColumns; ++i)
    EXPECT_EQ(column_of(window, i), column_of(frontend, 40 + i)) << "column " << i;
}

TEST(AudioTimeline, AnOffsetLooksFurtherAheadOrBack) {
  AudioTimeline timeline;
  push_silence(timeline, 0, 1000);
  timeline.set_offset(50 * kMs);
  EXPECT_EQ(look(timeline, 400 * kMs), "complete 36");
  timeline.set_offset(-50 * kMs);
  EXPECT_EQ(look(timeline, 400 * kMs), "complete 28");
  EXPECT_EQ(look(timeline, 0), "complete -4");
}

TEST(AudioTimeline, LargeTimesDoNotOverflow) {
  const Time late = 9'000'000'000'000'000'000;  // 285 years
  AudioTimeline timeline;
  push_silence(timeline, late, 1000);
  EXPECT_EQ(timeline.end(), late + kSecond);
  EXPECT_EQ(look(timeline, late + 500 * kMs), "complete 40");
  EXPECT_EQ(look(timeline, 0), "none");
}

// The start

TEST(AudioTimeline, FramesShortlyBeforeTheFirstSoundSeeSilenceLeadIn) {
  const std::vector<float> samples = speech(1000);
  MelFrontend frontend;
  frontend.push(samples.data(), samples.size());
  AudioTimeline timeline;
  push(timeline, kSecond, samples);
  EXPECT_EQ(look(timeline, 0), "none");
  EXPECT_EQ(look(timeline, 800 * kMs), "none") << "its 16 columns end where the sound begins";
  EXPECT_EQ(look(timeline, 800 * kMs + kColumn), "complete -15");

  const WindowLookup found = timeline.lookup(kSecond - 4 * kColumn);
  ASSERT_EQ(found.window.start, -4);
  const Window window = read(timeline, found.window);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(column_of(window, i), kSilentColumn) << i;
  for (int i = 4; i < 16; ++i)
    EXPECT_EQ(column_of(window, i), column_of(frontend, i - 4)) << "column " << i;
}

TEST(AudioTimeline, TheFirstSamplesWithoutATimeSoundAtZero) {
  AudioTimeline timeline;
  EXPECT_EQ(timeline.end(), kNoTime);
  push_silence(timeline, kNoTime, 500);
  EXPECT_EQ(anchor_of(timeline, 0), 0);
  EXPECT_EQ(timeline.end(), 500 * kMs);
}

// Timestamps that disagree

struct Disagreement {
  Time error, moved;
};

TEST(AudioTimeline, FollowsSmallDisagreementsSlowlyAndIgnoresJitter) {
  for (const Disagreement &it :
       {Disagreement{0, 0}, Disagreement{5 * kMs, 0}, Disagreement{-5 * kMs, 0},
        Disagreement{5 * kMs + 1, kMs}, Disagreement{-5 * kMs - 1, -kMs},
        Disagreement{39 * kMs, kMs}, Disagreement{-39 * kMs, -kMs}, Disagreement{40 * kMs, kMs},
        Disagreement{-40 * kMs, -kMs}}) {
    AudioTimeline timeline;
    push_silence(timeline, 0, 1000);
    push_silence(timeline, kSecond + it.error, 1000);
    EXPECT_EQ(anchor_of(timeline, 0), it.moved) << "after " << it.error << " ns";
    EXPECT_EQ(timeline.end(), 2 * kSecond + it.moved);
    EXPECT_EQ(timeline.lookup(kSecond).window.recording, 1u);
  }
}

TEST(AudioTimeline, ALargerJumpStartsANewRecording) {
  for (const Time error : {40 * kMs + 1, 41 * kMs, -40 * kMs - 1, -41 * kMs, 10 * kSecond}) {
    AudioTimeline timeline;
    push_silence(timeline, 0, 1000);
    push_silence(timeline, kSecond + error, 1000);
    EXPECT_EQ(look(timeline, kSecond + error), "complete 2:0") << error;
    EXPECT_EQ(anchor_of(timeline, kSecond + error), kSecond + error);
    EXPECT_EQ(timeline.end(), 2 * kSecond + error);
  }
}

TEST(AudioTimeline, ASlewEndsWithinTheJitter) {
  for (const Time sign : {1, -1}) {
    AudioTimeline timeline;
    push_silence(timeline, 0, 100);
    for (int i = 1; i <= 100; ++i) push_silence(timeline, i * 100 * kMs + sign * 39 * kMs, 100);
    EXPECT_EQ(anchor_of(timeline, 0), sign * 34 * kMs) << "34 steps leave 5 ms";
    EXPECT_EQ(timeline.lookup(5 * kSecond).window.recording, 1u);
  }
}

TEST(AudioTimeline, MillisecondTimestampsNeverMoveIt) {
  AudioTimeline timeline;
  const std::vector<float> packet(341);  // 21.3125 ms
  Time at = 0;
  for (int i = 0; i < 2000; ++i, at += 341 * 62500)
    timeline.push(at / kMs * kMs, packet.data(), packet.size(), false);
  EXPECT_EQ(timeline.end(), at);
  EXPECT_EQ(anchor_of(timeline, 0), 0);
}

TEST(AudioTimeline, SamplesWithoutATimeFollowOn) {
  AudioTimeline timeline;
  push_silence(timeline, kSecond, 500);
  push_silence(timeline, kNoTime, 500);
  EXPECT_EQ(timeline.end(), 2 * kSecond);
  EXPECT_EQ(look(timeline, kSecond + 400 * kMs), "complete 32");
}

TEST(AudioTimeline, ADiscontinuityStartsANewRecording) {
  AudioTimeline timeline;
  push_silence(timeline, 0, 1000);
  push_silence(timeline, kSecond, 1000, /* discont */ true);
  EXPECT_EQ(look(timeline, kSecond), "complete 2:0");
  EXPECT_EQ(look(timeline, kSecond - 1000), "complete 2:0") << "a truncated timestamp";
  EXPECT_EQ(look(timeline, kSecond - 1001), "complete 65") << "still the old one";
}

TEST(AudioTimeline, AHoleStartsWithTheLastSoundAndThenHasNone) {
  AudioTimeline timeline;
  push_silence(timeline, 0, 1000);  // 81 columns
  push_silence(timeline, 3 * kSecond, 1000);
  EXPECT_EQ(look(timeline, 65 * kColumn), "complete 65");
  EXPECT_EQ(look(timeline, 66 * kColumn), "complete 65") << "the last 16";
  EXPECT_EQ(look(timeline, 80 * kColumn), "complete 65");
  EXPECT_EQ(look(timeline, 81 * kColumn), "none");
  EXPECT_EQ(look(timeline, 3 * kSecond - 1001), "none");
  EXPECT_EQ(look(timeline, 3 * kSecond), "complete 2:0");
}

// The end

TEST(AudioTimeline, OnlyTheEndMakesALastWindow) {
  AudioTimeline timeline;
  push_silence(timeline, 0, 1000);
  EXPECT_EQ(look(timeline, 65 * kColumn), "not yet") << "its last two columns lie at the end";
  EXPECT_EQ(look(timeline, 5 * kSecond), "not yet");
  EXPECT_FALSE(timeline.finished());
  timeline.finish();
  EXPECT_TRUE(timeline.finished());
  EXPECT_EQ(look(timeline, 65 * kColumn), "complete 65");
  EXPECT_EQ(look(timeline, 66 * kColumn), "last 65");
  EXPECT_EQ(look(timeline, 5 * kSecond), "last 65");
}

TEST(AudioTimeline, AnEndWithoutSamplesIsNoLastWindow) {
  AudioTimeline timeline;
  timeline.finish();
  EXPECT_EQ(look(timeline, 0), "ended");
  timeline.reset();
  EXPECT_EQ(look(timeline, 0), "not yet");
  timeline.push(0, nullptr, 0, false);
  EXPECT_EQ(look(timeline, 0), "not yet");
  timeline.finish();
  EXPECT_EQ(look(timeline, 0), "ended");
  timeline.resume();
  EXPECT_EQ(look(timeline, 0), "not yet");
}

TEST(AudioTimeline, APartMayHoldNoSound) {
  AudioTimeline timeline;
  timeline.finish_part();
  EXPECT_EQ(look(timeline, 0), "none");
  timeline.resume_part();
  EXPECT_EQ(look(timeline, 0), "not yet");
  timeline.push(0, nullptr, 0, false);
  timeline.finish_part();
  EXPECT_EQ(look(timeline, 0), "none");
  timeline.finish();
  EXPECT_EQ(look(timeline, 0), "ended");
}

TEST(AudioTimeline, AudioShorterThanAWindowIsPaddedWithSilence) {
  const std::vector<float> samples = speech(150);  // 13 columns
  MelFrontend frontend;
  frontend.push(samples.data(), samples.size());
  frontend.finish();
  ASSERT_EQ(frontend.columns(), 13);
  AudioTimeline timeline;
  push(timeline, kSecond, samples);
  EXPECT_EQ(look(timeline, kSecond), "not yet");
  timeline.finish();
  EXPECT_EQ(look(timeline, kSecond), "complete 0");
  EXPECT_EQ(look(timeline, kSecond + 40 * kMs), "last 0");

  const Window window = read(timeline, {1, 0});
  for (int i = 0; i < 13; ++i) EXPECT_EQ(column_of(window, i), column_of(frontend, i)) << i;
  for (int i = 13; i < 16; ++i) EXPECT_EQ(column_of(window, i), kSilentColumn) << i;

  ASSERT_EQ(look(timeline, kSecond - 2 * kColumn), "complete -2") << "it is led in, too";
  const Window early = read(timeline, {1, -2});
  EXPECT_EQ(column_of(early, 1), kSilentColumn);
  for (int i = 0; i < 13; ++i) EXPECT_EQ(column_of(early, i + 2), column_of(frontend, i)) << i;
  EXPECT_EQ(column_of(early, 15), kSilentColumn);
}

TEST(AudioTimeline, AudioThatGoesOnAfterItsEndIsANewRecording) {
  AudioTimeline timeline;
  push_silence(timeline, 0, 1000);
  timeline.finish();
  ASSERT_EQ(look(timeline, 2 * kSecond), "last 65");
  timeline.resume();
  EXPECT_EQ(look(timeline, 2 * kSecond), "not yet");
  EXPECT_EQ(look(timeline, 500 * kMs), "complete 40");
  push_silence(timeline, kNoTime, 1000);
  EXPECT_EQ(look(timeline, kSecond), "complete 2:0") << "it follows on";
  EXPECT_EQ(look(timeline, 900 * kMs), "complete 65");
  timeline.finish();
  EXPECT_EQ(look(timeline, 2 * kSecond), "last 2:65");
}

// What is held

TEST(AudioTimeline, HoldsASecondBeforeTheOldestFrameAndNoMore) {
  AudioTimeline timeline;
  const std::vector<float> packet(4000);
  for (Time t = 0; t < 600 * kSecond; t += 250 * kMs) {
    push(timeline, t, packet);
    timeline.discard_before(t - kSecond);
    const std::int64_t oldest = std::max<std::int64_t>((t - 2 * kSecond) / kColumn, 0);
    ASSERT_TRUE(timeline.holds({1, oldest})) << t;
    ASSERT_EQ(timeline.holds({1, oldest - 1}), oldest == 0) << t;
  }
  timeline.discard_before(kNever);
  timeline.discard_before(kNoTime);
  EXPECT_TRUE(timeline.holds({1, 597 * 80 + 60})) << "no time, nothing to discard";
}

TEST(AudioTimeline, DropsRecordingsThatNoFrameCanReachAnyMore) {
  AudioTimeline timeline;
  for (int i = 0; i < 100; ++i) push_silence(timeline, i * kSecond, 500, /* discont */ true);
  timeline.discard_before(50 * kSecond - 1);
  EXPECT_FALSE(timeline.holds({49, 0}));
  EXPECT_TRUE(timeline.holds({50, 0})) << "the frame sees its end";
  EXPECT_TRUE(timeline.holds({100, 0}));
  timeline.discard_before(50 * kSecond);
  EXPECT_FALSE(timeline.holds({50, 0}));
}

TEST(AudioTimeline, KeepsTheLastWindowForTheEnd) {
  AudioTimeline timeline;
  push(timeline, 0, speech(1000));
  timeline.discard_before(100 * kSecond);  // the video is far ahead
  timeline.finish();
  ASSERT_EQ(look(timeline, 100 * kSecond), "last 65");
  EXPECT_NO_THROW(read(timeline, {1, 65}));
}

TEST(AudioTimeline, KeepsWhatAnOffsetLooksBackTo) {
  AudioTimeline timeline;
  timeline.set_offset(-kSecond);
  push_silence(timeline, 0, 10'000);
  timeline.discard_before(5 * kSecond);
  EXPECT_EQ(look(timeline, 5 * kSecond), "complete 320");
  EXPECT_TRUE(timeline.holds({1, 240}));
  EXPECT_FALSE(timeline.holds({1, 239}));
}

TEST(AudioTimeline, AWindowSurvivesASlewThatMovesItsFrame) {
  AudioTimeline timeline;
  push_silence(timeline, 0, 5000);
  const WindowLookup found = timeline.lookup(4 * kSecond);
  ASSERT_EQ(found.window.start, 320);
  for (int i = 0; i < 30; ++i) push_silence(timeline, timeline.end() - 39 * kMs, 10);
  ASSERT_EQ(timeline.lookup(4 * kSecond).window.start, 322);
  timeline.discard_before(4 * kSecond);
  EXPECT_TRUE(timeline.holds(found.window));
  EXPECT_NO_THROW(read(timeline, found.window));
}

TEST(AudioTimeline, FramesFromBeforeWhatIsHeldHaveNoAudio) {
  AudioTimeline timeline;
  push_silence(timeline, kSecond, 10'000);
  timeline.discard_before(6 * kSecond);  // keeps from 5 s on
  EXPECT_EQ(look(timeline, 5 * kSecond), "complete 320");
  EXPECT_EQ(look(timeline, 5 * kSecond - kColumn), "none");
  EXPECT_EQ(look(timeline, kSecond - kColumn), "none") << "nor is there a lead-in any more";
  EXPECT_FALSE(timeline.holds({1, -1}));
}

TEST(AudioTimeline, AFlushTakesEveryWindowAway) {
  AudioTimeline timeline;
  push_silence(timeline, 0, 1000);
  timeline.finish();
  const WindowRef window = timeline.lookup(0).window;
  EXPECT_TRUE(timeline.holds(window));
  timeline.reset();
  EXPECT_FALSE(timeline.finished());
  EXPECT_EQ(timeline.end(), kNoTime);
  EXPECT_EQ(look(timeline, 0), "not yet");
  push_silence(timeline, 0, 1000);
  EXPECT_FALSE(timeline.holds(window)) << "the new recording is another one";
  EXPECT_EQ(look(timeline, 0), "complete 2:0");
  try {
    read(timeline, window);
    FAIL() << "a window that is gone was read";
  } catch (const Error &error) {
    EXPECT_EQ(error.code(), ErrorCode::Failed);
  }
}

}  // namespace
}  // namespace w2l
