// gst-wav2lip: which input pixels a convolution's output pixels see, the same for kernels and
// twins. A transposed convolution is four convolutions, one for each phase: the output pixels with
// y % 2 == phase / 2 and x % 2 == phase % 2.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "half_numbers.h"

namespace w2l {

constexpr int kPhases = 4;

// The taps along one axis: tap i is kernel element first + i * step and sees the input pixel
// position * stride - padding + i, where position counts the phase's output pixels.
struct AxisTaps {
  int count, first, step;
};

W2L_HOST_DEVICE inline AxisTaps transposed_axis(int odd) {
  // Even outputs see element 1 of the kernel at their own position; odd ones see element 2 there
  // and element 0 at the next.
  return odd ? AxisTaps{2, 2, -2} : AxisTaps{1, 1, 0};
}

// NaN stays NaN.
W2L_HOST_DEVICE inline float relu(float value) {
  return value < 0.0f ? 0.0f : value;
}

}  // namespace w2l
