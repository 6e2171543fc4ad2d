/* gst-wav2lip: the enum properties of w2linfer.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_INFER_ENUMS_H
#define GST_W2L_INFER_ENUMS_H

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum {
  GST_W2L_SMOOTHING_NONE,
  GST_W2L_SMOOTHING_REFERENCE,
} GstW2lSmoothing;

typedef enum {
  GST_W2L_AUDIO_END_END,
  GST_W2L_AUDIO_END_PASS,
} GstW2lAudioEnd;

#define GST_TYPE_W2L_PRECISION (gst_w2l_precision_get_type())
#define GST_TYPE_W2L_REGION (gst_w2l_region_get_type())
#define GST_TYPE_W2L_SMOOTHING (gst_w2l_smoothing_get_type())
#define GST_TYPE_W2L_AUDIO_END (gst_w2l_audio_end_get_type())

/* Values are those of w2l::Precision and w2l::Region. */
GType gst_w2l_precision_get_type(void);
GType gst_w2l_region_get_type(void);
GType gst_w2l_smoothing_get_type(void);
GType gst_w2l_audio_end_get_type(void);

G_END_DECLS

#endif /* GST_W2L_INFER_ENUMS_H */
