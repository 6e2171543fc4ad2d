// gst-wav2lip: video buffers for w2lpatch: packing of frames for elements that know nothing of
// strides.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include "mapped_frame.h"

namespace w2l {

// What MappedFrame says.
constexpr const char *kCannotBeMapped =
    "its memory cannot be mapped; put videoconvert or a download element before w2lpatch";

// Whether the planes lie in `buffer` where the caps alone say they do.
bool has_default_layout(GstBuffer *buffer, const GstVideoInfo &info);

// The same frame, timestamps, flags and metas in a new buffer of the default layout; NULL when
// `buffer` cannot be read.
GstBuffer *copy_in_default_layout(GstBuffer *buffer, const GstVideoInfo &info);

}  // namespace w2l
