/* gst-wav2lip: what both metas do when a buffer is copied or scaled; not installed.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_META_TRANSFORM_H
#define GST_W2L_META_TRANSFORM_H

#include <gst/video/video.h>

#include "gstw2lbox.h"

G_BEGIN_DECLS

/* Fills @out with @box as it lies after the transformation. FALSE: the box would not be
 * right any more, the meta must be dropped (a partial copy, a crop, a rotation). */
G_GNUC_INTERNAL gboolean gst_w2l_meta_transform_box(GQuark type, gpointer data,
                                                    const GstW2lBox *box, GstW2lBox *out);

G_END_DECLS

#endif /* GST_W2L_META_TRANSFORM_H */
