// gst-wav2lip: the Scheduler's rules one by one. All their combinations: see
// test_scheduler_sequences.cpp. Times are small numbers: frame n sounds at n.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scheduler.h"

#include <gtest/gtest.h>

#include <vector>

#include "scheduler_scene.h"

namespace w2l {
namespace {

using namespace test;
using Ids = std::vector<Scheduler::Id>;

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
