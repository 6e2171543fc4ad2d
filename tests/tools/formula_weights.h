// gst-wav2lip tests: the tensors of the 96-pixel network in state_dict order, and weights for them
// that are a pure function of name and index, so that any program computes the same checkpoint.
// The checkpoint maker, the reader's and the network's tests call it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace w2l::test {

enum class TensorKind { ConvWeight, ConvBias, NormWeight, NormBias, NormMean, NormVar, Counter };

struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;  // empty for a counter
  TensorKind kind;
  double fan_in = 0;      // of a ConvWeight
  bool residual = false;  // a NormWeight after a convolution that adds its input
};

std::int64_t element_count(const TensorSpec &spec);

// All channel counts divided by `divide`, those of the pictures (6 and 3) and of the mel (1) not.
std::vector<TensorSpec> wav2lip96_tensors(int divide = 1);

// splitmix64(fnv1a64(name) + index), scaled to [0, 1).
double formula_uniform(const std::string &name, std::int64_t index);

// The values of one tensor, computed in double and rounded once; a Counter is all zeros.
std::vector<float> formula_values(const TensorSpec &spec);

}  // namespace w2l::test
