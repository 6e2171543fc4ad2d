// gst-wav2lip: the Scheduler with a clock: nothing leaves later than its deadline.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "scheduler.h"
#include "scheduler_scene.h"

namespace w2l {
namespace {

using namespace test;
using Kind = Scheduler::Decision::Kind;
using Outcome = Scheduler::Outcome;

// Live: latency 300; answers take 100.

struct Live : Scene {
  explicit Live(const Scheduler::Settings &settings, std::int64_t windows = 5000)
      : Scene(settings, windows) {
    scheduler.set_live(300);
    scheduler.measured(100);
  }
};

TEST(SchedulerLive, AFrameWhoseAudioIsLateLeavesWhenNoAnswerCanCome) {
  Live scene(settings(8), 0);
  scene.face(1000);
  EXPECT_EQ(scene.drain(1100), "wait 1200");
  EXPECT_EQ(scene.drain(1199), "wait 1200");
  EXPECT_EQ(scene.drain(1200), "late 0; wait");
}

TEST(SchedulerLive, AFrameInFlightHasUntilItsDeadline) {
  Live scene(settings(8));
  scene.face(1000);
  EXPECT_EQ(scene.drain(1199), "submit 0@1000; wait 1300");
  EXPECT_EQ(scene.drain(1299), "wait 1300");
  EXPECT_EQ(scene.drain(1300), "late 0; wait");
  EXPECT_EQ(scene.scheduler.in_flight(), 1) << "the network still works on it";
  scene.face(1040);
  EXPECT_EQ(scene.drain(1300), "late 1; wait");
  scene.scheduler.answered({0});
  EXPECT_EQ(scene.scheduler.in_flight(), 0);
  EXPECT_EQ(scene.drain(1301), "wait") << "the answer came too late";
}

TEST(SchedulerLive, AnAnswerInTimeIsUsed) {
  Live scene(settings(8));
  scene.face(1000);
  scene.drain(1100);
  scene.scheduler.answered({0});
  EXPECT_EQ(scene.drain(1300), "patched 0; wait") << "answered is answered, at the last moment too";
}

TEST(SchedulerLive, AReadyFrameTooLateForTheNetworkIsNotSubmitted) {
  Live scene(settings(1, 1));
  scene.face(1000);
  scene.face(1010);
  EXPECT_EQ(scene.drain(1100), "submit 0@1000; wait 1210");
  EXPECT_EQ(scene.drain(1210), "wait 1300") << "late, but it leaves in its turn";
  scene.scheduler.answered({0});
  EXPECT_EQ(scene.drain(1211), "patched 0; late 1; wait");
}

TEST(SchedulerLive, WaitsForTheEarliestDeadline) {
  Live scene(settings(1, 1), 1001);
  scene.face(1000);
  scene.face(1010);
  EXPECT_EQ(scene.drain(1000), "submit 0@1000; wait 1210") << "1010 + 300 - 100 before 1000 + 300";
  scene.face(kNoTime);
  scene.scheduler.add_barrier();
  EXPECT_EQ(scene.drain(1000), "wait 1210") << "without a time there is no deadline";
}

// So the element need not ask again for such a frame.
TEST(SchedulerLive, AFrameBehindOneThatWaitsForAudioChangesNothing) {
  Scene scene(settings(4), 0);
  scene.scheduler.set_live(100);
  EXPECT_FALSE(scene.scheduler.waits_for_audio());
  scene.face(0);
  EXPECT_TRUE(scene.scheduler.waits_for_audio());
  EXPECT_EQ(scene.next(0), "wait 100");
  for (Time time = 1; time < 5; ++time) {
    EXPECT_TRUE(scene.scheduler.waits_for_audio());
    scene.face(time);
    EXPECT_EQ(scene.next(0), "wait 100");
  }
  scene.speech.windows = 4;
  EXPECT_EQ(scene.next(0), "submit 0@0 1@1 2@2 3@3");
  EXPECT_TRUE(scene.scheduler.waits_for_audio());
  scene.speech.windows = 5;
  EXPECT_EQ(scene.next(0), "wait 100");
  EXPECT_FALSE(scene.scheduler.waits_for_audio());
}

TEST(SchedulerLive, NothingWaitsForAudioThatWillNotCome) {
  Scene scene(settings(4), 0);
  scene.face(0);
  EXPECT_TRUE(scene.scheduler.waits_for_audio());
  scene.scheduler.set_has_audio(false);
  EXPECT_FALSE(scene.scheduler.waits_for_audio());
  scene.scheduler.set_has_audio(true);
  scene.speech.ended = true;
  EXPECT_EQ(scene.next(), "passed 0");
  scene.face(1);
  EXPECT_FALSE(scene.scheduler.waits_for_audio());
}

TEST(SchedulerLive, WithoutAClockNothingIsLate) {
  Live scene(settings(8), 0);
  scene.face(1000);
  EXPECT_EQ(scene.drain(kNoTime), "wait 1200");
  scene.scheduler.set_live(kNever);
  EXPECT_EQ(scene.drain(99999), "wait");
}

TEST(SchedulerLive, AFrameThatIsLateStaysLate) {
  Live answered(settings(2));
  answered.face(1010);
  answered.face(1000);
  EXPECT_EQ(answered.drain(1100), "submit 0@1010 1@1000; wait 1300");
  EXPECT_EQ(answered.drain(1300), "wait 1310");
  answered.scheduler.answered({0, 1});
  EXPECT_EQ(answered.drain(1305), "patched 0; late 1; wait");

  Live smoothed(smoothing());
  for (int i = 0; i < 5; ++i) smoothed.face(1000 + i);
  EXPECT_EQ(smoothed.drain(1100), "submit 0@1000; wait 1201");
  EXPECT_EQ(smoothed.drain(1201), "wait 1205") << "frame 1 is late, behind the one in flight";
  smoothed.face(1005);  // its box would be final now
  EXPECT_EQ(smoothed.drain(), "wait 1205");
}

TEST(SchedulerLive, ALateFrameStillSmoothesItsNeighbours) {
  Live scene(smoothing());
  scene.show_boxes = true;
  scene.face(1000, 0);
  EXPECT_EQ(scene.drain(1200), "late 0; wait") << "it has left the queue, not the smoother";
  for (int i = 1; i <= 5; ++i) scene.face(1200 + i, i * 10);
  EXPECT_EQ(scene.drain(1210), "submit 1@1201[30]; wait 1405") << "and keeps its place there";
}

TEST(SchedulerLive, AFrameThatLeavesUnseenEndsTheRun) {
  Live scene(smoothing(), 1001);
  scene.show_boxes = true;
  scene.face(1000, 10);
  scene.face(1001, 500, /* discont */ true);  // its audio does not come in time
  EXPECT_EQ(scene.drain(1150), "wait 1200");
  EXPECT_EQ(scene.drain(1200), "late 0; wait 1204");
  EXPECT_EQ(scene.drain(1204), "late 1; wait");
  scene.speech.windows = 5000;
  scene.face(1100, 70);
  scene.no_face(1101);
  EXPECT_EQ(scene.drain(1204), "submit 2@1100[70]; wait 1400") << "no mean with frame 0";
}

TEST(SchedulerLive, BeforeTheFirstAnswerEveryFrameIsTried) {
  Scene scene(settings(1), 0);
  scene.scheduler.set_live(300);
  scene.face(1000);
  EXPECT_EQ(scene.drain(1200), "wait 1300");
  scene.speech.windows = 5000;
  EXPECT_EQ(scene.drain(1299), "submit 0@1000; wait 1300");
}

TEST(SchedulerLive, TheReserveFollowsTheAnswers) {
  Scheduler scheduler;
  EXPECT_EQ(scheduler.reserve(), 0);
  scheduler.measured(800);
  EXPECT_EQ(scheduler.reserve(), 800) << "up at once";
  scheduler.measured(80);
  EXPECT_EQ(scheduler.reserve(), 710) << "an eighth of the way down";
  scheduler.measured(1000);
  EXPECT_EQ(scheduler.reserve(), 1000);
}

TEST(SchedulerLive, FramesGivenUpUntriedLowerTheReserve) {
  Live scene(settings(8), 0);
  scene.scheduler.measured(320);  // more than the latency: every frame is given up at once
  scene.face(1000);
  EXPECT_EQ(scene.drain(1000), "late 0; wait");
  EXPECT_EQ(scene.scheduler.reserve(), 310);
  scene.face(1040);
  EXPECT_EQ(scene.drain(1040), "late 1; wait");
  EXPECT_EQ(scene.scheduler.reserve(), 301);
  scene.face(1080);
  EXPECT_EQ(scene.drain(1080), "late 2; wait");
  scene.speech.windows = 5000;
  scene.face(1120);
  EXPECT_EQ(scene.drain(1120), "submit 3@1120; wait 1420") << "one is tried again";
  EXPECT_EQ(scene.drain(1420), "late 3; wait");
  EXPECT_EQ(scene.scheduler.reserve(), 292) << "that one was tried";
}

// A live source at 25 frames a second: frames come in time, windows and answers when chance wants.
class LiveWorld {
 public:
  static constexpr Time kLatency = 300, kAnswerTime = 100, kFrame = 40;

  LiveWorld(const Scheduler::Settings &settings, unsigned seed)
      : scheduler_(settings), random_(seed) {
    scheduler_.set_has_audio(true);
    scheduler_.set_live(kLatency);
  }

  void step() {
    scheduler_.measured(kAnswerTime);
    switch (random_() % 4) {
      case 0:
        add_frame();
        break;
      case 1:
        speech_.windows = std::min(speech_.windows + 30 + Time(random_() % 30), now_);
        break;
      case 2:
        answer();
        break;
      case 3:
        now_ += random_() % 50;
        break;
    }
    drain();
  }

  // No answer and no sound comes any more: the clock alone lets everything out, without
  // oversleeping.
  void run_dry() {
    while (!scheduler_.empty()) {
      ASSERT_NE(until_, kNever) << "nobody would wake up for " << scheduler_.frames() << " frames";
      ASSERT_GT(until_, now_);
      now_ = until_;
      drain();
    }
    EXPECT_EQ(pushed_, added_);
  }

  std::map<Outcome, int> outcomes;

 private:
  struct Frame {
    Time time;
    bool face, in_flight, answered;
  };

  void add_frame() {
    const Time time = kFrame * Time(frames_.size());
    if (time > now_) now_ = time;  // no camera is ahead of its clock
    const GstW2lBox box = box_at(int(time));
    const bool face = random_() % 8 != 0;
    scheduler_.add_frame(time, face ? &box : nullptr, false);
    frames_.push_back({time, face, false, false});
    added_++;
  }

  void answer() {
    if (flights_.empty()) return;
    for (Scheduler::Id id : flights_.front()) frames_[id].answered = true;
    scheduler_.answered(flights_.front());
    flights_.pop_front();
  }

  static Time deadline(const Frame &frame, Time reserve) {
    return frame.time + kLatency - (frame.in_flight ? 0 : reserve);
  }
  Time deadline(const Frame &frame) const { return deadline(frame, scheduler_.reserve()); }

  void drain() {
    for (;;) {
      const Scheduler::Decision decision = scheduler_.next(speech_, now_);
      if (decision.kind == Kind::Submit) {
        submitted(decision);
      } else if (decision.kind == Kind::Push) {
        pushed(decision);
      } else {
        until_ = decision.until;
        return check_wait();
      }
    }
  }

  void submitted(const Scheduler::Decision &decision) {
    flights_.emplace_back();
    for (const Scheduler::Candidate &candidate : decision.batch) {
      EXPECT_GE(candidate.id, pushed_) << "it has left";
      EXPECT_FALSE(frames_[candidate.id].in_flight) << "twice";
      EXPECT_GT(deadline(frames_[candidate.id]), now_) << "too late to be worth it";
      frames_[candidate.id].in_flight = true;
      flights_.back().push_back(candidate.id);
    }
  }

  void pushed(const Scheduler::Decision &decision) {
    ASSERT_EQ(decision.id, pushed_) << "frames leave in their order";
    const Frame &frame = frames_[pushed_++];
    outcomes[decision.outcome]++;
    if (decision.outcome == Outcome::Patched) {
      EXPECT_TRUE(frame.in_flight && frame.answered);
    }
    if (decision.outcome == Outcome::Passed) {
      EXPECT_FALSE(frame.face);
    }
    if (decision.outcome == Outcome::Late) {
      EXPECT_LE(deadline(frame, kAnswerTime), now_) << "it was not";
    }
  }

  // Everything that waits may wait: no deadline has passed unless an older frame is waited for,
  // and the next one that passes wakes the task up.
  void check_wait() {
    if (pushed_ == added_) return;
    const Frame &head = frames_[pushed_];
    EXPECT_FALSE(head.answered && deadline(head) > now_) << "an answered frame is held";
    EXPECT_GT(deadline(head), now_) << "frame " << pushed_ << " should have left";
    EXPECT_LE(until_, deadline(head));
  }

  Scheduler scheduler_;
  FakeSpeech speech_;
  std::mt19937 random_;
  std::vector<Frame> frames_;
  std::deque<std::vector<Scheduler::Id>> flights_;
  Time now_ = 0, until_ = kNever;
  std::size_t added_ = 0, pushed_ = 0;
};

TEST(SchedulerLive, NoFrameIsHeldPastItsDeadlineWhateverComesLate) {
  std::map<Outcome, int> outcomes;
  for (unsigned seed = 0; seed < 2000; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scheduler::Settings options = settings(1 + int(seed % 3), 1 + int(seed / 3 % 2));
    options.reference_smoothing = seed % 5 == 0;
    LiveWorld world(options, seed);
    for (int i = 0; i < 200; i++) world.step();
    world.run_dry();
    if (HasFailure()) return;
    for (const auto &[outcome, count] : world.outcomes) outcomes[outcome] += count;
  }
  for (Outcome outcome : {Outcome::Patched, Outcome::Passed, Outcome::Late})
    EXPECT_GT(outcomes[outcome], 1000) << "chance has left out a case";
}

}  // namespace
}  // namespace w2l
