// gst-wav2lip: one network as a checkpoint describes it: its family, every layer with its channel
// counts, and the layers' weights with the batch-norm folded in. Backends build from it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "family.h"

namespace w2l {

struct Layer {
  const LayerRow *row;
  std::int64_t in, out;  // channels
};

// What a convolution needs: PyTorch's layout of the weight (out, in, k, k; a transposed
// convolution's is in, out, k, k), batch-norm folded in.
struct LayerWeights {
  std::vector<float> weight;
  std::vector<std::int64_t> shape;
  std::vector<float> bias;
};

class Network {
 public:
  // Finds the family from names and shapes, never from the file's name, and checks every tensor's
  // shape. Throws Error(Unsupported) for other networks (a face detector, a family that is not
  // built), Error(Format) that names the first missing or wrong tensor. Reads no weights.
  static Network describe(const Checkpoint &checkpoint);

  const Family &family() const { return *family_; }
  std::int64_t parameters() const { return parameters_; }
  // The layers of one part in the order of computation.
  std::vector<Layer> part(Part part) const;

  // Reads one layer, computing in double. Throws Error(Format) for values that are not finite.
  static LayerWeights read(const Checkpoint &checkpoint, const Layer &layer);
  // Into memory of the layer before, which is used again.
  static void read(const Checkpoint &checkpoint, const Layer &layer, LayerWeights &weights);

 private:
  explicit Network(const Family &family) : family_(&family) {}

  const Family *family_;
  std::vector<Layer> layers_;
  std::int64_t parameters_ = 0;
};

}  // namespace w2l
