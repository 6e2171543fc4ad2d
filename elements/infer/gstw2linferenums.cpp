/* gst-wav2lip: the enum properties of w2linfer.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstw2linferenums.h"

#include "engine.h"

namespace {

GType register_once(gsize *type, const gchar *name, const GEnumValue *values) {
  if (g_once_init_enter(type)) g_once_init_leave(type, g_enum_register_static(name, values));
  return *type;
}

}  // namespace

GType gst_w2l_precision_get_type(void) {
  static gsize type = 0;
  static const GEnumValue values[] = {
      {static_cast<gint>(w2l::Precision::Auto), "What the device does natively and fastest",
       "auto"},
      {static_cast<gint>(w2l::Precision::Fp32), "32-bit floating point", "fp32"},
      {static_cast<gint>(w2l::Precision::Tf32), "TensorFloat-32 products (CUDA)", "tf32"},
      {static_cast<gint>(w2l::Precision::Bf16), "bfloat16", "bf16"},
      {static_cast<gint>(w2l::Precision::Fp16), "16-bit floating point (CUDA)", "fp16"},
      {0, nullptr, nullptr}};
  return register_once(&type, "GstW2lPrecision", values);
}

GType gst_w2l_region_get_type(void) {
  static gsize type = 0;
  static const GEnumValue values[] = {
      {static_cast<gint>(w2l::Region::Lower), "Only the lower half of the face", "lower"},
      {static_cast<gint>(w2l::Region::Full), "The whole face", "full"},
      {0, nullptr, nullptr}};
  return register_once(&type, "GstW2lRegion", values);
}

GType gst_w2l_smoothing_get_type(void) {
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_W2L_SMOOTHING_NONE, "Boxes as they come", "none"},
      {GST_W2L_SMOOTHING_REFERENCE, "Mean over five frames, as the reference does", "reference"},
      {0, nullptr, nullptr}};
  return register_once(&type, "GstW2lSmoothing", values);
}

GType gst_w2l_audio_end_get_type(void) {
  static gsize type = 0;
  static const GEnumValue values[] = {
      {GST_W2L_AUDIO_END_END, "End the video with the reference's last window", "end"},
      {GST_W2L_AUDIO_END_PASS, "Push the remaining frames unpatched", "pass"},
      {0, nullptr, nullptr}};
  return register_once(&type, "GstW2lAudioEnd", values);
}
