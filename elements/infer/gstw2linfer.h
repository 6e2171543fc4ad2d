/* gst-wav2lip: w2linfer, the element that runs the network on picture and speech.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_INFER_H
#define GST_W2L_INFER_H

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_W2L_INFER (gst_w2l_infer_get_type())
G_DECLARE_FINAL_TYPE(GstW2lInfer, gst_w2l_infer, GST, W2L_INFER, GstElement)

GST_ELEMENT_REGISTER_DECLARE(w2linfer)

G_END_DECLS

#endif /* GST_W2L_INFER_H */
