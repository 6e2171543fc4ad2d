/* gst-wav2lip: the network's answer for a frame; w2linfer attaches it, w2lpatch blends and
 * removes it.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_PATCH_META_H
#define GST_W2L_PATCH_META_H

#include <gst/gst.h>
#include <gst/video/video.h>

#include "gstw2lbox.h"

G_BEGIN_DECLS

typedef struct _GstW2lPatchMeta GstW2lPatchMeta;

/**
 * GstW2lPatchMeta:
 * @meta: parent
 * @box: where the whole image belongs in the frame; it is stretched to this size
 * @face_id: the face it belongs to, see #GstW2lFaceMeta
 * @opacity: 0 (leave the frame) .. 1 (cover it)
 * @image: the answer, never written to; held by reference
 * @info: layout of @image: BGR, square, the network's crop size
 * @first_valid_row: first row of @image that was computed
 * @end_valid_row: row after the last one that was computed
 *
 * Rows of @image outside [@first_valid_row, @end_valid_row) have no meaning. Tagged video,
 * size and orientation, like #GstW2lFaceMeta.
 */
struct _GstW2lPatchMeta {
  GstMeta meta;
  GstW2lBox box;
  guint face_id;
  gdouble opacity;
  GstBuffer *image;
  GstVideoInfo info;
  guint first_valid_row;
  guint end_valid_row;
};

#define GST_W2L_PATCH_META_API_TYPE (gst_w2l_patch_meta_api_get_type())
#define GST_W2L_PATCH_META_INFO (gst_w2l_patch_meta_get_info())

GType gst_w2l_patch_meta_api_get_type(void);
const GstMetaInfo *gst_w2l_patch_meta_get_info(void);

/**
 * gst_buffer_add_w2l_patch_meta:
 * @buffer: a writable buffer
 * @box: copied
 * @image: (transfer none): a reference is taken
 * @info: layout of @image; must be %GST_VIDEO_FORMAT_BGR
 * @first_valid_row: first computed row
 * @end_valid_row: row after the last computed one, at most the image's height
 *
 * Opacity starts as 1.
 *
 * Returns: (transfer none): the new meta, owned by @buffer
 */
GstW2lPatchMeta *gst_buffer_add_w2l_patch_meta(GstBuffer *buffer, const GstW2lBox *box,
                                               guint face_id, GstBuffer *image,
                                               const GstVideoInfo *info, guint first_valid_row,
                                               guint end_valid_row);

/**
 * gst_buffer_get_w2l_patch_meta:
 *
 * Returns: (transfer none) (nullable): the first patch meta of @buffer
 */
GstW2lPatchMeta *gst_buffer_get_w2l_patch_meta(GstBuffer *buffer);

G_END_DECLS

#endif /* GST_W2L_PATCH_META_H */
