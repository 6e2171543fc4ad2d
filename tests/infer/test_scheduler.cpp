// gst-wav2lip: the Scheduler's rules one by one. All their combinations: see
// test_scheduler_sequences.cpp. Times are small numbers: frame n sounds at n.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scheduler.h"

#include <gtest/gtest.h>

#include <string>

#include "fake_speech.h"

namespace w2l {
namespace {

using test::FakeSpeech;
using Ids = std::vector<Scheduler::Id>;

Scheduler::Settings settings(int batch_size, int slots = 2) {
  Scheduler::Settings result;
  result.batch_size = batch_size;
  result.slots = slots;
  return result;
}

Scheduler::Settings ending_with_audio(int batch_size = 1) {
  Scheduler::Settings result = settings(batch_size);
  result.end_with_audio = true;
  return result;
}

Scheduler::Settings smoothing(int batch_size = 1) {
  Scheduler::Settings result = settings(batch_size);
  result.reference_smoothing = true;
  return result;
}

GstW2lBox box_at(int x) {
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

// What is submitted, and when

TEST(Scheduler, SubmitsAFrameWhenItsWindowIsComplete) {
  Scene scene(settings(8), 0);
  scene.show_boxes = true;
  scene.face(0, 42);
  EXPECT_EQ(scene.drain(), "wait");
  scene.speech.windows = 1;
  EXPECT_EQ(scene.drain(), "submit 0@0[42]; wait");
  EXPECT_EQ(scene.scheduler.in_flight(), 1);
  scene.scheduler.answered({0});
  EXPECT_EQ(scene.drain(), "patched 0; wait");
  EXPECT_EQ(scene.scheduler.in_flight(), 0);
  EXPECT_TRUE(scene.scheduler.empty());
}

TEST(Scheduler, StartsAPartOfABatchOnAnIdleEngineOnly) {
  Scene scene(settings(4));
  scene.faces(0, 3);
  EXPECT_EQ(scene.drain(), "submit 0@0 1@1 2@2; wait");
  scene.faces(3, 3);
  EXPECT_EQ(scene.drain(), "wait") << "the engine has work: the batch may still grow";
  scene.face(6);
  EXPECT_EQ(scene.drain(), "submit 3@3 4@4 5@5 6@6; wait") << "a full one takes the second slot";
  scene.faces(7, 4);
  EXPECT_EQ(scene.drain(), "wait") << "both slots are taken";
}

TEST(Scheduler, FeedsTheNetworkBeforeItPushes) {
  Scene scene(settings(2, 1));
  scene.faces(0, 4);
  EXPECT_EQ(scene.drain(), "submit 0@0 1@1; wait");
  scene.scheduler.answered({0, 1});
  EXPECT_EQ(scene.drain(), "submit 2@2 3@3; patched 0; patched 1; wait");
}

TEST(Scheduler, AnswersOutOfOrderLeaveInOrder) {
  Scene scene(settings(1));
  scene.faces(0, 2);
  EXPECT_EQ(scene.drain(), "submit 0@0; submit 1@1; wait");
  scene.scheduler.answered({1});
  EXPECT_EQ(scene.drain(), "wait");
  scene.scheduler.answered({0});
  EXPECT_EQ(scene.drain(), "patched 0; patched 1; wait");
}

TEST(Scheduler, FramesOfABatchThatFailedPass) {
  Scene scene(settings(2));
  scene.faces(0, 2);
  scene.drain();
  scene.scheduler.gave_up({0, 1});
  EXPECT_EQ(scene.scheduler.in_flight(), 0);
  EXPECT_EQ(scene.drain(), "passed 0; passed 1; wait");
}

TEST(Scheduler, BarriersKeepTheirPlace) {
  Scene scene(settings(8));
  scene.scheduler.add_barrier();
  scene.face(0);
  scene.scheduler.add_barrier();
  scene.face(1);
  scene.scheduler.add_barrier();
  EXPECT_EQ(scene.drain(), "submit 1@0 3@1; barrier 0; wait");
  scene.scheduler.answered({1, 3});
  EXPECT_EQ(scene.drain(), "patched 1; barrier 2; patched 3; barrier 4; wait");
}

TEST(Scheduler, CountsFramesNotBarriers) {
  Scene scene(settings(8));
  scene.scheduler.add_barrier();
  scene.faces(0, 2);
  EXPECT_EQ(scene.scheduler.frames(), 2);
  scene.drain();
  EXPECT_EQ(scene.scheduler.frames(), 2) << "those in flight count";
  scene.scheduler.answered({1, 2});
  EXPECT_EQ(scene.next(), "patched 1");
  EXPECT_EQ(scene.scheduler.frames(), 1);
}

TEST(Scheduler, CapacityIsTwoBatchesAndTheLookAhead) {
  EXPECT_EQ(Scheduler(settings(8)).capacity(), 16);
  EXPECT_EQ(Scheduler(smoothing(8)).capacity(), 20);
  EXPECT_EQ(Scheduler(smoothing(1)).capacity(), 6);
}

// What passes

TEST(Scheduler, WithoutAnAudioPadEverythingPassesAtOnce) {
  Scene scene(ending_with_audio(8), 0);
  scene.scheduler.set_has_audio(false);
  scene.faces(0, 2);
  scene.no_face(2);
  EXPECT_EQ(scene.drain(), "passed 0; passed 1; passed 2; wait");
}

TEST(Scheduler, ReleasingTheAudioPadAfterItsEndLetsFramesPass) {
  Scene scene(ending_with_audio(8), 1);
  scene.speech.ended = true;
  scene.faces(0, 3);
  EXPECT_EQ(scene.drain(), "submit 0@0 1@0; wait");
  scene.scheduler.set_has_audio(false);
  scene.scheduler.answered({0, 1});
  EXPECT_EQ(scene.drain(), "patched 0; patched 1; passed 2; wait");
}

TEST(Scheduler, FramesWithoutFaceOrSoundPass) {
  Scene scene(settings(8));
  scene.no_face(0);
  EXPECT_EQ(scene.drain(), "passed 0; wait");
  scene.speech.silent = true;
  scene.face(1);
  EXPECT_EQ(scene.drain(), "passed 1; wait");
}

TEST(Scheduler, AFrameWithoutTimePassesInItsTurn) {
  Scene scene(settings(8), 0);
  scene.face(kNoTime);
  EXPECT_EQ(scene.drain(), "passed 0; wait") << "it waits for no audio";
  scene.face(0);
  scene.face(kNoTime);
  EXPECT_EQ(scene.drain(), "wait") << "but for the frame before it";
  scene.speech.windows = 1;
  scene.drain();
  scene.scheduler.answered({1});
  EXPECT_EQ(scene.drain(), "patched 1; passed 2; wait");
}

// The end of the audio

TEST(Scheduler, EndsWithTheFirstWindowThatOverflows) {
  Scene scene(ending_with_audio(8), 2);
  scene.speech.ended = true;
  scene.faces(0, 5);
  EXPECT_EQ(scene.drain(), "submit 0@0 1@1 2@1; wait") << "frame 2 takes the last window again";
  scene.scheduler.answered({0, 1, 2});
  EXPECT_EQ(scene.drain(), "patched 0; patched 1; patched 2; end");
  EXPECT_EQ(scene.next(), "end") << "and so it stays";
}

TEST(Scheduler, EndsWithTheLastFrameEvenWhenNoneFollows) {
  Scene scene(ending_with_audio(), 1);
  scene.speech.ended = true;
  scene.face(0);
  scene.drain();
  scene.scheduler.answered({0});
  EXPECT_EQ(scene.drain(), "patched 0; wait") << "the video is not longer than the audio yet";
  scene.no_face(1);
  EXPECT_EQ(scene.drain(), "passed 1; end") << "the last frame counts without a face, too";
}

TEST(Scheduler, BehindTheAudioFramesPass) {
  Scene scene(settings(8), 2);
  scene.speech.ended = true;
  scene.faces(0, 5);
  scene.drain();
  scene.scheduler.answered({0, 1, 2});
  EXPECT_EQ(scene.drain(), "patched 0; patched 1; patched 2; passed 3; passed 4; wait");
}

TEST(Scheduler, AudioWithoutAWindowEndsAtOnceOrLetsAllPass) {
  for (bool end : {true, false}) {
    Scene scene(end ? ending_with_audio() : settings(1), 0);
    scene.faces(0, 2);
    EXPECT_EQ(scene.drain(), "wait");
    scene.speech.ended = true;
    EXPECT_EQ(scene.drain(), end ? "end" : "passed 0; passed 1; wait");
  }
}

TEST(Scheduler, NewAudioAfterTheEndIsUsed) {
  Scene scene(settings(1), 1);
  scene.speech.ended = true;
  scene.faces(0, 3);
  scene.drain();
  scene.scheduler.answered({0});
  scene.scheduler.answered({1});
  EXPECT_EQ(scene.drain(), "patched 0; patched 1; passed 2; wait");
  scene.speech.ended = false;
  scene.scheduler.set_audio_restarted();
  scene.face(3);
  EXPECT_EQ(scene.drain(), "wait") << "for the new audio";
  scene.speech.windows = 4;
  EXPECT_EQ(scene.drain(), "submit 3@3; wait");
}

TEST(Scheduler, NewAudioSavesFramesThatWereToBeCutOff) {
  Scene scene(ending_with_audio(8), 1);
  scene.speech.ended = true;
  scene.faces(0, 2);
  scene.scheduler.add_barrier();
  scene.faces(2, 2);
  EXPECT_EQ(scene.drain(), "submit 0@0 1@0; wait");
  scene.speech.ended = false;
  scene.speech.windows = 10;
  scene.scheduler.set_audio_restarted();
  scene.scheduler.answered({0, 1});
  EXPECT_EQ(scene.drain(), "submit 3@2 4@3; patched 0; patched 1; barrier 2; wait");
}

// Reference smoothing

TEST(SchedulerSmoothing, LooksFourFramesAhead) {
  Scene scene(smoothing(8));
  scene.show_boxes = true;
  scene.faces(0, 4);
  EXPECT_EQ(scene.drain(), "wait");
  scene.face(4, 40);
  EXPECT_EQ(scene.drain(), "submit 0@0[20]; wait");
}

TEST(SchedulerSmoothing, TheRunEndsWithTheAudio) {
  // Frames 0..6 are the reference's clip, 7 and 8 are behind it. x1 = 0 10 20 30 40 50 60:
  // means of five from the raw boxes, then over b[2:7], whose first entries are means already.
  const std::vector<int> tail = {20, 30, 40, 44, 46, 48, 47};
  for (bool end : {true, false}) {
    Scheduler::Settings options = smoothing();
    options.end_with_audio = end;
    Scene scene(options, 6);
    scene.speech.ended = true;
    scene.faces(0, 9);
    EXPECT_EQ(scene.smoothed_until_wait(), tail) << "end " << end;
  }
}

TEST(SchedulerSmoothing, TheRunEndsWithTheVideo) {
  Scene scene(smoothing());
  scene.faces(0, 7);
  EXPECT_EQ(scene.smoothed_until_wait(), (std::vector<int>{20, 30, 40}));
  scene.scheduler.set_video_ended(true);
  EXPECT_EQ(scene.smoothed_until_wait(), (std::vector<int>{44, 46, 48, 47}));
}

TEST(SchedulerSmoothing, VideoThatGoesOnStartsAnotherRun) {
  Scene scene(smoothing());
  scene.scheduler.set_video_ended(true);
  scene.scheduler.set_video_ended(false);
  scene.faces(0, 4);
  EXPECT_EQ(scene.smoothed_until_wait(), std::vector<int>{}) << "a look-ahead is waited for again";
}

TEST(SchedulerSmoothing, ADiscontinuityEndsTheRun) {
  Scene scene(smoothing());
  scene.face(0, 10);
  scene.face(1, 20);
  scene.face(2, 1000, /* discont */ true);
  EXPECT_EQ(scene.smoothed_until_wait(), (std::vector<int>{15, 17})) << "two: both over both";
}

TEST(SchedulerSmoothing, AFrameWithoutFaceEndsTheRunAndABarrierDoesNot) {
  Scene scene(smoothing());
  scene.face(0, 10);
  scene.scheduler.add_barrier();
  scene.face(1, 20);
  EXPECT_EQ(scene.smoothed_until_wait(), std::vector<int>{});
  scene.no_face(2);
  EXPECT_EQ(scene.smoothed_until_wait(), (std::vector<int>{15, 17}));
}

TEST(SchedulerSmoothing, AFrameWithoutTimeOrSoundEndsTheRun) {
  Scene scene(smoothing());
  scene.face(0, 10);
  scene.face(kNoTime, 500);
  EXPECT_EQ(scene.smoothed_until_wait(), std::vector<int>{10});
  scene.face(2, 30);
  EXPECT_EQ(scene.smoothed_until_wait(), std::vector<int>{});
  scene.speech.silent = true;
  scene.face(3, 500);
  EXPECT_EQ(scene.smoothed_until_wait(), std::vector<int>{30});
}

// Live: latency 300, budget 100

struct Live : Scene {
  explicit Live(const Scheduler::Settings &settings, std::int64_t windows = 5000)
      : Scene(settings, windows) {
    scheduler.set_live(300, 100);
  }
};

TEST(SchedulerLive, AFrameWhoseAudioIsLateLeavesABudgetBeforeItsDeadline) {
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

TEST(SchedulerLive, WithoutAClockNothingIsLate) {
  Live scene(settings(8), 0);
  scene.face(1000);
  EXPECT_EQ(scene.drain(kNoTime), "wait 1200");
  scene.scheduler.set_live(kNever, 0);
  EXPECT_EQ(scene.drain(99999), "wait");
}

TEST(SchedulerLive, ALateFrameStillSmoothesItsNeighbours) {
  Live scene(smoothing());
  scene.show_boxes = true;
  scene.face(1000, 0);
  EXPECT_EQ(scene.drain(1200), "late 0; wait") << "it has left the queue, not the smoother";
  for (int i = 1; i <= 5; ++i) scene.face(1200 + i, i * 10);
  EXPECT_EQ(scene.drain(1210), "submit 1@1201[30]; wait 1402") << "and keeps its place there";
}

TEST(SchedulerLive, AFrameThatLeavesUnseenEndsTheRun) {
  Live scene(smoothing(), 1001);
  scene.show_boxes = true;
  scene.face(1000, 10);
  scene.face(1001, 500, /* discont */ true);  // its audio does not come in time
  EXPECT_EQ(scene.drain(1150), "wait 1200");
  EXPECT_EQ(scene.drain(1200), "late 0; wait 1201");
  EXPECT_EQ(scene.drain(1201), "late 1; wait");
  scene.speech.windows = 5000;
  scene.face(1100, 70);
  scene.no_face(1101);
  EXPECT_EQ(scene.drain(1201), "submit 2@1100[70]; wait 1301") << "no mean with frame 0";
}

// Flushes

TEST(Scheduler, ResetForgetsEverythingAndIdsGoOn) {
  Scene scene(settings(1));
  scene.faces(0, 3);
  scene.drain();
  EXPECT_EQ(scene.scheduler.in_flight(), 2);
  scene.scheduler.reset();
  EXPECT_TRUE(scene.scheduler.empty());
  EXPECT_EQ(scene.scheduler.frames(), 0);
  EXPECT_EQ(scene.scheduler.in_flight(), 0);
  EXPECT_EQ(scene.scheduler.oldest_unsubmitted(), kNever);
  EXPECT_EQ(scene.drain(), "wait");
  EXPECT_EQ(scene.face(0), 3u);
  EXPECT_EQ(scene.drain(), "submit 3@0; wait");
}

TEST(Scheduler, AnswersFromBeforeAResetAreIgnored) {
  Scene scene(settings(1));
  scene.face(0);
  scene.drain();
  scene.scheduler.reset();
  scene.face(1);
  scene.drain();
  scene.scheduler.answered({0});
  EXPECT_EQ(scene.scheduler.in_flight(), 1) << "the batch that is in flight now";
  scene.scheduler.gave_up({0});
  EXPECT_EQ(scene.scheduler.in_flight(), 1);
}

TEST(Scheduler, ResetForgetsTheSmoothersRunAndTheEnds) {
  Scheduler::Settings options = smoothing();
  options.end_with_audio = true;
  Scene scene(options, 1);
  scene.speech.ended = true;
  scene.faces(0, 3);
  scene.scheduler.set_video_ended(true);
  scene.drain();
  scene.scheduler.reset();
  scene.speech.ended = false;
  scene.speech.windows = 100;
  scene.show_boxes = true;
  scene.faces(10, 4);
  EXPECT_EQ(scene.drain(), "wait") << "neither the video nor the audio has ended any more";
  scene.no_face(14);
  EXPECT_EQ(scene.drain(), "submit 3@10[130]; submit 4@11[130]; wait")
      << "four: each over the last one, and 0..2 are not among them";
}

TEST(Scheduler, FramesWhoseWindowWasFlushedAskAgain) {
  Scene scene(settings(1, 1));
  scene.faces(0, 3);
  EXPECT_EQ(scene.drain(), "submit 0@0; wait");
  scene.speech.recording = 2;
  scene.speech.windows = 0;
  scene.scheduler.answered({0});
  EXPECT_EQ(scene.drain(), "patched 0; wait") << "frames 1 and 2 wait for the new audio";
  scene.speech.windows = 3;
  const Scheduler::Decision decision = scene.scheduler.next(scene.speech);
  ASSERT_EQ(scene.text(decision), "submit 1@1");
  EXPECT_EQ(decision.batch[0].window.recording, 2u);
}

TEST(SchedulerSmoothing, AFlushOfTheAudioEndsTheRunAndSmoothesNothingTwice) {
  Scene scene(smoothing(8));
  scene.show_boxes = true;
  scene.face(0, 10);
  scene.face(1, 20);
  EXPECT_EQ(scene.drain(), "wait");
  scene.speech.recording = 2;
  EXPECT_EQ(scene.drain(), "submit 0@0[15] 1@1[17]; wait");
}

TEST(Scheduler, OldestUnsubmittedIsTheEarliestThatNeedsItsWindow) {
  Scene scene(settings(1, 1));
  EXPECT_EQ(scene.scheduler.oldest_unsubmitted(), kNever);
  scene.faces(5, 2);
  EXPECT_EQ(scene.scheduler.oldest_unsubmitted(), 5);
  EXPECT_EQ(scene.drain(), "submit 0@5; wait");
  EXPECT_EQ(scene.scheduler.oldest_unsubmitted(), 6);
  scene.face(3);
  EXPECT_EQ(scene.scheduler.oldest_unsubmitted(), 3) << "time may step back";
  scene.face(kNoTime);
  EXPECT_EQ(scene.scheduler.oldest_unsubmitted(), 3);
  for (Scheduler::Id id : Ids{0, 1, 2}) {
    scene.scheduler.answered({id});
    scene.drain();
  }
  EXPECT_TRUE(scene.scheduler.empty());
  EXPECT_EQ(scene.scheduler.oldest_unsubmitted(), 3) << "what comes is not older than the newest";
}

}  // namespace
}  // namespace w2l
