// gst-wav2lip: how one thread runs a CpuNetwork: which layer writes where, decided once for each
// number of samples. What this project's kernels write lies in one arena; the results of LibTorch's
// operators come from LibTorch's allocator, as these take no memory of the caller's. CpuEngine has
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

// Not thread-safe. To be made and used in inference mode. What its functions return is valid until
// the same function is called again, inputs until they have been read once.
class NetworkPlan {
 public:
  // For 1..most samples, of which all rows are needed or those from the middle on.
  NetworkPlan(std::shared_ptr<const CpuNetwork> network, int most);
  ~NetworkPlan();

  // `crops`: packed pictures of crop_size x crop_size x 3 bytes, BGR. Result: (count, 6, edge,
  // edge) in 0..1: the crop without its lower half, the crop.
  at::Tensor face_input(const std::vector<const std::uint8_t *> &crops) const;
  // `mels`: `count` windows of mel_bands x mel_columns. Result: (count, 1, bands, columns).
  at::Tensor mel_input(const float *mels, int count) const;

  std::vector<FaceFeatures> encode_faces(const at::Tensor &faces);

  // The answers to as many windows of speech as there are faces, in 0..1, (count, 3, rows, edge),
  // float whatever the network's type is: rows from first_row on, and perhaps some above that are
  // not right. `first_row` is 0 or half of the crop's edge. Of the features the rows are read that
  // CpuNetwork::feature_tops(first_row) tells.
  at::Tensor answer(const at::Tensor &mels, const std::vector<const FaceFeatures *> &faces,
                    int first_row);

 private:
  struct Steps;
  class Builder;

  const Steps &steps(int count, int first_row) const;
  void join(const Rows &joined, std::size_t feature,
            const std::vector<const FaceFeatures *> &faces) const;

  std::shared_ptr<const CpuNetwork> network_;
  int most_;
  std::unique_ptr<Arena> arena_;
  std::vector<Steps> steps_;          // [all rows, lower rows][count - 1]
  std::vector<at::Tensor> features_;  // of the last faces
};

}  // namespace w2l
