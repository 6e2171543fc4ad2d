/* gst-wav2lip: the patch meta.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstw2lpatchmeta.h"

#include "gstw2lmetatransform.h"

GType gst_w2l_patch_meta_api_get_type(void) {
  static GType type = 0;
  static const gchar *tags[] = {GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_SIZE_STR,
                                GST_META_TAG_VIDEO_ORIENTATION_STR, NULL};

  if (g_once_init_enter(&type)) {
    GType registered = gst_meta_api_type_register("GstW2lPatchMetaAPI", tags);
    g_once_init_leave(&type, registered);
  }
  return type;
}

static gboolean gst_w2l_patch_meta_init(GstMeta *meta, gpointer params, GstBuffer *buffer) {
  GstW2lPatchMeta *patch = (GstW2lPatchMeta *)meta;

  (void)params;
  (void)buffer;
  patch->box = (GstW2lBox){0, 0, 0, 0};
  patch->face_id = 0;
  patch->opacity = 1.0;
  patch->image = NULL;
  gst_video_info_init(&patch->info);
  patch->first_valid_row = 0;
  patch->end_valid_row = 0;
  return TRUE;
}

static void gst_w2l_patch_meta_free(GstMeta *meta, GstBuffer *buffer) {
  GstW2lPatchMeta *patch = (GstW2lPatchMeta *)meta;

  (void)buffer;
  gst_clear_buffer(&patch->image);
}

static gboolean gst_w2l_patch_meta_transform(GstBuffer *dest, GstMeta *meta, GstBuffer *buffer,
                                             GQuark type, gpointer data) {
  GstW2lPatchMeta *patch = (GstW2lPatchMeta *)meta;
  GstW2lPatchMeta *copy;
  GstW2lBox box;

  (void)buffer;
  if (!gst_w2l_meta_transform_box(type, data, &patch->box, &box)) return FALSE;
  copy = gst_buffer_add_w2l_patch_meta(dest, &box, patch->face_id, patch->image, &patch->info,
                                       patch->first_valid_row, patch->end_valid_row);
  if (!copy) return FALSE;
  copy->opacity = patch->opacity;
  return TRUE;
}

const GstMetaInfo *gst_w2l_patch_meta_get_info(void) {
  static const GstMetaInfo *info = NULL;

  if (g_once_init_enter((GstMetaInfo **)&info)) {
    const GstMetaInfo *registered = gst_meta_register(
        GST_W2L_PATCH_META_API_TYPE, "GstW2lPatchMeta", sizeof(GstW2lPatchMeta),
        gst_w2l_patch_meta_init, gst_w2l_patch_meta_free, gst_w2l_patch_meta_transform);
    g_once_init_leave((GstMetaInfo **)&info, (GstMetaInfo *)registered);
  }
  return info;
}

GstW2lPatchMeta *gst_buffer_add_w2l_patch_meta(GstBuffer *buffer, const GstW2lBox *box,
                                               guint face_id, GstBuffer *image,
                                               const GstVideoInfo *info, guint first_valid_row,
                                               guint end_valid_row) {
  GstW2lPatchMeta *patch;

  g_return_val_if_fail(GST_IS_BUFFER(buffer), NULL);
  g_return_val_if_fail(box != NULL, NULL);
  g_return_val_if_fail(GST_IS_BUFFER(image), NULL);
  g_return_val_if_fail(info != NULL && GST_VIDEO_INFO_FORMAT(info) == GST_VIDEO_FORMAT_BGR, NULL);
  g_return_val_if_fail(GST_VIDEO_INFO_WIDTH(info) > 0, NULL);
  g_return_val_if_fail(first_valid_row < end_valid_row, NULL);
  g_return_val_if_fail(end_valid_row <= (guint)GST_VIDEO_INFO_HEIGHT(info), NULL);

  patch = (GstW2lPatchMeta *)gst_buffer_add_meta(buffer, GST_W2L_PATCH_META_INFO, NULL);
  if (!patch) return NULL;
  patch->box = *box;
  patch->face_id = face_id;
  patch->image = gst_buffer_ref(image);
  patch->info = *info;
  patch->first_valid_row = first_valid_row;
  patch->end_valid_row = end_valid_row;
  return patch;
}

GstW2lPatchMeta *gst_buffer_get_w2l_patch_meta(GstBuffer *buffer) {
  g_return_val_if_fail(GST_IS_BUFFER(buffer), NULL);
  return (GstW2lPatchMeta *)gst_buffer_get_meta(buffer, GST_W2L_PATCH_META_API_TYPE);
}
