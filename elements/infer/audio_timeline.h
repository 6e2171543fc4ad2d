// gst-wav2lip: the speech as mel windows on the running-time axis. w2linfer's audio chain pushes
// samples, the Scheduler asks which window belongs to a frame, the source task reads it.
// No GStreamer and no locks: the element's mutex guards it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "mel_frontend.h"
#include "scheduler.h"

namespace w2l {

class AudioTimeline : public WindowSource {
 public:
  // A timestamp that is further off than this starts a new recording; one that is less far off
  // is followed slowly, so that the network never sees a step.
  static constexpr Time kMaxJump = 40'000'000;
  // Closer than this is rounding of some container (Matroska counts milliseconds): left alone.
  static constexpr Time kJitter = 5'000'000;
  static constexpr Time kMaxSlew = 1'000'000;  // for each call of push()
  static constexpr Time kHeld = 1'000'000'000;

  // Later windows for positive offsets: frame at t sees the audio of t + offset.
  void set_offset(Time offset) { offset_ = offset; }

  // 16 kHz mono samples, the first of which sounds at running_time (kNoTime: right after the
  // previous ones). `discont` starts a new recording.
  void push(Time running_time, const float *samples, std::size_t count, bool discont);
  // The audio ends here: the last columns complete, `Last` becomes possible.
  void finish();
  // A part of the audio is complete (a segment seek) and more may follow as a new recording: the
  // last columns complete, but no window is the `Last`, and nothing waits for more.
  void finish_part();
  // Another part will come: it is waited for.
  void resume_part() { part_finished_ = false; }
  // Audio goes on after finish(): what follows is a new recording.
  void resume() { finished_ = part_finished_ = false; }
  void reset();

  WindowLookup lookup(Time running_time) const override;
  bool holds(const WindowRef &window) const override;
  // kBands x kWindowColumns floats, see MelFrontend::window(). The window must come from lookup().
  void read(const WindowRef &window, float *out) const;
  // Windows of frames before running_time will not be looked up again. Those that were are held
  // for kHeld more: a slew may have moved them since.
  void discard_before(Time running_time);

  bool finished() const { return finished_; }
  // Running time right behind the newest sample; kNoTime before the first.
  Time end() const;

 private:
  struct Recording {
    std::uint64_t id;
    Time anchor;  // running time of sample 0
    MelFrontend mel;
  };

  Recording &start_recording(Time anchor);
  void follow(Recording &recording, Time running_time);
  static Time end_of(const Recording &recording);
  const Recording *find(std::uint64_t id) const;
  static bool holds_from(const Recording &recording, std::int64_t start);
  WindowLookup lookup_in(const Recording &recording, bool newest, Time time) const;

  std::deque<std::unique_ptr<Recording>> recordings_;
  std::uint64_t next_id_ = 1;
  Time offset_ = 0;
  bool finished_ = false;
  bool part_finished_ = false;
};

}  // namespace w2l
