// gst-wav2lip: decides, for every frame that w2linfer holds, whether it is submitted to the
// network, held, pushed with an answer or passed without one. No GStreamer, no threads, no clock:
// the element tells it what happened and asks what to do next.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

#include "box_smoother.h"
#include "gstw2lbox.h"

namespace w2l {

// Nanoseconds of running time.
using Time = std::int64_t;
constexpr Time kNoTime = std::numeric_limits<Time>::min();
constexpr Time kNever = std::numeric_limits<Time>::max();

// Names one mel window: `start` counts columns from the start of recording `recording`.
struct WindowRef {
  std::uint64_t recording = 0;
  std::int64_t start = 0;
};

// What the audio has to say about one moment.
struct WindowLookup {
  enum class Kind {
    NotYet,    // more audio must come first
    NoAudio,   // there is no sound here: the frame passes
    Complete,  // `window` can be read
    Last,      // likewise, and the reference's video ends with this frame
    Ended,     // the audio has ended without a single window
  };
  Kind kind = Kind::NotYet;
  WindowRef window;
};

class WindowSource {
 public:
  virtual ~WindowSource() = default;
  virtual WindowLookup lookup(Time running_time) const = 0;
  // False once a window that lookup() gave cannot be read any more: a flush took the audio away.
  virtual bool holds(const WindowRef &window) const = 0;
};

class Scheduler {
 public:
  using Id = std::uint64_t;  // counts frames and barriers in the order they were added

  struct Settings {
    int batch_size = 8;
    int slots = 2;  // batches in flight at most
    bool reference_smoothing = false;
    bool end_with_audio = false;  // on-audio-end=end
  };

  enum class Outcome { Barrier, Patched, Passed, Late };

  struct Candidate {
    Id id;
    WindowRef window;
    GstW2lBox box;
  };

  struct Decision {
    enum class Kind { Wait, Submit, Push, EndOfStream };
    Kind kind = Kind::Wait;
    std::vector<Candidate> batch;        // Submit: in frame order; counts as in flight from now
    Id id = 0;                           // Push: the oldest item, which is forgotten here
    Outcome outcome = Outcome::Barrier;  // Push
    Time until = kNever;                 // Wait: running time at which to ask again
  };

  Scheduler();
  explicit Scheduler(const Settings &settings);

  // A frame; `face` is null when it has none. `discont` says that it does not follow its
  // predecessor. kNoTime passes.
  Id add_frame(Time running_time, const GstW2lBox *face, bool discont);
  // Something else that keeps its place among the frames.
  Id add_barrier();
  // No frame will follow: nothing waits for a look-ahead any more. False: one follows after all.
  void set_video_ended(bool ended);
  // New audio has taken the place of what had ended; frames that were to be cut off stay.
  void set_audio_restarted();
  // Without an audio pad every frame passes; another pad starts afresh.
  void set_has_audio(bool has_audio);
  // Live: a frame leaves `latency` after its running time at the latest; one that is not with the
  // network reserve() before that is not worth submitting. Not live: kNever.
  void set_live(Time latency);
  // Answers have come `took` after their batch was submitted; the next ones are expected to.
  void measured(Time took);
  // How long an answer is expected to take. Nothing before the first: only a batch can tell.
  Time reserve() const { return reserve_; }

  // A frame is held for which more audio must come, or which next() has not seen yet. One that is
  // added behind it, and is no earlier, changes nothing about what next() says.
  bool waits_for_audio() const {
    return has_audio_ && !audio_ended_ && undecided_ < first_id_ + items_.size();
  }

  // Asks for one step; call it again after carrying the step out. `now` is the running time
  // (live only).
  Decision next(const WindowSource &audio, Time now = kNoTime);

  // The answers of a batch have come; ids that have left already are ignored, and so is a batch
  // from before the last reset().
  void answered(const std::vector<Id> &ids);
  // A batch is out of flight without answers; its frames pass.
  void gave_up(const std::vector<Id> &ids);

  // Forgets everything that is held and in flight; ids go on counting.
  void reset();

  int frames() const { return frames_; }  // held, in flight included
  bool empty() const { return items_.empty(); }
  int in_flight() const { return in_flight_; }
  // Frames beyond which upstream should wait: two batches and what smoothing looks ahead.
  int capacity() const;
  // Running time before which no window will be read: that of the earliest frame that still needs
  // its own, or else of the newest frame; kNever before the first.
  Time oldest_unsubmitted() const;

 private:
  enum class State { Barrier, Undecided, Smoothing, Ready, InFlight, Answered, Passed, Late, Cut };
  struct Item {
    State state;
    Time time;
    bool has_face;
    bool discont;
    bool smoothed;  // has been through the smoother: `box` is final
    GstW2lBox box;
    WindowRef window;
  };

  Item *find(Id id);
  static bool is_open(const Item &item);
  void revoke_lost_windows(const WindowSource &audio);
  void resolve(const WindowSource &audio);
  bool resolve_frame(const WindowSource &audio, Item &item, Id id);
  void accept(Item &item, Id id, const WindowRef &window);
  void end_run() { take_smoothed(smoother_.finish()); }
  void take_smoothed(const std::vector<GstW2lBox> &boxes);
  void expire(Time now);
  Time deadline(const Item &item) const;
  Decision submit();
  Decision push_head();
  Decision wait() const;
  int ready() const;
  void finish_batch(const std::vector<Id> &ids, State state);

  Settings settings_;
  BoxSmoother smoother_;
  std::deque<Item> items_;
  std::deque<Id> smoothing_;  // frames whose boxes are in the smoother, oldest first
  Id first_id_ = 0;           // of items_.front()
  Id undecided_ = 0;          // everything before it has been resolved
  Id forgotten_ = 0;          // everything before it was held before the last reset()
  int frames_ = 0;
  int in_flight_ = 0;
  bool has_audio_ = false;
  bool video_ended_ = false;
  bool audio_ended_ = false;
  Time newest_ = kNever;  // running time of the last frame added
  Time latency_ = kNever;
  Time reserve_ = 0;
};

}  // namespace w2l
