// gst-wav2lip: see scheduler.h. A frame goes Undecided -> [Smoothing] -> Ready -> InFlight ->
// Answered, or ends early as Passed, Late or Cut (behind the reference's end).
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scheduler.h"

#include <algorithm>

namespace w2l {

Scheduler::Scheduler() = default;

Scheduler::Scheduler(const Settings &settings) : settings_(settings) {}

Scheduler::Id Scheduler::add_frame(Time running_time, const GstW2lBox *face, bool discont) {
  Item item{};
  item.state = State::Undecided;
  item.time = running_time;
  item.has_face = face != nullptr;
  item.discont = discont;
  if (face) item.box = *face;
  if (running_time != kNoTime) newest_ = running_time;
  items_.push_back(item);
  frames_++;
  return first_id_ + items_.size() - 1;
}

Scheduler::Id Scheduler::add_barrier() {
  Item item{};
  item.state = State::Barrier;
  item.time = kNoTime;
  items_.push_back(item);
  return first_id_ + items_.size() - 1;
}

void Scheduler::set_video_ended(bool ended) {
  video_ended_ = ended;
}

void Scheduler::set_audio_restarted() {
  audio_ended_ = false;
  for (Id id = first_id_ + items_.size(); id-- > first_id_;) {
    Item &item = *find(id);
    if (item.state != State::Cut) continue;
    item.state = State::Undecided;
    undecided_ = std::min(undecided_, id);
  }
}

void Scheduler::set_has_audio(bool has_audio) {
  has_audio_ = has_audio;
  set_audio_restarted();
}

void Scheduler::set_live(Time latency) {
  latency_ = latency;
}

// Up at once, down slowly: when the network has more to do than it can, frames that would be late
// anyway must not take its time from the others.
void Scheduler::measured(Time took) {
  reserve_ = std::max(took, reserve_ - (reserve_ - took) / 8);
}

Scheduler::Decision Scheduler::next(const WindowSource &audio, Time now) {
  revoke_lost_windows(audio);
  resolve(audio);
  expire(now);

  // The network first: a push may block for long, and the network should not idle meanwhile.
  // A part of a batch starts only on an idle engine: a full one is always cheaper per frame, and
  // an engine with work in hand loses nothing by letting the next batch grow.
  int waiting = ready();
  if (in_flight_ < settings_.slots &&
      (waiting >= settings_.batch_size || (waiting > 0 && in_flight_ == 0)))
    return submit();

  if (items_.empty()) {
    Decision decision;
    if (audio_ended_ && settings_.end_with_audio) decision.kind = Decision::Kind::EndOfStream;
    return decision;
  }
  return push_head();
}

Scheduler::Decision Scheduler::push_head() {
  Decision decision;
  decision.kind = Decision::Kind::Push;
  decision.id = first_id_;
  switch (items_.front().state) {
    case State::Barrier:
      decision.outcome = Outcome::Barrier;
      break;
    case State::Answered:
      decision.outcome = Outcome::Patched;
      break;
    case State::Passed:
      decision.outcome = Outcome::Passed;
      break;
    case State::Late:
      decision.outcome = Outcome::Late;
      break;
    case State::Cut:
      decision.kind = Decision::Kind::EndOfStream;
      return decision;
    default:
      return wait();
  }
  // Late, and its face is not in the run: what follows is not its neighbour.
  if (undecided_ == first_id_) end_run();
  if (items_.front().state != State::Barrier) frames_--;
  items_.pop_front();
  first_id_++;
  undecided_ = std::max(undecided_, first_id_);
  return decision;
}

Scheduler::Decision Scheduler::wait() const {
  Decision decision;
  if (latency_ == kNever) return decision;
  for (const Item &item : items_) {
    if (is_open(item)) decision.until = std::min(decision.until, deadline(item));
  }
  return decision;
}

// A patched frame may still become of it.
bool Scheduler::is_open(const Item &item) {
  return item.state == State::Undecided || item.state == State::Smoothing ||
         item.state == State::Ready || item.state == State::InFlight;
}

// With the network: until the frame must leave. Before it: as long as an answer can still come.
Time Scheduler::deadline(const Item &item) const {
  if (item.time == kNoTime) return kNever;
  return item.time + latency_ - (item.state == State::InFlight ? 0 : reserve_);
}

void Scheduler::expire(Time now) {
  if (latency_ == kNever || now == kNoTime) return;
  for (Item &item : items_) {
    if (!is_open(item) || deadline(item) > now) continue;
    // Given up untried, it measures nothing: expect a little less, or no frame might ever be tried
    // again.
    if (item.state != State::InFlight) reserve_ -= reserve_ / 32;
    item.state = State::Late;
  }
}

int Scheduler::ready() const {
  int count = 0;
  for (const Item &item : items_) {
    if (item.state == State::Ready) count++;
  }
  return count;
}

Scheduler::Decision Scheduler::submit() {
  Decision decision;
  decision.kind = Decision::Kind::Submit;
  Id id = first_id_;
  for (Item &item : items_) {
    if (item.state == State::Ready) {
      item.state = State::InFlight;
      decision.batch.push_back({id, item.window, item.box});
      if (static_cast<int>(decision.batch.size()) == settings_.batch_size) break;
    }
    id++;
  }
  in_flight_++;
  return decision;
}

// Frames whose window was flushed away ask again. Their boxes are not smoothed again.
void Scheduler::revoke_lost_windows(const WindowSource &audio) {
  auto lost = [&](const Item &item) {
    return (item.state == State::Smoothing || item.state == State::Ready) &&
           !audio.holds(item.window);
  };
  if (std::none_of(items_.begin(), items_.end(), lost)) return;
  end_run();
  Id id = first_id_;
  for (Item &item : items_) {
    if (lost(item)) {
      item.state = State::Undecided;
      undecided_ = std::min(undecided_, id);
    }
    id++;
  }
}

void Scheduler::resolve(const WindowSource &audio) {
  for (; undecided_ < first_id_ + items_.size(); undecided_++) {
    Item &item = items_[undecided_ - first_id_];
    if (item.state != State::Undecided && item.state != State::Late) continue;
    if (!resolve_frame(audio, item, undecided_)) return;
  }
  if (video_ended_) end_run();
}

// False when the frame has to wait for more audio, and so everything behind it.
bool Scheduler::resolve_frame(const WindowSource &audio, Item &item, Id id) {
  auto pass = [&] {
    end_run();
    if (item.state == State::Undecided) item.state = State::Passed;
    return true;
  };

  if (audio_ended_ && settings_.end_with_audio) {
    item.state = State::Cut;
    return true;
  }
  if (audio_ended_ || !has_audio_ || item.time == kNoTime) return pass();

  WindowLookup found = audio.lookup(item.time);
  switch (found.kind) {
    case WindowLookup::Kind::NotYet:
      return false;
    case WindowLookup::Kind::NoAudio:
      return pass();
    case WindowLookup::Kind::Ended:
      audio_ended_ = true;
      end_run();
      item.state = settings_.end_with_audio ? State::Cut : State::Passed;
      return true;
    case WindowLookup::Kind::Complete:
    case WindowLookup::Kind::Last:
      if (item.has_face)
        accept(item, id, found.window);
      else
        pass();
      if (found.kind == WindowLookup::Kind::Last) {
        audio_ended_ = true;
        end_run();
      }
      return true;
  }
  return pass();
}

void Scheduler::accept(Item &item, Id id, const WindowRef &window) {
  item.window = window;
  if (!settings_.reference_smoothing || item.smoothed) {
    if (item.state == State::Undecided) item.state = State::Ready;
    return;
  }
  if (item.discont) end_run();
  if (item.state == State::Undecided) item.state = State::Smoothing;
  smoothing_.push_back(id);
  take_smoothed(smoother_.push(item.box));
}

void Scheduler::take_smoothed(const std::vector<GstW2lBox> &boxes) {
  for (const GstW2lBox &box : boxes) {
    Item *item = find(smoothing_.front());
    smoothing_.pop_front();
    // A late frame may have left while its neighbours still needed its box.
    if (!item || item->state != State::Smoothing) continue;
    item->box = box;
    item->smoothed = true;
    item->state = State::Ready;
  }
}

Scheduler::Item *Scheduler::find(Id id) {
  if (id < first_id_ || id >= first_id_ + items_.size()) return nullptr;
  return &items_[id - first_id_];
}

void Scheduler::finish_batch(const std::vector<Id> &ids, State state) {
  if (ids.empty() || ids.front() < forgotten_) return;
  in_flight_ = std::max(0, in_flight_ - 1);
  for (Id id : ids) {
    Item *item = find(id);
    if (item && item->state == State::InFlight) item->state = state;
  }
}

void Scheduler::answered(const std::vector<Id> &ids) {
  finish_batch(ids, State::Answered);
}

void Scheduler::gave_up(const std::vector<Id> &ids) {
  finish_batch(ids, State::Passed);
}

void Scheduler::reset() {
  first_id_ += items_.size();
  undecided_ = forgotten_ = first_id_;
  newest_ = kNever;
  items_.clear();
  smoothing_.clear();
  smoother_.reset();
  frames_ = 0;
  in_flight_ = 0;
  video_ended_ = false;
  audio_ended_ = false;
}

int Scheduler::capacity() const {
  return 2 * settings_.batch_size + (settings_.reference_smoothing ? BoxSmoother::kLookAhead : 0);
}

Time Scheduler::oldest_unsubmitted() const {
  Time oldest = kNever;
  for (const Item &item : items_) {
    if (is_open(item) && item.state != State::InFlight && item.time != kNoTime)
      oldest = std::min(oldest, item.time);
  }
  return oldest == kNever ? newest_ : oldest;
}

}  // namespace w2l
