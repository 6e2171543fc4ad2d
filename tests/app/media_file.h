// gst-wav2lip tests: makes and decodes media files with GStreamer, so that tests can assert on
// frames, times and samples instead of on "it played".
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace w2l::test {

struct Rect {
  int left, top, right, bottom;  // right and bottom exclusive
};

struct Frame {
  double start = 0;  // running time in seconds
  double end = 0;
  std::vector<std::uint8_t> luma;  // packed rows
};

struct Media {
  int width = 0, height = 0;
  int fps_n = 0, fps_d = 1;
  std::vector<Frame> frames;
  double audio_start = -1, audio_end = -1;  // running time in seconds; -1 = no audio
  std::vector<float> samples;               // mono, 16 kHz
  std::string orientation;                  // image-orientation tag
};

constexpr int kSampleRate = 16000;

// Decodes everything; luma only when asked. Throws std::runtime_error when it cannot be decoded.
Media decode(const std::string &path, bool keep_luma = true);

// Decodes the pictures only and hands them out one by one, in RGB. Throws what `look` throws.
void each_rgb_frame(const std::string &path,
                    const std::function<void(const GstVideoFrame &)> &look);

// Runs a launch line to its EOS; throws std::runtime_error with the bus's error.
void launch(const std::string &line);

// What players do with the orientation rotate-90.
void turn_clockwise(Media *media);

// Keeps the top left width x height pixels.
void crop(Media *media, int width, int height);

// Mean absolute difference of two frames of one size inside a rectangle, in levels.
double difference(const Frame &a, const Frame &b, int width, Rect rect);

// By how many seconds `sound` lags behind `original`, found by correlation within +-0.15 s.
double lag(const std::vector<float> &sound, const std::vector<float> &original);

}  // namespace w2l::test
