// gst-wav2lip: entry point of libgstw2lpatch.so, called by GStreamer's plugin loader.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstw2lpatch.h"
#include "gstw2lversion.h"

// GST_PLUGIN_DEFINE names the source module by this macro.
#define PACKAGE "gst-wav2lip"

static gboolean plugin_init(GstPlugin *plugin) {
  return GST_ELEMENT_REGISTER(w2lpatch, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, w2lpatch,
                  "Blends lip-synced faces into video", plugin_init, GST_W2L_VERSION, "LGPL",
                  PACKAGE, PACKAGE)
