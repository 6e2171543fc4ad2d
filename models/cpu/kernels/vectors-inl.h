// gst-wav2lip: the vectors of floats that all kernels compute with. Included by them for each
// instruction set.
// SPDX-License-Identifier: LGPL-2.1-or-later
#if defined(W2L_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef W2L_VECTORS_INL_H
#undef W2L_VECTORS_INL_H
#else
#define W2L_VECTORS_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

constexpr int kLanes = static_cast<int>(hn::MaxLanes(Floats()));

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#endif
