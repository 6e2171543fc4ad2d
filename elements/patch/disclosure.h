// gst-wav2lip: the tag by which w2lpatch says that a video is AI-altered. w2lpatch passes it every
// tag event from upstream, and asks for an event of its own before the first buffer.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace w2l {

constexpr char kDisclosureText[] =
    "AI-altered video: the lip movements were generated from speech (gst-wav2lip)";

// Used from the streaming thread only.
class Disclosure {
 public:
  // A new stream: it needs its own disclosure if `wanted`.
  void begin(bool wanted) { pending_ = wanted_ = wanted; }

  // Takes `event` (any TAG event) and returns it, or one that replaces it: a later global tag list
  // replaces an earlier one downstream, so each has to carry the disclosure.
  GstEvent *amend(GstEvent *event);

  // The event to send before the first buffer; NULL when upstream's tags carried it already.
  GstEvent *take_pending();

 private:
  bool wanted_ = false;
  bool pending_ = false;
};

}  // namespace w2l
