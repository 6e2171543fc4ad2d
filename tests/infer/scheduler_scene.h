// gst-wav2lip: a Scheduler with its speech, driven step by step and shown as text; for its tests.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_speech.h"
#include "scheduler.h"

namespace w2l::test {

inline Scheduler::Settings settings(int batch_size, int slots = 2) {
  Scheduler::Settings result;
  result.batch_size = batch_size;
  result.slots = slots;
  return result;
}

inline Scheduler::Settings ending_with_audio(int batch_size = 1) {
  Scheduler::Settings result = settings(batch_size);
  result.end_with_audio = true;
  return result;
}

inline Scheduler::Settings smoothing(int batch_size = 1) {
  Scheduler::Settings result = settings(batch_size);
  result.reference_smoothing = true;
  return result;
}

inline GstW2lBox box_at(int x) {
  return {x, 0, x + 100, 100};
}

// A Scheduler, its speech and what it does, as text: "submit 0@0 1@1" (id@window),
// "submit 0@0[20]" (x1 of the box), "patched 0", "passed 0", "late 0", "barrier 0", "end", "wait",
// "wait 300" (until).
struct Scene {
  explicit Scene(const Scheduler::Settings &settings, std::int64_t windows = 1000)
      : scheduler(settings) {
    scheduler.set_has_audio(true);
    speech.windows = windows;
  }

  Scheduler::Id face(Time time, int x = 0, bool discont = false) {
    const GstW2lBox box = box_at(x);
    return scheduler.add_frame(time, &box, discont);
  }
  void faces(Time first, int count) {
    for (int i = 0; i < count; ++i) face(first + i, static_cast<int>(first + i) * 10);
  }
  Scheduler::Id no_face(Time time) { return scheduler.add_frame(time, nullptr, false); }

  std::string next(Time now = kNoTime) { return text(scheduler.next(speech, now)); }

  // All decisions up to one that changes nothing, separated by "; ".
  std::string drain(Time now = kNoTime) {
    std::string all;
    for (;;) {
      const std::string step = next(now);
      all += (all.empty() ? "" : "; ") + step;
      if (step == "end" || step.rfind("wait", 0) == 0) return all;
    }
  }

  // x1 of every box that is submitted, with batches of one that are answered at once.
  std::vector<int> smoothed_until_wait() {
    std::vector<int> result;
    for (;;) {
      const Scheduler::Decision decision = scheduler.next(speech);
      if (decision.kind == Scheduler::Decision::Kind::Submit) {
        result.push_back(decision.batch[0].box.x1);
        EXPECT_EQ(decision.batch[0].box.x2, decision.batch[0].box.x1 + 100);
        scheduler.answered({decision.batch[0].id});
      } else if (decision.kind != Scheduler::Decision::Kind::Push) {
        return result;
      }
    }
  }

  std::string text(const Scheduler::Decision &decision) const {
    using Kind = Scheduler::Decision::Kind;
    if (decision.kind == Kind::EndOfStream) return "end";
    if (decision.kind == Kind::Wait)
      return decision.until == kNever ? "wait" : "wait " + std::to_string(decision.until);
    if (decision.kind == Kind::Push) {
      static const char *const outcomes[] = {"barrier ", "patched ", "passed ", "late "};
      return outcomes[static_cast<int>(decision.outcome)] + std::to_string(decision.id);
    }
    std::string result = "submit";
    for (const Scheduler::Candidate &candidate : decision.batch) {
      result += " " + std::to_string(candidate.id) + "@" + std::to_string(candidate.window.start);
      if (show_boxes) result += "[" + std::to_string(candidate.box.x1) + "]";
    }
    return result;
  }

  Scheduler scheduler;
  FakeSpeech speech;
  bool show_boxes = false;
};

}  // namespace w2l::test
