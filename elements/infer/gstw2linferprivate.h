// gst-wav2lip: the state of w2linfer, shared by its source files: gstw2linfer.cpp (class,
// properties, state changes), gstw2linfersink.cpp (what comes in), gstw2linfercrop.cpp (faces out
// of frames), gstw2linfertask.cpp (the source task, the only one that pushes) and
// gstw2linferquery.cpp (queries and upstream events).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "audio_input.h"
#include "audio_timeline.h"
#include "crop_extractor.h"
#include "engine.h"
#include "gstw2linfer.h"
#include "gstw2linferenums.h"
#include "scheduler.h"
#include "stage_stats.h"

GST_DEBUG_CATEGORY_EXTERN(gst_w2l_infer_debug);

namespace w2l {

// As the properties say; guarded by the object lock.
struct InferSettings {
  EngineConfig engine;
  int batch_size = 0;
  Time mel_offset = 0;
  Region region = Region::Lower;
  GstW2lSmoothing smoothing = GST_W2L_SMOOTHING_NONE;
  GstW2lAudioEnd audio_end = GST_W2L_AUDIO_END_END;
};

// What belongs to one CAPS event of the video.
struct VideoStream {
  explicit VideoStream(const GstVideoInfo &video_info);
  GstVideoInfo info;
  const gchar *unsupported;       // why its frames pass, or null
  CropExtractor extractor;        // the task's
  CropExtractor early_extractor;  // the video chain's
};

struct MiniObjectUnref {
  void operator()(GstMiniObject *object) const { gst_mini_object_unref(object); }
};
using MiniObject = std::unique_ptr<GstMiniObject, MiniObjectUnref>;

// One place in the queue; its Scheduler id is that of items.front() plus its index.
struct QueueItem {
  MiniObject object;                   // buffer or event; null for a query
  GstQuery *query = nullptr;           // borrowed from the thread that waits for its answer
  std::shared_ptr<VideoStream> video;  // frames
  guint face_id = 0;
  FaceCrop crop;                    // no pixels: not cut, or submitted
  GstW2lBox box{};                  // where the answer goes, once submitted
  std::vector<std::uint8_t> image;  // the answer
  int first_valid_row = 0, end_valid_row = 0;
};

// A batch the engine works on.
struct Flight {
  Engine::Ticket ticket = 0;
  std::vector<Scheduler::Id> ids;
  bool done = false;
  Stopwatch submitted;
  double answer_ms = 0;  // from submission, once done
};

// Outlives the element: engine threads and clock callbacks hold it.
struct Signal {
  std::mutex lock;
  std::condition_variable cond;
  std::uint64_t changes = 0;  // deadlines reached
};

struct InferCounters {
  guint64 frames = 0, patched = 0, passed = 0, late = 0, batches = 0, submitted = 0;
  guint64 repeated_crops = 0;  // of the submitted
  // crop: a batch's, or live a frame's; wait: from a batch being submitted to its being collected.
  StageStats crop, network, wait;
};

struct InferState {
  std::shared_ptr<Signal> signal = std::make_shared<Signal>();

  // Everything below is guarded by signal->lock unless it says otherwise.
  Scheduler scheduler;
  AudioTimeline timeline;
  std::deque<QueueItem> items;
  Scheduler::Id first_id = 0;
  std::deque<std::shared_ptr<Flight>> flights;
  GstFlowReturn result = GST_FLOW_FLUSHING;  // of the source pad
  bool pushing = false;                      // the task is downstream
  bool eos_pushed = false;
  bool video_eos = false;
  bool audio_flushing = true;
  bool audio_waits = false;           // for the video, which it is far ahead of
  bool awaiting_audio_flush = false;  // a flushing seek is under way: held audio is of the past
  bool awaiting_video_flush = false;  // likewise: held frames are of the past
  guint32 audio_flush_seqnum = GST_SEQNUM_INVALID;  // of the last flush that the audio has done
  guint64 audio_flushes = 0;                        // that it has done
  guint32 video_flush_seqnum = GST_SEQNUM_INVALID;  // of the last flush of the video
  bool playing = false;        // only then running time can be compared with the clock
  bool video_untimed = false;  // frames without usable time: nothing to compare audio with
  bool query_answer = false, query_done = false;
  Time video_position = kNoTime;                // running time of the newest frame
  guint64 pushed = 0;                           // progress, for the stall warning
  guint32 segment_seqnum = GST_SEQNUM_INVALID;  // of the segment that has left
  bool stall_warned = false;
  InferCounters counters;

  // Live: what the peers promised, and what we add.
  bool live = false;
  bool live_known = false;
  GstClockTime upstream_min = 0;
  GstClockTime frame_duration = GST_CLOCK_TIME_NONE;
  GstClockTime budget;

  // Latched at READY -> PAUSED or when the engine opens; the task and the chains only read them.
  std::shared_ptr<Engine> engine;
  EngineConfig engine_config;
  InferSettings settings;

  // Video chain only.
  GstSegment video_segment;
  std::shared_ptr<VideoStream> video;
  bool next_discont = true;

  // Audio chain only.
  GstSegment audio_segment;
  std::unique_ptr<AudioInput> audio_input;
  bool audio_discont = true;
};

using Lock = std::unique_lock<std::mutex>;

// Time the network gets on a live frame before the first batches have been measured.
constexpr GstClockTime kInitialBudget = 100 * GST_MSECOND;
// Window (200 ms) and half an STFT frame (25 ms) behind a frame's own time.
constexpr GstClockTime kAudioLookAhead = 225 * GST_MSECOND;
// 97 years; clocks that count from 1970 are younger.
constexpr guint64 kMaxTime = G_MAXINT64 / 3;
constexpr GstClockTime kMaxAudioAhead = 60 * GST_SECOND;
constexpr GstClockTime kStallTime = 5 * GST_SECOND;

}  // namespace w2l

struct _GstW2lInfer {
  GstElement parent;

  GstPad *sinkpad;
  GstPad *srcpad;
  GstPad *audiopad; /* requested; guarded by the object lock */

  w2l::InferSettings *settings; /* guarded by the object lock */
  w2l::InferState *state;
};

/* gstw2linfer.cpp */
void gst_w2l_infer_post_error(GstW2lInfer *self, const w2l::Error &error);
/* Stops everything that waits or is in flight and forgets all frames. Call without the lock.
 * keep_sticky: caps, tags and the like that have not left yet stay on the source pad, since
 * upstream will not send them again. */
void gst_w2l_infer_clear_video(GstW2lInfer *self, bool keep_sticky);
GstPad *gst_w2l_infer_get_audio_pad(GstW2lInfer *self); /* (transfer full) (nullable) */

/* gstw2linfercrop.cpp */
/* Cuts @box out of a frame of @video with one of its extractors. Throws w2l::Error,
 * and std::runtime_error if the frame cannot be mapped. */
w2l::FaceCrop gst_w2l_infer_cut_face(const w2l::VideoStream &video, w2l::CropExtractor &extractor,
                                     GstBuffer *frame, const GstW2lBox &box,
                                     const w2l::EngineInfo &engine);

/* gstw2linfersink.cpp */
/* Frames that may be held. Call with the lock. */
int gst_w2l_infer_capacity(const w2l::InferState *state);
/* Keeps a sticky event that cannot be pushed now. Call without the lock. */
void gst_w2l_infer_store_sticky(GstW2lInfer *self, GstEvent *event);
gboolean gst_w2l_infer_sink_activate_mode(GstPad *pad, GstObject *parent, GstPadMode mode,
                                          gboolean active);
GstFlowReturn gst_w2l_infer_video_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer);
GstFlowReturn gst_w2l_infer_video_event(GstPad *pad, GstObject *parent, GstEvent *event);
GstFlowReturn gst_w2l_infer_audio_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer);
gboolean gst_w2l_infer_audio_event(GstPad *pad, GstObject *parent, GstEvent *event);

/* gstw2linfertask.cpp */
void gst_w2l_infer_task(gpointer pad);
gboolean gst_w2l_infer_src_activate_mode(GstPad *pad, GstObject *parent, GstPadMode mode,
                                         gboolean active);

/* gstw2linferquery.cpp */
gboolean gst_w2l_infer_video_query(GstPad *pad, GstObject *parent, GstQuery *query);
gboolean gst_w2l_infer_audio_query(GstPad *pad, GstObject *parent, GstQuery *query);
gboolean gst_w2l_infer_src_query(GstPad *pad, GstObject *parent, GstQuery *query);
gboolean gst_w2l_infer_src_event(GstPad *pad, GstObject *parent, GstEvent *event);
/* Asks both inputs whether they are live and tells the scheduler. Call without the lock. */
void gst_w2l_infer_update_latency(GstW2lInfer *self);
