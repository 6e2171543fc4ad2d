/* gst-wav2lip tests: runs first and alone, so that every other test finds all plugins in the
 * registry: scanning takes seconds, some plugins' libraries leak, and without a registry GStreamer
 * has no "leaks" tracer to offer.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  GstPlugin *plugin = gst_registry_find_plugin(gst_registry_get(), "coreelements");
  if (!plugin) {
    g_printerr("GStreamer's core elements are missing\n");
    return 1;
  }
  gst_object_unref(plugin);
  return 0;
}
