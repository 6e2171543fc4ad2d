// gst-wav2lip: the types of w2lfacecache's properties, and their values to and from C++.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "property_types.h"

#include <gst/gst.h>

#include "settings.h"

GType gst_w2l_face_detector_get_type(void) {
  static gsize type = 0;
  static const GEnumValue values[] = {
      {gint(w2l::DetectorChoice::Auto), "YuNet if its model is found, else Haar", "auto"},
      {gint(w2l::DetectorChoice::Yunet), "YuNet network through OpenCV; needs its model file",
       "yunet"},
      {gint(w2l::DetectorChoice::Haar), "Haar cascade; its model is part of the plugin", "haar"},
      {gint(w2l::DetectorChoice::None), "No detection: a box, or metas from upstream", "none"},
      {0, nullptr, nullptr},
  };
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstW2lFaceDetector", values));
  return type;
}

GType gst_w2l_on_missing_get_type(void) {
  static gsize type = 0;
  static const GEnumValue values[] = {
      {gint(w2l::OnMissing::Pass), "Pass the frame untouched and warn once", "pass"},
      {gint(w2l::OnMissing::Error), "Stop with an error", "error"},
      {0, nullptr, nullptr},
  };
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstW2lOnMissing", values));
  return type;
}

namespace w2l {

const gchar *enum_nick(GType type, gint value) {
  GEnumClass *klass = G_ENUM_CLASS(g_type_class_ref(type));
  const gchar *nick = g_enum_get_value(klass, value)->value_nick;
  g_type_class_unref(klass);
  return nick;
}

std::vector<int> ints_from_array(const GValue *value) {
  std::vector<int> numbers;
  for (guint i = 0; i < gst_value_array_get_size(value); i++)
    numbers.push_back(g_value_get_int(gst_value_array_get_value(value, i)));
  return numbers;
}

void ints_to_array(const std::vector<int> &numbers, GValue *value) {
  GValue item = G_VALUE_INIT;
  g_value_init(&item, G_TYPE_INT);
  for (const int number : numbers) {
    g_value_set_int(&item, number);
    gst_value_array_append_value(value, &item);
  }
  g_value_unset(&item);
}

}  // namespace w2l
