/* gst-wav2lip: the face meta.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstw2lfacemeta.h"

#include <gst/video/video.h>

#include "gstw2lmetatransform.h"

GType gst_w2l_face_meta_api_get_type(void) {
  static GType type = 0;
  static const gchar *tags[] = {GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_SIZE_STR,
                                GST_META_TAG_VIDEO_ORIENTATION_STR, NULL};

  if (g_once_init_enter(&type)) {
    GType registered = gst_meta_api_type_register("GstW2lFaceMetaAPI", tags);
    g_once_init_leave(&type, registered);
  }
  return type;
}

static gboolean gst_w2l_face_meta_init(GstMeta *meta, gpointer params, GstBuffer *buffer) {
  GstW2lFaceMeta *face = (GstW2lFaceMeta *)meta;

  (void)params;
  (void)buffer;
  face->box = (GstW2lBox){0, 0, 0, 0};
  face->face_id = 0;
  face->score = 0.0;
  face->flags = GST_W2L_FACE_FLAG_NONE;
  return TRUE;
}

static gboolean gst_w2l_face_meta_transform(GstBuffer *dest, GstMeta *meta, GstBuffer *buffer,
                                            GQuark type, gpointer data) {
  GstW2lFaceMeta *face = (GstW2lFaceMeta *)meta;
  GstW2lBox box;

  (void)buffer;
  if (!gst_w2l_meta_transform_box(type, data, &face->box, &box)) return FALSE;
  return gst_buffer_add_w2l_face_meta(dest, &box, face->face_id, face->score, face->flags) != NULL;
}

const GstMetaInfo *gst_w2l_face_meta_get_info(void) {
  static const GstMetaInfo *info = NULL;

  if (g_once_init_enter((GstMetaInfo **)&info)) {
    const GstMetaInfo *registered =
        gst_meta_register(GST_W2L_FACE_META_API_TYPE, "GstW2lFaceMeta", sizeof(GstW2lFaceMeta),
                          gst_w2l_face_meta_init, NULL, gst_w2l_face_meta_transform);
    g_once_init_leave((GstMetaInfo **)&info, (GstMetaInfo *)registered);
  }
  return info;
}

GstW2lFaceMeta *gst_buffer_add_w2l_face_meta(GstBuffer *buffer, const GstW2lBox *box, guint face_id,
                                             gdouble score, GstW2lFaceFlags flags) {
  GstW2lFaceMeta *face;

  g_return_val_if_fail(GST_IS_BUFFER(buffer), NULL);
  g_return_val_if_fail(box != NULL, NULL);

  face = (GstW2lFaceMeta *)gst_buffer_add_meta(buffer, GST_W2L_FACE_META_INFO, NULL);
  if (!face) return NULL;
  face->box = *box;
  face->face_id = face_id;
  face->score = score;
  face->flags = flags;
  return face;
}

GstW2lFaceMeta *gst_buffer_get_w2l_face_meta(GstBuffer *buffer) {
  g_return_val_if_fail(GST_IS_BUFFER(buffer), NULL);
  return (GstW2lFaceMeta *)gst_buffer_get_meta(buffer, GST_W2L_FACE_META_API_TYPE);
}
