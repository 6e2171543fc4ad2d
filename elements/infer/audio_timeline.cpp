// gst-wav2lip: see audio_timeline.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_timeline.h"

#include <algorithm>
#include <cstdlib>

#include "error.h"

namespace w2l {
namespace {

constexpr Time kSecond = 1'000'000'000;

Time duration_of(std::int64_t samples) {
  return samples / mel::kSampleRate * kSecond +
         samples % mel::kSampleRate * kSecond / mel::kSampleRate;
}

}  // namespace

Time AudioTimeline::end_of(const Recording &recording) {
  return recording.anchor + duration_of(recording.mel.samples());
}

Time AudioTimeline::end() const {
  return recordings_.empty() ? kNoTime : end_of(*recordings_.back());
}

AudioTimeline::Recording &AudioTimeline::start_recording(Time anchor) {
  if (!recordings_.empty() && !recordings_.back()->mel.finished()) recordings_.back()->mel.finish();
  auto recording = std::make_unique<Recording>();
  recording->id = next_id_++;
  recording->anchor = anchor;
  recordings_.push_back(std::move(recording));
  return *recordings_.back();
}

void AudioTimeline::follow(Recording &recording, Time running_time) {
  Time error = running_time - end_of(recording);
  if (std::llabs(error) <= kJitter) return;
  recording.anchor += std::clamp(error, -kMaxSlew, kMaxSlew);
}

void AudioTimeline::push(Time running_time, const float *samples, std::size_t count, bool discont) {
  part_finished_ = false;
  Recording *recording = recordings_.empty() ? nullptr : recordings_.back().get();
  Time at = running_time != kNoTime ? running_time : recording ? end_of(*recording) : 0;

  if (!recording || discont || recording->mel.finished() ||
      std::llabs(at - end_of(*recording)) > kMaxJump)
    recording = &start_recording(at);
  else
    follow(*recording, at);
  recording->mel.push(samples, count);
}

void AudioTimeline::finish() {
  if (!recordings_.empty() && !recordings_.back()->mel.finished()) recordings_.back()->mel.finish();
  finished_ = true;
}

void AudioTimeline::finish_part() {
  if (!recordings_.empty() && !recordings_.back()->mel.finished()) recordings_.back()->mel.finish();
  part_finished_ = true;
}

void AudioTimeline::reset() {
  recordings_.clear();
  part_finished_ = false;
  finished_ = false;
}

WindowLookup AudioTimeline::lookup(Time running_time) const {
  WindowLookup result;
  if (recordings_.empty()) {
    if (finished_)
      result.kind = WindowLookup::Kind::Ended;
    else if (part_finished_)
      result.kind = WindowLookup::Kind::NoAudio;
    return result;
  }
  Time time = running_time + offset_;
  // The newest recording that has started by then; frames before the first look at the first.
  std::size_t index = recordings_.size() - 1;
  while (index > 0 && recordings_[index]->anchor > time + 1000) index--;
  return lookup_in(*recordings_[index], index + 1 == recordings_.size(), time);
}

WindowLookup AudioTimeline::lookup_in(const Recording &recording, bool newest, Time time) const {
  using Kind = WindowLookup::Kind;
  WindowLookup result;
  std::int64_t start = window_start(time - recording.anchor);
  std::int64_t total = recording.mel.columns();
  result.window = {recording.id, start};

  // Before the first sound, or (time went backwards) before what is still held.
  if (start <= -mel::kWindowColumns || !holds_from(recording, start)) {
    result.kind = Kind::NoAudio;
  } else if (start + mel::kWindowColumns <= total) {
    result.kind = Kind::Complete;
  } else if (!recording.mel.finished()) {
    result.kind = Kind::NotYet;
  } else if (total == 0) {
    result.kind = !newest || (part_finished_ && !finished_) ? Kind::NoAudio
                  : finished_                               ? Kind::Ended
                                                            : Kind::NotYet;
  } else if (start < 0) {
    // Shorter than a window: silence on both sides.
    result.kind = Kind::Complete;
  } else if (!newest || (part_finished_ && !finished_)) {
    // Behind a recording that others follow: the first frames there still see its last sound.
    result.window.start = choose_window(start, total).start;
    result.kind = start < total ? Kind::Complete : Kind::NoAudio;
  } else if (finished_) {
    WindowChoice choice = choose_window(start, total);
    result.window.start = choice.start;
    result.kind = choice.last ? Kind::Last : Kind::Complete;
  }
  return result;
}

const AudioTimeline::Recording *AudioTimeline::find(std::uint64_t id) const {
  for (const auto &recording : recordings_) {
    if (recording->id == id) return recording.get();
  }
  return nullptr;
}

// Columns before 0 are silence and need not be held.
bool AudioTimeline::holds_from(const Recording &recording, std::int64_t start) {
  return std::max<std::int64_t>(start, 0) >= recording.mel.first_column();
}

bool AudioTimeline::holds(const WindowRef &window) const {
  const Recording *recording = find(window.recording);
  return recording && holds_from(*recording, window.start);
}

void AudioTimeline::read(const WindowRef &window, float *out) const {
  const Recording *recording = find(window.recording);
  if (!recording)
    throw Error(ErrorCode::Failed, "a mel window was asked for after it had been given up");
  const MelFrontend &frontend = recording->mel;
  if (window.start >= 0) {
    frontend.window(window.start, out);
    return;
  }
  // The frame comes shortly before the first sound: silence leads in.
  for (int i = 0; i < mel::kWindowColumns; i++) {
    std::int64_t column = window.start + i;
    bool sound = column >= 0 && column < frontend.columns();
    const float *bands = sound ? frontend.column(column) : nullptr;
    for (int band = 0; band < mel::kBands; band++)
      out[band * mel::kWindowColumns + i] = bands ? bands[band] : mel::kSilence;
  }
}

void AudioTimeline::discard_before(Time running_time) {
  if (running_time == kNever || running_time == kNoTime) return;
  Time time = running_time + offset_;
  while (recordings_.size() > 1 && recordings_[1]->anchor <= time) recordings_.pop_front();
  if (recordings_.empty()) return;
  MelFrontend &frontend = recordings_.front()->mel;
  // The clamped last window reaches back 16 columns from the end.
  std::int64_t keep = std::min(window_start(time - kHeld - recordings_.front()->anchor),
                               frontend.columns() - mel::kWindowColumns);
  if (keep > frontend.first_column()) frontend.discard_before(keep);
}

}  // namespace w2l
