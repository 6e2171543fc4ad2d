// gst-wav2lip: copies the elements of a strided tensor of any floating-point type out of a file as
// float. Checkpoint calls it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "mapped_file.h"
#include "pickle.h"

namespace w2l {

// IEEE 754 binary16, subnormals and infinities included.
float half_to_float(std::uint16_t bits);

// Fills `values` in C order. `bytes` starts at the first element and holds all of them; `strides`
// are in elements. False when there is no conversion from `dtype`.
bool gather(pickle::Dtype dtype, ByteSpan bytes, const std::vector<std::int64_t> &shape,
            const std::vector<std::int64_t> &strides, std::vector<float> &values);

}  // namespace w2l
