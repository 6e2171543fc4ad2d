// gst-wav2lip: a WindowSource for the Scheduler's tests. Window n belongs to running time n, and
// all windows of one recording have its number, so that expectations stay readable.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "scheduler.h"

namespace w2l::test {

struct FakeSpeech : WindowSource {
  std::uint64_t recording = 1;
  std::int64_t windows = 0;  // complete ones
  bool ended = false;
  bool silent = false;  // no sound at any time

  WindowLookup lookup(Time time) const override {
    using Kind = WindowLookup::Kind;
    if (silent) return {Kind::NoAudio, {}};
    if (time < windows) return {Kind::Complete, {recording, time}};
    if (!ended) return {Kind::NotYet, {}};
    if (windows == 0) return {Kind::Ended, {}};
    return {Kind::Last, {recording, windows - 1}};
  }
  bool holds(const WindowRef &window) const override { return window.recording == recording; }
};

inline bool same_box(const GstW2lBox &a, const GstW2lBox &b) {
  return a.x1 == b.x1 && a.y1 == b.y1 && a.x2 == b.x2 && a.y2 == b.y2;
}

}  // namespace w2l::test
