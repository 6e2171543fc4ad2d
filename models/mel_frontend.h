// gst-wav2lip: streaming mel spectrogram exactly as the reference implementation computes it
// from a whole file (librosa 0.7: centred STFT with reflection padding).
// w2linfer pushes samples as they come and reads columns as they complete.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace w2l {

namespace mel {
constexpr int kSampleRate = 16000;
constexpr int kBands = 80;
constexpr int kHop = 200;  // samples between columns
constexpr int kColumnsPerSecond = kSampleRate / kHop;
constexpr int kFftSize = 800;       // samples under one column, which lies in their middle
constexpr int kWindowColumns = 16;  // columns the network sees for one frame
constexpr float kSilence = -4.0f;   // every band of digital silence; the range is -4..4
}  // namespace mel

// Not thread-safe. Memory: the columns not yet discarded.
class MelFrontend {
 public:
  MelFrontend();
  ~MelFrontend();
  MelFrontend(const MelFrontend &) = delete;
  MelFrontend &operator=(const MelFrontend &) = delete;

  // Forgets everything; the next sample is sample 0 of a new recording.
  void reset();

  // 16 kHz mono, -1..1. Column c completes when sample c * 200 + 399 is in. Columns depend on the
  // samples alone, never on how they are cut into buffers. NaN and infinities count as 0:
  // no column is ever NaN.
  void push(const float *samples, std::size_t count);

  // No more samples will come: completes the columns up to 1 + samples / 200 with the reflection
  // at the end (an empty recording has none). push() must not follow without reset(): it throws
  // std::logic_error.
  void finish();
  bool finished() const;

  std::int64_t samples() const;              // pushed since reset()
  std::int64_t columns() const;              // completed since reset(), discarded ones included
  std::int64_t first_column() const;         // the oldest one still held
  void discard_before(std::int64_t column);  // columns yet to come are not discarded in advance

  // kBands values of one column; first_column() <= column < columns(). Valid until the next call
  // that is not const. Throws std::out_of_range for a column that is not held.
  const float *column(std::int64_t column) const;

  // Fills out[band * kWindowColumns + i] with columns start .. start + 15, as the network wants
  // them. Columns past the end of a finished recording that is shorter than a window read as
  // kSilence; all others must be held.
  void window(std::int64_t start, float *out) const;

 private:
  struct Private;
  std::unique_ptr<Private> d_;
};

// Column where the window of a frame starts, `nanoseconds` after the first sample; negative
// before it. floor((t + 1 us) * 80): containers truncate nanoseconds, and frame 3 at 30 fps must
// see column 8, not 7. Exact integer arithmetic.
std::int64_t window_start(std::int64_t nanoseconds);

// Where a window that wants to start at `start` really starts in a recording of `total` columns;
// a start before the recording takes its first window.
struct WindowChoice {
  std::int64_t start;
  bool last;  // the reference's video ends with this frame
};
// The first window that would overflow takes the last 16 columns, and is the last one. `total` of
// less than 16 counts as 16 (padded with silence).
WindowChoice choose_window(std::int64_t start, std::int64_t total);

}  // namespace w2l
