// gst-wav2lip: the tag by which w2lpatch says that a video is AI-altered; see disclosure.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "disclosure.h"

namespace w2l {
namespace {

// Muxers write one comment only, so an existing one is kept in front of ours in the same string.
void add_disclosure(GstTagList *tags) {
  gchar *comment = nullptr;
  if (!gst_tag_list_get_string_index(tags, GST_TAG_COMMENT, 0, &comment)) {
    gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, GST_TAG_COMMENT, kDisclosureText, nullptr);
    return;
  }
  // A w2lpatch further up has said it.
  if (!g_strrstr(comment, kDisclosureText)) {
    gchar *both = g_strdup_printf("%s; %s", comment, kDisclosureText);
    gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, GST_TAG_COMMENT, both, nullptr);
    g_free(both);
  }
  g_free(comment);
}

}  // namespace

GstEvent *Disclosure::amend(GstEvent *event) {
  GstTagList *tags = nullptr;
  gst_event_parse_tag(event, &tags);
  if (!wanted_ || gst_tag_list_get_scope(tags) != GST_TAG_SCOPE_GLOBAL) return event;

  GstTagList *amended = gst_tag_list_copy(tags);
  add_disclosure(amended);
  GstEvent *replacement = gst_event_new_tag(amended);
  gst_event_set_seqnum(replacement, gst_event_get_seqnum(event));
  gst_event_unref(event);
  pending_ = false;
  return replacement;
}

GstEvent *Disclosure::take_pending() {
  if (!pending_) return nullptr;
  pending_ = false;
  GstTagList *tags = gst_tag_list_new_empty();
  gst_tag_list_set_scope(tags, GST_TAG_SCOPE_GLOBAL);
  add_disclosure(tags);
  return gst_event_new_tag(tags);
}

}  // namespace w2l
