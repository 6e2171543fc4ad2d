// gst-wav2lip: which size and which rows a layer makes of which. See layer_geometry.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layer_geometry.h"

#include <algorithm>

namespace w2l {

Size2 output_size(const LayerRow &row, Size2 in) {
  if (row.kind == LayerKind::Transposed) {
    const std::int64_t grow = row.kernel - 2 * row.padding + row.output_padding;
    return {(in.height - 1) * row.stride.height + grow, (in.width - 1) * row.stride.width + grow};
  }
  const std::int64_t shrink = row.kernel - 2 * row.padding;
  return {(in.height - shrink) / row.stride.height + 1, (in.width - shrink) / row.stride.width + 1};
}

int first_input_row(const LayerRow &row, int output_row) {
  const int stride = static_cast<int>(row.stride.height);
  const int padding = static_cast<int>(row.padding), kernel = static_cast<int>(row.kernel);
  if (row.kind == LayerKind::Transposed)  // input row i gives i * stride - padding + 0..kernel-1
    return std::max(0, (output_row + padding - kernel + stride) / stride);
  // Layers that make pictures smaller are not near the answer: nothing is left out there.
  return stride == 1 ? std::max(0, output_row - padding) : 0;
}

}  // namespace w2l
