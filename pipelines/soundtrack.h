// gst-lipsync-1.0: keeps sound and picture together in front of the muxer. Takes the encoder's
// leading silence out, cuts the sound where a shorter video ends, makes the picture's track as long
// as it is shown, and counts what goes through.
// The runner owns one for each run.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "pipeline_text.h"

namespace lipsync {

class Soundtrack {
 public:
  // Puts probes on pads of the elements infer, encoded and mux of `pipeline`, which must not run
  // yet.
  Soundtrack(GstElement *pipeline, const AacEncoder &aac);
  ~Soundtrack();
  Soundtrack(const Soundtrack &) = delete;
  Soundtrack &operator=(const Soundtrack &) = delete;

  // Lets go of a waiting thread; call it before the pipeline is stopped.
  void release();

  long frames() const { return frames_; }  // encoded for the muxer
  GstClockTime video_end() const { return video_end_; }
  bool cut() const { return cut_; }              // the sound was longer than the video
  bool went_back() const { return went_back_; }  // the speech, in time

 private:
  struct Probe {
    GstPad *pad;
    gulong id;
  };

  using Handler = GstPadProbeReturn (Soundtrack::*)(GstPad *, GstPadProbeInfo *);
  template <Handler handler>
  void watch(GstPad *pad, Probe *probe);

  GstPadProbeReturn on_speech(GstPad *pad, GstPadProbeInfo *info);
  GstPadProbeReturn on_infer_sink(GstPad *pad, GstPadProbeInfo *info);
  GstPadProbeReturn on_infer_src(GstPad *pad, GstPadProbeInfo *info);
  GstPadProbeReturn on_encoded(GstPad *pad, GstPadProbeInfo *info);
  GstPadProbeReturn on_mux_audio(GstPad *pad, GstPadProbeInfo *info);
  void look_for_way_back(GstPad *pad, GstBuffer *buffer);
  bool shift_priming_out(GstPad *pad, GstPadProbeInfo *info);
  void show_to_the_end(GstBuffer *buffer);

  const int priming_samples_;
  Probe probes_[5] = {};

  std::atomic<long> frames_{0};
  std::atomic<GstClockTime> video_end_{0};  // running time
  std::atomic<bool> cut_{false};

  std::atomic<bool> went_back_{false};

  // Of the speech's thread.
  int empty_ = 0;                // buffers, one after the other
  GstClockTime speech_end_ = 0;  // running time

  // Of the sound's thread: the running time of the encoder's first packet.
  GstClockTime sound_start_ = GST_CLOCK_TIME_NONE;
  // Of the encoder's thread: time stamps of its frames.
  GstClockTime first_shown_ = 0, shown_end_ = 0;
  GstClockTime first_decoded_ = 0, last_decoded_ = GST_CLOCK_TIME_NONE;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool released_ = false;
  bool video_ended_ = false;  // the encoder has made its last frame
  bool whole_video_ = false;  // it came because the input video was over, not the sound
  bool input_ended_ = false;
  long frames_in_ = 0;  // of w2linfer
  long frames_out_ = 0;
};

}  // namespace lipsync
