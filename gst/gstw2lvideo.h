/* gst-wav2lip: which video the elements work on, and its colour arithmetic; not installed.
 * Used by every element, so that formats and formulas are stated once.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GST_W2L_VIDEO_H
#define GST_W2L_VIDEO_H

#include <gst/video/video.h>

G_BEGIN_DECLS

/* 8-bit formats, system memory. Alpha and padding bytes are never written. */
#define GST_W2L_VIDEO_FORMATS                                                                  \
  "{ I420, YV12, NV12, NV21, Y42B, Y444, RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, " \
  "ABGR }"
#define GST_W2L_VIDEO_CAPS GST_VIDEO_CAPS_MAKE(GST_W2L_VIDEO_FORMATS)

/* Why frames of @info cannot be worked on, as a phrase for a warning; NULL when they can.
 * Such frames pass untouched: weaving fields or patching PQ/HLG with an SDR face would
 * damage them. */
static inline const gchar *gst_w2l_video_info_unsupported(const GstVideoInfo *info) {
  if (GST_VIDEO_INFO_IS_INTERLACED(info)) return "interlaced video (put deinterlace before it)";
  if (info->colorimetry.transfer == GST_VIDEO_TRANSFER_SMPTE2084) return "PQ (HDR) video";
  if (info->colorimetry.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67) return "HLG (HDR) video";
  return NULL;
}

/* 8-bit R'G'B' (0..255) <-> 8-bit Y'CbCr in the caps' matrix and range:
 *   Y  = y_offset + y_scale  * (kr R + kg G + kb B)
 *   Cb = 128      + cb_scale * (B - (kr R + kg G + kb B))
 *   Cr = 128      + cr_scale * (R - (kr R + kg G + kb B))
 * Results are not rounded or clamped here. */
typedef struct {
  gdouble kr, kg, kb;
  gdouble y_offset, y_scale, cb_scale, cr_scale;
} GstW2lColorMatrix;

static inline void gst_w2l_color_matrix_init(GstW2lColorMatrix *matrix, const GstVideoInfo *info) {
  gboolean full_range = info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  gdouble kr, kb, chroma_range = full_range ? 255.0 : 224.0;

  /* Streams without a matrix are BT.601, as in every GStreamer converter. */
  if (!gst_video_color_matrix_get_Kr_Kb(info->colorimetry.matrix, &kr, &kb))
    gst_video_color_matrix_get_Kr_Kb(GST_VIDEO_COLOR_MATRIX_BT601, &kr, &kb);
  matrix->kr = kr;
  matrix->kb = kb;
  matrix->kg = 1.0 - kr - kb;
  matrix->y_offset = full_range ? 0.0 : 16.0;
  matrix->y_scale = full_range ? 1.0 : 219.0 / 255.0;
  matrix->cb_scale = chroma_range / 255.0 / (2.0 * (1.0 - kb));
  matrix->cr_scale = chroma_range / 255.0 / (2.0 * (1.0 - kr));
}

G_END_DECLS

#endif /* GST_W2L_VIDEO_H */
