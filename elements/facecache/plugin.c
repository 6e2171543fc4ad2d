/* gst-wav2lip: entry point of libgstw2lfacecache.so.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstw2lfacecache.h"

static gboolean plugin_init(GstPlugin *plugin) {
  return GST_ELEMENT_REGISTER(w2lfacecache, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, w2lfacecache,
                  "Finds the face that lip-sync works on", plugin_init, PACKAGE_VERSION, "LGPL",
                  "gst-wav2lip", "Unknown package origin")
