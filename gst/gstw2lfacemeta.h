/* gst-wav2lip: where the face is in a frame; w2lfacecache attaches it, w2linfer reads it.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_FACE_META_H
#define GST_W2L_FACE_META_H

#include <gst/gst.h>

#include "gstw2lbox.h"

G_BEGIN_DECLS

/**
 * GstW2lFaceFlags:
 * @GST_W2L_FACE_FLAG_NONE: the box was given by the user
 * @GST_W2L_FACE_FLAG_DETECTED: a detector found the face in this very frame
 * @GST_W2L_FACE_FLAG_TRACKED: the box was followed from an earlier detection
 * @GST_W2L_FACE_FLAG_HELD: the face is missing here, an earlier box stands in
 */
typedef enum {
  GST_W2L_FACE_FLAG_NONE = 0,
  GST_W2L_FACE_FLAG_DETECTED = 1 << 0,
  GST_W2L_FACE_FLAG_TRACKED = 1 << 1,
  GST_W2L_FACE_FLAG_HELD = 1 << 2,
} GstW2lFaceFlags;

typedef struct _GstW2lFaceMeta GstW2lFaceMeta;

/**
 * GstW2lFaceMeta:
 * @meta: parent
 * @box: the region the network sees and the answer covers, after pads, inside the frame
 * @face_id: identity that stays the same while a face is followed, from 0
 * @score: detector's confidence, 0..1; 1 for a given box
 * @flags: how the box came about
 *
 * Tagged video, size and orientation: it survives a copy, is scaled by a scaler, and is
 * dropped by everything that would make the box wrong.
 */
struct _GstW2lFaceMeta {
  GstMeta meta;
  GstW2lBox box;
  guint face_id;
  gdouble score;
  GstW2lFaceFlags flags;
};

#define GST_W2L_FACE_META_API_TYPE (gst_w2l_face_meta_api_get_type())
#define GST_W2L_FACE_META_INFO (gst_w2l_face_meta_get_info())

GType gst_w2l_face_meta_api_get_type(void);
const GstMetaInfo *gst_w2l_face_meta_get_info(void);

/**
 * gst_buffer_add_w2l_face_meta:
 * @buffer: a writable buffer
 * @box: copied
 *
 * Returns: (transfer none): the new meta, owned by @buffer
 */
GstW2lFaceMeta *gst_buffer_add_w2l_face_meta(GstBuffer *buffer, const GstW2lBox *box, guint face_id,
                                             gdouble score, GstW2lFaceFlags flags);

/**
 * gst_buffer_get_w2l_face_meta:
 *
 * Returns: (transfer none) (nullable): the first face meta of @buffer
 */
GstW2lFaceMeta *gst_buffer_get_w2l_face_meta(GstBuffer *buffer);

G_END_DECLS

#endif /* GST_W2L_FACE_META_H */
