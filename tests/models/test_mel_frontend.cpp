// gst-wav2lip: MelFrontend against a slow whole-recording definition of the same spectrogram, and
// against the reference recordings where W2L_TEST_DATA names them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mel_frontend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../support/npy_reader.h"

namespace w2l {
namespace {

using Column = std::vector<float>;
using Columns = std::vector<Column>;

constexpr double kPi = 3.14159265358979323846;

// A chirp over noise at changing loudness: every band has something to say, none saturates.
std::vector<float> make_recording(int count) {
  std::vector<float> samples(count);
  std::uint32_t noise = 12345;
  for (int i = 0; i < count; ++i) {
    noise = noise * 1664525u + 1013904223u;
    const double t = i / 16000.0, loudness = 0.3 + 0.2 * std::sin(40.0 * t);
    samples[i] = static_cast<float>(loudness * std::sin(2 * kPi * (100.0 + 4000.0 * t) * t) +
                                    0.02 * (noise / 4294967296.0 - 0.5));
  }
  return samples;
}

Columns columns_of(const MelFrontend &frontend) {
  Columns columns;
  for (std::int64_t c = frontend.first_column(); c < frontend.columns(); ++c)
    columns.emplace_back(frontend.column(c), frontend.column(c) + mel::kBands);
  return columns;
}

// Pushes buffers of the given sizes in turn.
Columns run(const std::vector<float> &samples, const std::vector<std::size_t> &sizes) {
  MelFrontend frontend;
  std::size_t turn = 0;
  for (std::size_t at = 0; at < samples.size();) {
    const std::size_t count = std::min(sizes[turn++ % sizes.size()], samples.size() - at);
    frontend.push(samples.data() + at, count);
    at += count;
  }
  frontend.finish();
  return columns_of(frontend);
}

Columns run(const std::vector<float> &samples) {
  return run(samples, {samples.size() + 1});
}

// The definition, without streaming, FFT or sparse filters.
double slaney_hz(double mels) {
  return mels < 15.0 ? mels * 200.0 / 3.0 : 1000.0 * std::pow(6.4, (mels - 15.0) / 27.0);
}

double filter_weight(int band, double hz) {
  const double low = 55.0 * 3.0 / 200.0, high = 15.0 + 27.0 * std::log(7.6) / std::log(6.4);
  const double step = (high - low) / 81.0;
  const double left = slaney_hz(low + band * step), peak = slaney_hz(low + (band + 1) * step),
               right = slaney_hz(low + (band + 2) * step);
  const double rise = (hz - left) / (peak - left), fall = (right - hz) / (right - peak);
  return std::max(0.0, std::min(rise, fall)) * 2.0 / (right - left);
}

Column define_column(const std::vector<double> &emphasised, int column) {
  const int count = static_cast<int>(emphasised.size());
  std::vector<double> frame(800);
  for (int i = 0; i < 800; ++i) {
    int at = column * 200 - 400 + i;
    while (at < 0 || at >= count) {  // mirror at the first and the last sample
      if (count == 1)
        at = 0;
      else if (at < 0)
        at = -at;
      else
        at = 2 * (count - 1) - at;
    }
    frame[i] = emphasised[at] * (0.5 - 0.5 * std::cos(2 * kPi * i / 800));
  }
  Column values(80);
  std::vector<double> sums(80);
  for (int k = 0; k <= 400; ++k) {
    std::complex<double> sum = 0;
    for (int i = 0; i < 800; ++i) sum += frame[i] * std::polar(1.0, -2 * kPi * (k * i % 800) / 800);
    for (int b = 0; b < 80; ++b) sums[b] += filter_weight(b, k * 20.0) * std::abs(sum);
  }
  for (int b = 0; b < 80; ++b) {
    const double decibels = 20 * std::log10(std::max(1e-5, sums[b])) - 20;
    values[b] = static_cast<float>(std::max(-4.0, std::min(4.0, 0.08 * (decibels + 100) - 4)));
  }
  return values;
}

Columns define(const std::vector<float> &samples) {
  std::vector<double> emphasised(samples.begin(), samples.end());
  for (std::size_t i = 1; i < samples.size(); ++i) emphasised[i] -= 0.97 * samples[i - 1];
  Columns columns;
  for (std::size_t c = 0; c <= samples.size() / 200; ++c)
    columns.push_back(define_column(emphasised, static_cast<int>(c)));
  return columns;
}

double max_difference(const Columns &a, const Columns &b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (std::size_t c = 0; c < a.size(); ++c)
    for (int i = 0; i < mel::kBands; ++i)
      worst = std::max(worst, std::fabs(static_cast<double>(a[c][i]) - b[c][i]));
  return worst;
}

TEST(MelFrontend, EqualsTheDefinitionAtEveryLengthThatReflectsDifferently) {
  // Around the half window (400), the hop (200) and the last column; 1 and 2 have no period of
  // their own, and below 401 the mirror images are mirrored again.
  for (int count : {1,   2,   3,   7,   150, 199, 200, 201,  399,  400, 401,
                    599, 600, 601, 799, 800, 801, 999, 1000, 1001, 2399}) {
    const std::vector<float> samples = make_recording(count);
    EXPECT_LE(max_difference(run(samples), define(samples)), 1e-6) << count << " samples";
  }
}

TEST(MelFrontend, ColumnsAreBitIdenticalWhateverTheBufferSizes) {
  const std::vector<float> samples = make_recording(16000);
  const Columns whole = run(samples);
  ASSERT_EQ(whole.size(), 81u);
  EXPECT_EQ(run(samples, {1}), whole);
  EXPECT_EQ(run(samples, {320}), whole);  // 20 ms
  EXPECT_EQ(run(samples, {1, 997, 0, 13, 401, 399, 2, 1600}), whole);
}

TEST(MelFrontend, ColumnAppearsWithItsLastSample) {
  const std::vector<float> samples = make_recording(2000);
  MelFrontend frontend;
  for (int count = 1; count <= 2000; ++count) {
    frontend.push(&samples[count - 1], 1);
    ASSERT_EQ(frontend.samples(), count);
    // Column c needs sample c * 200 + 399.
    ASSERT_EQ(frontend.columns(), count < 400 ? 0 : 1 + (count - 400) / 200) << count << " samples";
  }
  EXPECT_EQ(frontend.columns(), 9);
  frontend.finish();
  EXPECT_EQ(frontend.columns(), 11);
}

TEST(MelFrontend, FinishCompletesTheReflectedTail) {
  struct Case {
    int samples, before, after;
  };
  for (const Case &c :
       {Case{0, 0, 0}, Case{1, 0, 1}, Case{199, 0, 1}, Case{200, 0, 2}, Case{399, 0, 2},
        Case{400, 1, 3}, Case{599, 1, 3}, Case{600, 2, 4}, Case{16000, 79, 81}}) {
    const std::vector<float> samples = make_recording(c.samples);
    MelFrontend frontend;
    frontend.push(samples.data(), samples.size());
    EXPECT_EQ(frontend.columns(), c.before) << c.samples << " samples";
    EXPECT_FALSE(frontend.finished());
    frontend.finish();
    EXPECT_TRUE(frontend.finished());
    EXPECT_EQ(frontend.columns(), c.after) << c.samples << " samples";
    frontend.finish();
    EXPECT_EQ(frontend.columns(), c.after) << "finish() twice";
  }
}

TEST(MelFrontend, DigitalSilenceIsMinusFourExactly) {
  const Columns columns = run(std::vector<float>(16000, 0.0f));
  ASSERT_EQ(columns.size(), 81u);
  for (const Column &column : columns) EXPECT_EQ(column, Column(80, mel::kSilence));
}

TEST(MelFrontend, FullScaleAndBeyondStayWithinFour) {
  std::vector<float> samples(4000);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] =
        i % 16 < 8 ? std::numeric_limits<float>::max() : -std::numeric_limits<float>::max();
  for (const Column &column : run(samples)) EXPECT_EQ(column, Column(80, 4.0f));
}

TEST(MelFrontend, SamplesThatAreNoNumbersCountAsZero) {
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(),
                       std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity()};
  std::vector<float> broken = make_recording(3000), zeroed = broken;
  for (int i = 0; i < 3000; i += 7) {
    broken[i] = bad[i % 3];
    zeroed[i] = 0;
  }
  EXPECT_EQ(run(broken), run(zeroed));
}

TEST(MelFrontend, ResetStartsANewRecording) {
  const std::vector<float> samples = make_recording(3000);
  MelFrontend frontend;
  frontend.push(samples.data() + 100, 2345);
  frontend.discard_before(3);
  frontend.finish();
  EXPECT_THROW(frontend.push(samples.data(), 1), std::logic_error);

  frontend.reset();
  EXPECT_FALSE(frontend.finished());
  EXPECT_EQ(frontend.samples(), 0);
  EXPECT_EQ(frontend.columns(), 0);
  EXPECT_EQ(frontend.first_column(), 0);
  frontend.push(samples.data(), samples.size());
  frontend.finish();
  EXPECT_EQ(columns_of(frontend), run(samples));
}

TEST(MelFrontend, DiscardedColumnsAreGoneAndTheOthersKeepTheirNumbers) {
  const std::vector<float> samples = make_recording(16000);
  const Columns whole = run(samples);
  MelFrontend frontend;
  frontend.push(samples.data(), 8000);
  ASSERT_EQ(frontend.columns(), 39);
  frontend.discard_before(20);
  EXPECT_EQ(frontend.first_column(), 20);
  EXPECT_EQ(frontend.columns(), 39);
  EXPECT_THROW(frontend.column(19), std::out_of_range);
  EXPECT_THROW(frontend.column(39), std::out_of_range);
  EXPECT_EQ(Column(frontend.column(20), frontend.column(20) + 80), whole[20]);

  frontend.discard_before(10);  // already gone
  EXPECT_EQ(frontend.first_column(), 20);
  frontend.discard_before(1000);  // only what is there
  EXPECT_EQ(frontend.first_column(), 39);
  EXPECT_EQ(frontend.columns(), 39);

  frontend.push(samples.data() + 8000, 8000);
  frontend.finish();
  EXPECT_EQ(columns_of(frontend), Columns(whole.begin() + 39, whole.end()));
}

TEST(MelFrontend, WindowHoldsOneBandAfterTheOther) {
  const std::vector<float> samples = make_recording(16000);
  const Columns whole = run(samples);
  MelFrontend frontend;
  frontend.push(samples.data(), samples.size());
  frontend.finish();
  std::vector<float> window(80 * 16);
  for (std::int64_t start : {0, 33, 65}) {
    frontend.window(start, window.data());
    for (int b = 0; b < 80; ++b)
      for (int i = 0; i < 16; ++i) ASSERT_EQ(window[b * 16 + i], whole[start + i][b]);
  }
  EXPECT_THROW(frontend.window(66, window.data()), std::out_of_range);
  EXPECT_THROW(frontend.window(-1, window.data()), std::out_of_range);
}

TEST(MelFrontend, RecordingShorterThanAWindowEndsInSilence) {
  const std::vector<float> samples = make_recording(2400);  // 0.15 s, 13 columns
  const Columns whole = run(samples);
  ASSERT_EQ(whole.size(), 13u);
  MelFrontend frontend;
  frontend.push(samples.data(), samples.size());
  std::vector<float> window(80 * 16);
  EXPECT_THROW(frontend.window(0, window.data()), std::out_of_range) << "more may come";
  frontend.finish();
  frontend.window(0, window.data());
  for (int b = 0; b < 80; ++b)
    for (int i = 0; i < 16; ++i)
      ASSERT_EQ(window[b * 16 + i], i < 13 ? whole[i][b] : mel::kSilence) << b << " " << i;
}

TEST(WindowStart, TakesTheColumnUnderTheFrameOneMicrosecondLater) {
  EXPECT_EQ(window_start(0), 0);
  EXPECT_EQ(window_start(99999999), 8) << "frame 3 at 30 fps, truncated";
  EXPECT_EQ(window_start(12498999), 0);
  EXPECT_EQ(window_start(12499000), 1);
  EXPECT_EQ(window_start(12500000), 1);
  EXPECT_EQ(window_start(3600000000000), 288000);
}

TEST(WindowStart, RoundsDownBeforeTheFirstSample) {
  EXPECT_EQ(window_start(-1), 0);
  EXPECT_EQ(window_start(-1000), 0);
  EXPECT_EQ(window_start(-1001), -1);
  EXPECT_EQ(window_start(-12501000), -1);
  EXPECT_EQ(window_start(-12501001), -2);
}

TEST(WindowStart, DoesNotOverflow) {
  EXPECT_EQ(window_start(std::numeric_limits<std::int64_t>::max()), 737869762948);
  EXPECT_EQ(window_start(std::numeric_limits<std::int64_t>::min()), -737869762949);
}

void expect_choice(std::int64_t start, std::int64_t total, std::int64_t want, bool last) {
  const WindowChoice choice = choose_window(start, total);
  EXPECT_EQ(choice.start, want) << "start " << start << " of " << total;
  EXPECT_EQ(choice.last, last) << "start " << start << " of " << total;
}

TEST(ChooseWindow, ClampsTheFirstWindowThatOverflows) {
  expect_choice(0, 881, 0, false);
  expect_choice(865, 881, 865, false);
  expect_choice(866, 881, 865, true);
  expect_choice(std::numeric_limits<std::int64_t>::max(), 881, 865, true);
  expect_choice(-3, 881, 0, false);
}

TEST(ChooseWindow, ShortRecordingCountsAsOneWindow) {
  expect_choice(0, 16, 0, false);
  expect_choice(1, 16, 0, true);
  expect_choice(0, 3, 0, false);
  expect_choice(1, 3, 0, true);
  expect_choice(0, 0, 0, false);
}

// What follows needs the reference recordings.
class Golden : public testing::Test {
 protected:
  void SetUp() override {
    const char *folder = std::getenv("W2L_TEST_DATA");
    if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
    folder_ = folder;
  }

  std::vector<float> recording() const {
    const std::string wav = test::read_file(folder_ + "/assets/audio/en_jfk_16k_mono.wav");
    const std::size_t data = wav.find("data") + 8;
    std::vector<float> samples((wav.size() - data) / 2);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      std::int16_t value;
      std::memcpy(&value, &wav[data + 2 * i], 2);
      samples[i] = static_cast<float>(value) / 32768.0f;
    }
    return samples;
  }

  Columns golden_mel() const {
    const test::NpyArray array = test::load_npy(folder_ + "/golden/e2e_25fps/mel.npy");
    const std::vector<float> values = array.floats();
    const int total = static_cast<int>(array.shape.at(1));
    Columns columns(total, Column(80));
    for (int b = 0; b < 80; ++b)
      for (int c = 0; c < total; ++c) columns[c][b] = values[b * total + c];
    return columns;
  }

  // Frame i starts at i * duration_numerator / duration_denominator ns, truncated.
  void expect_windows(const std::string &rate, std::int64_t numerator, std::int64_t denominator) {
    const nlohmann::json golden = nlohmann::json::parse(
        test::read_file(folder_ + "/golden/e2e_" + rate + "fps/windows.json"));
    const std::int64_t total = golden["mel_columns"];
    std::vector<std::int64_t> starts;
    for (std::int64_t frame = 0; starts.size() < 2 * golden["starts"].size(); ++frame) {
      const WindowChoice choice =
          choose_window(window_start(frame * numerator / denominator), total);
      starts.push_back(choice.start);
      if (choice.last) break;
    }
    EXPECT_EQ(starts, golden["starts"].get<std::vector<std::int64_t>>());
  }

  std::string folder_;
};

TEST_F(Golden, MelEqualsTheReference) {
  const std::vector<float> samples = recording();
  const Columns golden = golden_mel();
  ASSERT_EQ(golden.size(), 881u);
  // 1e-4 is asked for; what is left is the last bit of a float.
  EXPECT_LE(max_difference(run(samples), golden), 1e-6) << "one buffer";
  EXPECT_LE(max_difference(run(samples, {320}), golden), 1e-6) << "20 ms buffers";
  EXPECT_LE(max_difference(run(samples, {1, 997, 13, 401}), golden), 1e-6) << "odd buffers";
}

TEST_F(Golden, WindowsEqualTheReferenceAt25Fps) {
  expect_windows("25", 40000000, 1);
}

TEST_F(Golden, WindowsEqualTheReferenceAt2997Fps) {
  expect_windows("29.97", 100000000000, 2997);
  expect_windows("29.97", 1001000000000, 30000);  // what containers mean by 29.97
}

}  // namespace
}  // namespace w2l
