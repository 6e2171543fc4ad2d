/* gst-wav2lip: a rectangle of video pixels, shared by the metas.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_BOX_H
#define GST_W2L_BOX_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct _GstW2lBox GstW2lBox;

/**
 * GstW2lBox:
 * @x1: left edge in pixels, inclusive
 * @y1: top edge in pixels, inclusive
 * @x2: right edge in pixels, exclusive
 * @y2: bottom edge in pixels, exclusive
 *
 * Half-open rectangle in pixels of the frame it belongs to.
 */
struct _GstW2lBox {
  gint x1, y1, x2, y2;
};

G_END_DECLS

#endif /* GST_W2L_BOX_H */
