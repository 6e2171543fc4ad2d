// gst-wav2lip tests: the network as its definition says, by LibTorch's plain convolutions in double
// precision: nothing folded, packed, fused or left out. What accuracy is measured against.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "network/network.h"

namespace w2l::test {

// To be used in inference mode.
class ReferenceNetwork {
 public:
  ReferenceNetwork(const Checkpoint &checkpoint, const Network &network);

  // `faces` (N, 6, edge, edge), `mels` (N, 1, bands, columns), of any type; (N, 3, edge, edge) in
  // 0..1, double.
  at::Tensor answer(const at::Tensor &faces, const at::Tensor &mels) const;

 private:
  at::Tensor run(const LayerRow &row, const at::Tensor &x) const;
  at::Tensor convolve(const LayerRow &row, const at::Tensor &x) const;
  at::Tensor normalize(const LayerRow &row, const at::Tensor &x) const;

  const Family *family_;
  std::map<std::string, at::Tensor> tensors_;
};

}  // namespace w2l::test
