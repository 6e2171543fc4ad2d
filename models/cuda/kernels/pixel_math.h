// gst-wav2lip: what faces, mels and answers compute for one pixel, shared by the kernels and their
// twins on the CPU, so that both give the same bytes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>

#include "half_numbers.h"

namespace w2l {

constexpr int kPictureChannels = 3;

// Resizing is linear in both directions, by the arithmetic of OpenCV's cv::resize for 8 bits
// (INTER_LINEAR): weights are multiples of 1/2048, a row's sum is cut to seven bits behind the
// point and its share to two, and only the sum of both rows is rounded. Where OpenCV takes another
// way (pictures that keep their size, exact halves) this one comes to the same bytes.
constexpr int kWeightBits = 11;
constexpr int kWholeWeight = 1 << kWeightBits;

// The two pixels of a line that one of the resized line is mixed of.
struct LinearTaps {
  int first, second;
  int weight;  // of the second; the first has the rest of kWholeWeight
};

// Of pixel `index` of `edge` ones made of `size`. Where pixels have centres is counted in whole
// numbers, in 1 / (2 * edge) of a pixel. OpenCV has it in float, which gives the same weights as
// long as its errors are less than what is missing to a tie: to make 96 pixels of up to 2059.
W2L_HOST_DEVICE inline LinearTaps linear_taps(int index, int edge, int size) {
  const int unit = 2 * edge;
  const int centre = (2 * index + 1) * size - edge;  // from the first pixel's
  const int first = (centre + unit) / unit - 1;      // rounded down; -1 at the least
  const int weight = ((centre - first * unit) * kWholeWeight + edge) / unit;
  return {first < 0 ? 0 : first, first + 1 < size ? first + 1 : size - 1, weight};
}

W2L_HOST_DEVICE inline int row_share(int left, int right, int across, int weight) {
  const int sum = left * (kWholeWeight - across) + right * across;
  return ((sum >> 4) * weight) >> 16;
}

// One channel of the four pixels at the taps: first row, then second.
W2L_HOST_DEVICE inline std::uint8_t mix_bytes(const std::uint8_t (&corners)[4], int across,
                                              int down) {
  const int upper = row_share(corners[0], corners[1], across, kWholeWeight - down);
  const int lower = row_share(corners[2], corners[3], across, down);
  return static_cast<std::uint8_t>((upper + lower + 2) >> 2);
}

// Pixel (x, y) of the crop resized to edge x edge; read(p) reads the byte at p.
template <typename Read>
W2L_HOST_DEVICE inline void resized_pixel(const std::uint8_t *crop, int width, int height, int edge,
                                          int x, int y, const Read &read,
                                          std::uint8_t (&bgr)[kPictureChannels]) {
  const LinearTaps across = linear_taps(x, edge, width), down = linear_taps(y, edge, height);
  const int offsets[4] = {down.first * width + across.first, down.first * width + across.second,
                          down.second * width + across.first, down.second * width + across.second};
  for (int c = 0; c < kPictureChannels; ++c) {
    std::uint8_t corners[4];
    for (int i = 0; i < 4; ++i) corners[i] = read(crop + offsets[i] * kPictureChannels + c);
    bgr[c] = mix_bytes(corners, across.weight, down.weight);
  }
}

// Not by multiplication with 1/255, which is another number for some bytes.
W2L_HOST_DEVICE inline float unit_of_byte(std::uint8_t byte) {
  return static_cast<float>(byte) / 255.0f;
}

// kChannelStep numbers for one pixel of a face; `black` in the lower half.
template <Number number>
W2L_HOST_DEVICE inline void face_pixel(const std::uint8_t *bgr, bool black,
                                       typename Storage<number>::Type *to) {
  for (int c = 0; c < kPictureChannels; ++c) {
    const auto stored = Storage<number>::store(unit_of_byte(bgr[c]));
    to[c] = black ? Storage<number>::store(0.0f) : stored;
    to[kPictureChannels + c] = stored;
  }
  for (int c = 2 * kPictureChannels; c < kChannelStep; ++c) to[c] = Storage<number>::store(0.0f);
}

template <Number number>
W2L_HOST_DEVICE inline void mel_pixel(float value, typename Storage<number>::Type *to) {
  to[0] = Storage<number>::store(value);
  for (int c = 1; c < kChannelStep; ++c) to[c] = Storage<number>::store(0.0f);
}

// NaN gives 0.
W2L_HOST_DEVICE inline std::uint8_t byte_of_logit(float logit) {
  const float scaled = 1.0f / (1.0f + expf(-logit)) * 255.0f;
  if (!(scaled > 0.0f)) return 0;
  return static_cast<std::uint8_t>(scaled < 255.0f ? scaled : 255.0f);
}

// One channel's share of the three sums of an answer's pixel, which start as the bias; `weights`
// are the channel's in [3][channels]. fmaf: every compiler rounds it once.
W2L_HOST_DEVICE inline void add_answer_channel(float value, const float *weights, int channels,
                                               float sums[kPictureChannels]) {
  for (int c = 0; c < kPictureChannels; ++c) sums[c] = fmaf(value, weights[c * channels], sums[c]);
}

}  // namespace w2l
