// gst-wav2lip: the types of w2lfacecache's properties, and their values to and from C++.
// gstw2lfacecache.cpp uses them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib-object.h>

#include <vector>

#define GST_TYPE_W2L_FACE_DETECTOR (gst_w2l_face_detector_get_type())
GType gst_w2l_face_detector_get_type(void);

#define GST_TYPE_W2L_ON_MISSING (gst_w2l_on_missing_get_type())
GType gst_w2l_on_missing_get_type(void);

namespace w2l {

// The word a property's enum value is written as.
const gchar *enum_nick(GType type, gint value);

// GstValueArrays of ints, the type of `box` and `pads`.
std::vector<int> ints_from_array(const GValue *value);
void ints_to_array(const std::vector<int> &numbers, GValue *value);

}  // namespace w2l
