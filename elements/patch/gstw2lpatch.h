/* gst-wav2lip: the element w2lpatch, registered by plugin.cpp.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_PATCH_H
#define GST_W2L_PATCH_H

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* The mask property; values follow w2l::MaskMode. */
typedef enum {
  GST_W2L_PATCH_MASK_AUTO,
  GST_W2L_PATCH_MASK_LOWER,
  GST_W2L_PATCH_MASK_FULL,
} GstW2lPatchMask;

#define GST_TYPE_W2L_PATCH_MASK (gst_w2l_patch_mask_get_type())
GType gst_w2l_patch_mask_get_type(void);

#define GST_TYPE_W2L_PATCH (gst_w2l_patch_get_type())
G_DECLARE_FINAL_TYPE(GstW2lPatch, gst_w2l_patch, GST, W2L_PATCH, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(w2lpatch)

G_END_DECLS

#endif /* GST_W2L_PATCH_H */
