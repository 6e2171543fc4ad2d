// gst-wav2lip: NVTX ranges, seen by NVIDIA Nsight Systems and by any NVTX injection library.
// Header-only; without a profiler attached a range costs a few nanoseconds.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nvtx3/nvtx3.hpp>

namespace w2l {

struct NvtxDomain {
  static constexpr char const *name{"gst-wav2lip"};
};

// Marks the enclosing scope on the profiler's timeline: `TraceRange range{"w2linfer: crop"};`
// Names are "<element or room>: <stage>".
using TraceRange = nvtx3::scoped_range_in<NvtxDomain>;

}  // namespace w2l
