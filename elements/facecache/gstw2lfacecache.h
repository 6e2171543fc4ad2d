/* gst-wav2lip: the w2lfacecache element.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_FACE_CACHE_H
#define GST_W2L_FACE_CACHE_H

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_W2L_FACE_CACHE (gst_w2l_face_cache_get_type())
G_DECLARE_FINAL_TYPE(GstW2lFaceCache, gst_w2l_face_cache, GST, W2L_FACE_CACHE, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(w2lfacecache)

G_END_DECLS

#endif /* GST_W2L_FACE_CACHE_H */
