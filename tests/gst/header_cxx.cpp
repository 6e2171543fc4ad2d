// gst-wav2lip: the public header alone, compiled and linked as C++; called by check_metas.c.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstw2l.h"

extern "C" gboolean gst_w2l_test_use_from_cxx(GstBuffer *buffer);

gboolean gst_w2l_test_use_from_cxx(GstBuffer *buffer) {
  const GstW2lBox box = {1, 2, 3, 4};
  GstW2lFaceMeta *face =
      gst_buffer_add_w2l_face_meta(buffer, &box, 5, 0.5, GST_W2L_FACE_FLAG_DETECTED);
  return face == gst_buffer_get_w2l_face_meta(buffer) && face->box.y2 == 4 &&
         gst_buffer_get_w2l_patch_meta(buffer) == nullptr;
}
