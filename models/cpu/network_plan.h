// gst-wav2lip: how one thread runs a CpuNetwork: which layer writes where, decided once for each
// number of samples. All results of layers lie in one arena. CpuEngine has
// one plan for each worker.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "arena.h"
#include "cpu_network.h"

namespace w2l {

// One block's result in the face encoder for one crop: rows from `top` on, of pixels with their
// channels side by side. CpuNetwork::feature_shapes() tells the rest.
struct Feature {
  const std::byte *pixels;
  int top;
};

// Of one crop, from the largest picture to the 1x1 one. They depend on the crop alone.
using FaceFeatures = std::vector<Feature>;

// Not thread-safe. What its functions return is valid until the same function is called again,
// inputs until they have been read once.
class NetworkPlan {
 public:
  // For 1..most samples, of which all rows are needed or those from the middle on. Layers run on
  // `threads` threads, the caller's among them.
  NetworkPlan(std::shared_ptr<const CpuNetwork> network, int most, int threads = 1);
  ~NetworkPlan();

  // `crops`: packed pictures of crop_size x crop_size x 3 bytes, BGR. Result: bytes of 6 channels:
  // the crop without its lower half, the crop.
  Rows face_input(const std::vector<const std::uint8_t *> &crops) const;
  // `mels`: windows of mel_bands x mel_columns. Result: pictures of that size, one channel.
  Rows mel_input(const std::vector<const float *> &mels) const;

  std::vector<FaceFeatures> encode_faces(const Rows &faces) const;

  // The answers to as many windows of speech as there are faces, in 0..1, float whatever the
  // network's type is: 3 channels, rows from first_row on. `first_row` is 0 or half of the crop's
  // edge. Of the features the rows are read that CpuNetwork::feature_tops(first_row) tells.
  Rows answer(const Rows &mels, const std::vector<const FaceFeatures *> &faces,
              int first_row) const;

 private:
  struct Steps;
  class Builder;

  const Steps &steps(int count, int first_row) const;
  void join(const Rows &joined, std::size_t feature,
            const std::vector<const FaceFeatures *> &faces) const;

  std::shared_ptr<const CpuNetwork> network_;
  int most_, threads_;
  std::unique_ptr<Arena> arena_;
  std::vector<Steps> steps_;  // [all rows, lower rows][count - 1]
};

}  // namespace w2l
