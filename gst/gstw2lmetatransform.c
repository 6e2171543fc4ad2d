/* gst-wav2lip: what both metas do when a buffer is copied or scaled.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstw2lmetatransform.h"

/* Rounds half up, so that a box and its neighbour keep sharing their edge. Boxes may reach over the
 * frame's edges, so @edge may be negative. */
static gint scale_edge(gint edge, gint from, gint to) {
  gint64 doubled = 2 * (gint64)edge * to + from;
  gint64 scaled = doubled / (2 * (gint64)from);

  /* C truncates towards 0; rounding half up needs the floor. */
  if (doubled < 0 && doubled % (2 * (gint64)from) != 0) scaled--;
  return (gint)CLAMP(scaled, G_MININT, G_MAXINT);
}

gboolean gst_w2l_meta_transform_box(GQuark type, gpointer data, const GstW2lBox *box,
                                    GstW2lBox *out) {
  *out = *box;

  if (GST_META_TRANSFORM_IS_COPY(type)) {
    const GstMetaTransformCopy *copy = data;
    return !copy->region;
  }

  if (GST_VIDEO_META_TRANSFORM_IS_SCALE(type)) {
    const GstVideoMetaTransform *scale = data;
    gint from_width = GST_VIDEO_INFO_WIDTH(scale->in_info);
    gint from_height = GST_VIDEO_INFO_HEIGHT(scale->in_info);
    gint to_width = GST_VIDEO_INFO_WIDTH(scale->out_info);
    gint to_height = GST_VIDEO_INFO_HEIGHT(scale->out_info);

    if (from_width <= 0 || from_height <= 0) return FALSE;
    out->x1 = scale_edge(box->x1, from_width, to_width);
    out->x2 = scale_edge(box->x2, from_width, to_width);
    out->y1 = scale_edge(box->y1, from_height, to_height);
    out->y2 = scale_edge(box->y2, from_height, to_height);
    /* A face that scaling made vanish is no face any more. */
    return out->x2 > out->x1 && out->y2 > out->y1;
  }

  return FALSE;
}
