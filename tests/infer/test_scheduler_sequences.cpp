// gst-wav2lip: the Scheduler against a small model of what it should do, decision by decision, over
// every short sequence of events and many long random ones. The model knows no states: it works
// each answer out anew from all that has happened.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

#include "fake_speech.h"
#include "scheduler.h"

namespace w2l {
namespace {

using test::FakeSpeech;
using test::same_box;
using Kind = Scheduler::Decision::Kind;
using Outcome = Scheduler::Outcome;

// f face frame, n frame without face, b barrier, w audio advances by one window, A audio ends,
// V video ends, a the oldest batch is answered, g it is given up; in random sequences also
// d face frame with discont, r flush of the video.
constexpr const char *kEvents = "fnbwAVag";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kLength = 6;  // ten times slower there
#else
constexpr int kLength = 7;
#endif

struct Config {
  Scheduler::Settings settings;
  bool has_audio = true;
};

GstW2lBox box_of(std::int64_t frame) {
  const int n = static_cast<int>(frame);
  return {n * 7, n * n % 31, n * 7 + 100 + n % 3, 90 + n * 11 % 17};
}

// The reference's smoothing of one whole run, in place: boxes[i] = mean(boxes[i:i+5]), at the end
// mean(boxes[n-5:]), where Python counts a negative n - 5 from the end.
std::vector<GstW2lBox> smooth(std::vector<GstW2lBox> boxes) {
  const int n = static_cast<int>(boxes.size());
  for (int i = 0; i < n; ++i) {
    const int tail = n >= 5 ? n - 5 : std::max(0, 2 * n - 5);
    const int begin = i + 5 > n ? tail : i;
    const int end = i + 5 > n ? n : i + 5;
    GstW2lBox sum = {0, 0, 0, 0};
    for (int j = begin; j < end; ++j) {
      sum.x1 += boxes[j].x1;
      sum.y1 += boxes[j].y1;
      sum.x2 += boxes[j].x2;
      sum.y2 += boxes[j].y2;
    }
    const int count = end - begin;
    boxes[i] = {sum.x1 / count, sum.y1 / count, sum.x2 / count, sum.y2 / count};
  }
  return boxes;
}

class Model {
 public:
  enum class Fate { Waits, Passes, Speaks, IsCut };
  enum class Network { None, InFlight, Answered, GivenUp };
  struct Item {
    std::int64_t frame;  // -1: barrier
    bool face, discont;
    Network network;
  };

  explicit Model(const Config &config) : config_(config) {}

  void add(std::int64_t frame, bool face, bool discont) {
    items_.push_back({frame, face, discont, Network::None});
  }
  void flush() {
    head_ = items_.size();
    start_ = head_;
    in_flight_ = 0;
  }
  void finish_batch(const std::vector<Scheduler::Id> &ids, Network network) {
    in_flight_--;
    for (Scheduler::Id id : ids) items_[id].network = network;
  }

  int in_flight() const { return in_flight_; }
  bool empty() const { return head_ == items_.size(); }
  std::size_t pushed() const { return head_; }
  int frames() const {
    return static_cast<int>(std::count_if(items_.begin() + head_, items_.end(),
                                          [](const Item &item) { return item.frame >= 0; }));
  }
  Time oldest_unsubmitted(const FakeSpeech &speech) const;

  // The next decision, carried out.
  Scheduler::Decision next(const FakeSpeech &speech, bool video_ended);

 private:
  Fate fate(const Item &item, const FakeSpeech &speech) const;
  std::int64_t last_frame(const FakeSpeech &speech) const;
  bool is_ready(std::size_t index, const FakeSpeech &speech, bool video_ended,
                GstW2lBox *box) const;
  bool can_submit(std::size_t ready) const;
  Scheduler::Decision head(const FakeSpeech &speech);

  Config config_;
  std::vector<Item> items_;  // since the beginning
  std::size_t head_ = 0;     // the first one that is still held
  std::size_t start_ = 0;    // the first one since the last flush
  int in_flight_ = 0;
};

// The first frame whose window overflows; a flush may make another one the first. -1: none yet.
std::int64_t Model::last_frame(const FakeSpeech &speech) const {
  if (!speech.ended || speech.windows == 0) return -1;
  for (std::size_t i = start_; i < items_.size(); i++) {
    if (items_[i].frame >= speech.windows) return items_[i].frame;
  }
  return -1;
}

Model::Fate Model::fate(const Item &item, const FakeSpeech &speech) const {
  if (!config_.has_audio) return Fate::Passes;
  const Fate face = item.face ? Fate::Speaks : Fate::Passes;
  if (item.frame < speech.windows) return face;
  if (!speech.ended) return Fate::Waits;
  if (item.frame == last_frame(speech)) return face;
  return config_.settings.end_with_audio ? Fate::IsCut : Fate::Passes;
}

// A frame has its final box when its run has ended, or reaches four frames further.
bool Model::is_ready(std::size_t index, const FakeSpeech &speech, bool video_ended,
                     GstW2lBox *box) const {
  const Item &item = items_[index];
  if (item.frame < 0 || item.network != Network::None || fate(item, speech) != Fate::Speaks)
    return false;
  *box = box_of(item.frame);
  if (!config_.settings.reference_smoothing) return true;

  std::vector<GstW2lBox> run;
  std::size_t position = 0;
  bool ended = false, beyond = false;
  for (std::size_t i = start_; i < items_.size() && !ended; i++) {
    const Item &other = items_[i];
    if (other.frame < 0) continue;
    const Fate its = fate(other, speech);
    const bool breaks = its == Fate::Passes || its == Fate::IsCut || other.discont;
    beyond = its == Fate::Waits;
    if (beyond) break;
    if (breaks && i > index) ended = true;
    if (breaks && i <= index) run.clear();
    if (its != Fate::Speaks || ended) continue;
    if (i == index) position = run.size();
    run.push_back(box_of(other.frame));
    // Nothing after the reference's last frame belongs to its clip.
    ended = i >= index && other.frame == last_frame(speech);
  }
  ended = ended || (video_ended && !beyond);
  if (!ended && run.size() < position + 5) return false;
  *box = smooth(run)[position];
  return true;
}

bool Model::can_submit(std::size_t ready) const {
  if (ready == 0 || in_flight_ >= config_.settings.slots) return false;
  return in_flight_ == 0 || ready >= static_cast<std::size_t>(config_.settings.batch_size);
}

Scheduler::Decision Model::next(const FakeSpeech &speech, bool video_ended) {
  Scheduler::Decision decision;
  for (std::size_t i = head_; i < items_.size(); i++) {
    GstW2lBox box;
    if (!is_ready(i, speech, video_ended, &box)) continue;
    const std::int64_t last = std::max<std::int64_t>(speech.windows - 1, 0);
    decision.batch.push_back({i, {1, std::min(items_[i].frame, last)}, box});
  }
  if (!can_submit(decision.batch.size())) return head(speech);

  const auto limit = static_cast<std::size_t>(config_.settings.batch_size);
  if (decision.batch.size() > limit) decision.batch.resize(limit);
  decision.kind = Kind::Submit;
  for (const Scheduler::Candidate &candidate : decision.batch)
    items_[candidate.id].network = Network::InFlight;
  in_flight_++;
  return decision;
}

// What becomes of the oldest item, and of the stream when there is none.
Scheduler::Decision Model::head(const FakeSpeech &speech) {
  Scheduler::Decision decision;
  if (empty()) {
    const bool over = config_.has_audio && speech.ended && config_.settings.end_with_audio &&
                      std::any_of(items_.begin() + start_, items_.end(),
                                  [&](const Item &item) { return item.frame >= speech.windows; });
    if (over) decision.kind = Kind::EndOfStream;
    return decision;
  }
  const Item &item = items_[head_];
  const Fate its = item.frame < 0 ? Fate::Passes : fate(item, speech);
  if (its == Fate::IsCut) decision.kind = Kind::EndOfStream;
  const bool waits_for_answer =
      its == Fate::Speaks && item.network != Network::Answered && item.network != Network::GivenUp;
  if (its == Fate::IsCut || its == Fate::Waits || waits_for_answer) return decision;

  decision.kind = Kind::Push;
  decision.id = head_++;
  decision.outcome = item.frame < 0                      ? Outcome::Barrier
                     : item.network == Network::Answered ? Outcome::Patched
                                                         : Outcome::Passed;
  return decision;
}

Time Model::oldest_unsubmitted(const FakeSpeech &speech) const {
  Time newest = kNever;
  for (std::size_t i = start_; i < items_.size(); i++) {
    const Item &item = items_[i];
    if (item.frame < 0) continue;
    newest = item.frame;
    const Fate its = fate(item, speech);
    const bool open = its == Fate::Waits || (its == Fate::Speaks && item.network == Network::None);
    if (i >= head_ && open) return item.frame;
  }
  return newest;
}

std::string text(const Scheduler::Decision &decision) {
  static const char *const kinds[] = {"wait", "submit", "push", "end"};
  static const char *const outcomes[] = {" barrier ", " patched ", " passed ", " late "};
  std::string result = kinds[static_cast<int>(decision.kind)];
  if (decision.kind == Kind::Push)
    result += outcomes[static_cast<int>(decision.outcome)] + std::to_string(decision.id);
  for (const Scheduler::Candidate &candidate : decision.batch) {
    const GstW2lBox &box = candidate.box;
    result += " " + std::to_string(candidate.id) + "@" + std::to_string(candidate.window.start) +
              "[" + std::to_string(box.x1) + " " + std::to_string(box.y1) + " " +
              std::to_string(box.x2) + " " + std::to_string(box.y2) + "]";
  }
  return result;
}

bool same(const Scheduler::Decision &a, const Scheduler::Decision &b) {
  if (a.kind != b.kind || a.batch.size() != b.batch.size() || a.until != b.until) return false;
  if (a.kind == Kind::Push && (a.id != b.id || a.outcome != b.outcome)) return false;
  for (std::size_t i = 0; i < a.batch.size(); i++) {
    if (a.batch[i].id != b.batch[i].id || a.batch[i].window.start != b.batch[i].window.start ||
        !same_box(a.batch[i].box, b.batch[i].box))
      return false;
  }
  return true;
}

// A Scheduler and the model side by side.
class World {
 public:
  explicit World(const Config &config)
      : config_(config), scheduler_(config.settings), model_(config) {
    scheduler_.set_has_audio(config.has_audio);
  }

  bool allows(char event) const {
    switch (event) {
      case 'f':
      case 'n':
      case 'd':
        return !video_ended_;
      case 'w':
      case 'A':
        return !speech_.ended;
      case 'V':
        return !video_ended_;
      case 'a':
      case 'g':
        return !flights_.empty();
      default:
        return true;
    }
  }

  // Empty when the Scheduler did what the model says.
  std::string apply(char event) {
    happen(event);
    return drain();
  }

  // Both inputs end and every batch is answered: all that is held must leave.
  std::string finish() {
    for (char event : {'V', 'A'}) {
      if (!allows(event) || over_) continue;
      const std::string difference = apply(event);
      if (!difference.empty()) return difference;
    }
    while (!over_ && !flights_.empty()) {
      const std::string difference = apply('a');
      if (!difference.empty()) return difference;
    }
    if (over_ || (scheduler_.empty() && scheduler_.in_flight() == 0)) return "";
    return "stalled with " + std::to_string(scheduler_.frames()) + " frames held";
  }

  bool over() const { return over_; }

 private:
  void happen(char event) {
    const GstW2lBox box = box_of(frames_);
    switch (event) {
      case 'f':
      case 'd':
        scheduler_.add_frame(frames_, &box, event == 'd');
        model_.add(frames_++, true, event == 'd');
        break;
      case 'n':
        scheduler_.add_frame(frames_, nullptr, false);
        model_.add(frames_++, false, false);
        break;
      case 'b':
        scheduler_.add_barrier();
        model_.add(-1, false, false);
        break;
      case 'w':
        speech_.windows++;
        break;
      case 'A':
        speech_.ended = true;
        break;
      case 'V':
        video_ended_ = true;
        scheduler_.set_video_ended(true);
        break;
      case 'a':
        scheduler_.answered(flights_.front());
        model_.finish_batch(flights_.front(), Model::Network::Answered);
        flights_.pop_front();
        break;
      case 'g':
        scheduler_.gave_up(flights_.front());
        model_.finish_batch(flights_.front(), Model::Network::GivenUp);
        flights_.pop_front();
        break;
      case 'r':
        scheduler_.reset();
        model_.flush();
        // Answers of old tickets may still come.
        for (const auto &ids : flights_) scheduler_.answered(ids);
        flights_.clear();
        video_ended_ = false;
        break;
    }
  }

  std::string drain() {
    for (;;) {
      const Scheduler::Decision got = scheduler_.next(speech_);
      const Scheduler::Decision expected = model_.next(speech_, video_ended_);
      if (!same(got, expected)) return "got " + text(got) + ", expected " + text(expected);
      if (scheduler_.in_flight() != model_.in_flight()) return "in_flight() is wrong";
      if (scheduler_.frames() != model_.frames()) return "frames() is wrong";
      if (scheduler_.empty() != model_.empty()) return "empty() is wrong";
      if (scheduler_.oldest_unsubmitted() != model_.oldest_unsubmitted(speech_))
        return "oldest_unsubmitted() is wrong";
      if (got.kind == Kind::Wait) return "";
      if (got.kind == Kind::EndOfStream) {
        over_ = true;
        return "";
      }
      if (got.kind == Kind::Submit) {
        flights_.emplace_back();
        for (const Scheduler::Candidate &candidate : got.batch)
          flights_.back().push_back(candidate.id);
      }
    }
  }

  Config config_;
  Scheduler scheduler_;
  Model model_;
  FakeSpeech speech_;
  std::deque<std::vector<Scheduler::Id>> flights_;
  std::int64_t frames_ = 0;
  bool video_ended_ = false;
  bool over_ = false;
};

// Returns how many sequences were tried; stops at the first difference, which lands in `failure`.
long explore(const World &world, int events_left, std::string &trail, std::string &failure) {
  World last = world;
  failure = last.finish();
  if (!failure.empty()) {
    failure = "after " + trail + ", all ended and answered: " + failure;
    return 1;
  }
  long tried = 1;
  for (const char *event = kEvents; *event && events_left > 0; ++event) {
    if (!world.allows(*event)) continue;
    World next = world;
    trail.push_back(*event);
    failure = next.apply(*event);
    if (!failure.empty()) {
      failure = "after " + trail + ": " + failure;
      return tried;
    }
    if (!next.over()) tried += explore(next, events_left - 1, trail, failure);
    if (!failure.empty()) return tried;
    trail.pop_back();
  }
  return tried;
}

std::vector<Config> all_configs() {
  std::vector<Config> configs;
  for (int batch_size : {1, 2, 3}) {
    for (int flags = 0; flags < 16; flags++) {
      Config config;
      config.settings.batch_size = batch_size;
      config.settings.slots = flags & 1 ? 2 : 1;
      config.settings.reference_smoothing = flags & 2;
      config.settings.end_with_audio = flags & 4;
      config.has_audio = !(flags & 8);
      configs.push_back(config);
    }
  }
  return configs;
}

std::string name(const Config &config) {
  return "batch " + std::to_string(config.settings.batch_size) + ", slots " +
         std::to_string(config.settings.slots) +
         (config.settings.reference_smoothing ? ", smoothing" : "") +
         (config.settings.end_with_audio ? ", end" : ", pass") +
         (config.has_audio ? "" : ", no audio pad");
}

TEST(SchedulerSequences, EveryShortOneGoesAsTheModelSays) {
  long tried = 0;
  for (const Config &config : all_configs()) {
    std::string trail, failure;
    tried += explore(World(config), config.has_audio ? kLength : 5, trail, failure);
    ASSERT_EQ(failure, "") << name(config);
  }
  RecordProperty("sequences", std::to_string(tried));
  EXPECT_GT(tried, 300000) << "the enumeration has shrunk";
}

TEST(SchedulerSequences, LongRandomOnesGoAsTheModelSays) {
  std::mt19937 random(20240511);
  // Weights: faces, windows and answers come often enough that runs grow and batches fill.
  const std::string events =
      std::string(14, 'f') + std::string(14, 'w') + std::string(10, 'a') + "nnbbdgVAr";
  const std::vector<Config> configs = all_configs();
  for (int sequence = 0; sequence < 20000; sequence++) {
    const Config &config = configs[static_cast<std::size_t>(sequence) % configs.size()];
    World world(config);
    std::string trail;
    for (int step = 0; step < 60 && !world.over(); step++) {
      const char event = events[random() % events.size()];
      // The ends come late, so that there is something to end.
      if (!world.allows(event) || ((event == 'V' || event == 'A') && step < 30)) continue;
      trail.push_back(event);
      ASSERT_EQ(world.apply(event), "") << name(config) << " after " << trail;
    }
    if (!world.over()) {
      ASSERT_EQ(world.finish(), "") << name(config) << " after " << trail;
    }
  }
}

}  // namespace
}  // namespace w2l
