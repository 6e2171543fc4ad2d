// gst-wav2lip: the streaming mel spectrogram declared in mel_frontend.h: pre-emphasis, centred
// short-time Fourier transform (kissfft), Slaney mel bands, decibels scaled to -4..4. All in
// double: in float, rounding noise of the transform moves quiet bands beside loud ones by up to
// 4e-5.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mel_frontend.h"

#include <kissfft.hh>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

namespace w2l {
namespace {

using mel::kBands;
using mel::kFftSize;
using mel::kHop;
using mel::kSampleRate;
using mel::kWindowColumns;

constexpr int kHalf = kFftSize / 2;  // samples on each side of a column
constexpr int kBins = kFftSize / 2;  // without the last, at 8 kHz: no band reaches it
constexpr double kPi = 3.14159265358979323846;
constexpr double kPreEmphasis = 0.97;
constexpr double kMinHz = 55.0, kMaxHz = 7600.0;
using Frame = std::array<double, kFftSize>;

// Slaney's mel scale: linear below 1 kHz, then 27 steps for each factor of 6.4.
constexpr double kHzPerMel = 200.0 / 3.0;
constexpr double kBreakHz = 1000.0, kBreakMel = kBreakHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27.0;

double hz_to_mel(double hz) {
  return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double mel_to_hz(double mels) {
  return mels < kBreakMel ? mels * kHzPerMel : kBreakHz * std::exp(kLogStep * (mels - kBreakMel));
}

// One triangular filter of unit area ("Slaney norm"), without its zeros.
struct Band {
  int first_bin;
  std::vector<double> weights;
};

std::vector<Band> make_filter_bank() {
  std::array<double, kBands + 2> edges;  // of the triangles, in Hz
  const double low = hz_to_mel(kMinHz), high = hz_to_mel(kMaxHz);
  for (int i = 0; i < kBands + 2; ++i) edges[i] = mel_to_hz(low + (high - low) * i / (kBands + 1));

  std::vector<Band> bank(kBands);
  for (int b = 0; b < kBands; ++b) {
    const double left = edges[b], peak = edges[b + 1], right = edges[b + 2];
    bank[b].first_bin = kBins;
    for (int k = 0; k < kBins; ++k) {
      const double hz = static_cast<double>(k) * kSampleRate / kFftSize;
      const double height = std::min((hz - left) / (peak - left), (right - hz) / (right - peak));
      if (height <= 0) continue;
      bank[b].first_bin = std::min(bank[b].first_bin, k);
      bank[b].weights.push_back(height * 2.0 / (right - left));
    }
  }
  return bank;
}

Frame make_hann() {
  Frame hann;  // periodic, so the first value is 0 and the last is not
  for (int i = 0; i < kFftSize; ++i) hann[i] = 0.5 - 0.5 * std::cos(2.0 * kPi * i / kFftSize);
  return hann;
}

// clip(8 * (S + 100) / 100 - 4, -4, 4) with S = 20 * log10(max(1e-5, x)) - 20 decibels.
float scaled_decibels(double magnitude) {
  const double decibels = 20.0 * std::log10(std::max(1e-5, magnitude)) - 20.0;
  return static_cast<float>(std::min(4.0, std::max(-4.0, 8.0 * (decibels + 100.0) / 100.0 - 4.0)));
}

// Where position `index` lies in a recording of `count` samples that is mirrored at its first and
// last sample for ever (numpy.pad's "reflect"); a single sample repeats.
std::int64_t reflect(std::int64_t index, std::int64_t count) {
  if (count == 1) return 0;
  const std::int64_t period = 2 * (count - 1);
  index = std::abs(index) % period;
  return index < count ? index : period - index;
}

}  // namespace

struct MelFrontend::Private {
  using Column = std::array<float, kBands>;

  std::int64_t columns() const { return first + static_cast<std::int64_t>(held.size()); }
  void append(float sample);
  void compute();
  void finish();

  const kissfft<double> fft{kFftSize / 2, false};  // of half the size, as a real transform wants
  const Frame hann = make_hann();
  const std::vector<Band> bank = make_filter_bank();

  std::int64_t samples = 0;
  float previous = 0;  // sample before the next one
  bool finished = false;

  // Pre-emphasised samples from the next column's centre - 400 on, `filled` of them. Left of
  // sample 0 lies its mirror image, which column 0 makes once all it needs is there.
  Frame frame{};
  int filled = kHalf;

  std::deque<Column> held;
  std::int64_t first = 0;  // column of held.front()

  Frame windowed{};
  std::array<std::complex<double>, kBins> spectrum{};
  std::array<double, kBins> magnitude{};
};

void MelFrontend::Private::append(float sample) {
  if (!std::isfinite(sample)) sample = 0;
  frame[filled++] = sample - kPreEmphasis * previous;
  previous = sample;
  ++samples;
  if (filled < kFftSize) return;

  if (columns() == 0) {
    // frame[0] would mirror sample 400, which is not there yet: the window is 0 at that place.
    for (int i = 1; i < kHalf; ++i) frame[kHalf - i] = frame[kHalf + i];
  }
  compute();
  std::copy(frame.begin() + kHop, frame.end(), frame.begin());
  filled -= kHop;
}

// Appends the column of `frame`.
void MelFrontend::Private::compute() {
  for (int i = 0; i < kFftSize; ++i) windowed[i] = frame[i] * hann[i];
  fft.transform_real(windowed.data(), spectrum.data());
  // spectrum[0] holds two real values (0 and 8 kHz) that no band uses.
  for (int k = 1; k < kBins; ++k) magnitude[k] = std::sqrt(std::norm(spectrum[k]));

  held.emplace_back();
  for (int b = 0; b < kBands; ++b) {
    const double *bins = magnitude.data() + bank[b].first_bin;
    double sum = 0;
    for (double weight : bank[b].weights) sum += weight * *bins++;
    held.back()[b] = scaled_decibels(sum);
  }
}

void MelFrontend::Private::finish() {
  finished = true;
  if (samples == 0) return;
  // All that the mirror images need lies in the frame: the last column is at most 400 samples
  // past the last complete one, and reads back to its centre - 399 at the most.
  const Frame tail = frame;
  const std::int64_t tail_start = columns() * kHop - kHalf;
  for (std::int64_t total = 1 + samples / kHop; columns() < total;) {
    const std::int64_t start = columns() * kHop - kHalf;
    frame[0] = 0;
    for (int i = 1; i < kFftSize; ++i) frame[i] = tail[reflect(start + i, samples) - tail_start];
    compute();
  }
}

MelFrontend::MelFrontend() : d_(std::make_unique<Private>()) {}
MelFrontend::~MelFrontend() = default;

void MelFrontend::reset() {
  d_->samples = 0;
  d_->previous = 0;
  d_->finished = false;
  d_->frame.fill(0);
  d_->filled = kHalf;
  d_->held.clear();
  d_->first = 0;
}

void MelFrontend::push(const float *samples, std::size_t count) {
  if (d_->finished) throw std::logic_error("MelFrontend: push() after finish(); call reset()");
  for (std::size_t i = 0; i < count; ++i) d_->append(samples[i]);
}

void MelFrontend::finish() {
  if (!d_->finished) d_->finish();
}

bool MelFrontend::finished() const {
  return d_->finished;
}
std::int64_t MelFrontend::samples() const {
  return d_->samples;
}
std::int64_t MelFrontend::columns() const {
  return d_->columns();
}
std::int64_t MelFrontend::first_column() const {
  return d_->first;
}

void MelFrontend::discard_before(std::int64_t column) {
  for (; d_->first < column && !d_->held.empty(); ++d_->first) d_->held.pop_front();
}

const float *MelFrontend::column(std::int64_t column) const {
  if (column < d_->first || column >= d_->columns())
    throw std::out_of_range("MelFrontend: column " + std::to_string(column) + " is not in [" +
                            std::to_string(d_->first) + ", " + std::to_string(d_->columns()) + ")");
  return d_->held[static_cast<std::size_t>(column - d_->first)].data();
}

void MelFrontend::window(std::int64_t start, float *out) const {
  const bool is_short = d_->finished && d_->columns() < kWindowColumns;
  for (int i = 0; i < kWindowColumns; ++i) {
    const bool silent = is_short && start + i >= d_->columns();
    const float *values = silent ? nullptr : column(start + i);
    for (int b = 0; b < kBands; ++b)
      out[b * kWindowColumns + i] = silent ? mel::kSilence : values[b];
  }
}

std::int64_t window_start(std::int64_t nanoseconds) {
  constexpr std::int64_t kColumn = 1000000000 / mel::kColumnsPerSecond;  // ns, exact
  constexpr std::int64_t kTruncation = 1000;                             // ns
  std::int64_t column = nanoseconds / kColumn;
  std::int64_t rest = nanoseconds % kColumn;
  if (rest < 0) {
    rest += kColumn;
    --column;
  }
  return column + (rest + kTruncation >= kColumn);  // adding first could overflow
}

WindowChoice choose_window(std::int64_t start, std::int64_t total) {
  const std::int64_t last = std::max<std::int64_t>(total - kWindowColumns, 0);
  if (start > last) return {last, true};
  return {std::max<std::int64_t>(start, 0), false};
}

}  // namespace w2l
