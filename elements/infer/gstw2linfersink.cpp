/* gst-wav2lip: what comes into w2linfer. Chain functions append and wait for room, and live the
 * video's cuts faces; all serialized events keep their place among the frames.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <algorithm>
#include <chrono>

#include "gstw2lfacemeta.h"
#include "gstw2linferprivate.h"
#include "range.h"

#define GST_CAT_DEFAULT gst_w2l_infer_debug

using w2l::InferState;
using w2l::Lock;

/* A frame is held from the moment it arrives; live, upstream must never wait for a window that
 * only time can complete, so everything within the latency has room. */
int gst_w2l_infer_capacity(const InferState *state) {
  int capacity = state->scheduler.capacity();

  if (state->live) {
    GstClockTime duration = GST_CLOCK_TIME_IS_VALID(state->frame_duration) && state->frame_duration
                                ? state->frame_duration
                                : 10 * GST_MSECOND;
    capacity += static_cast<int>((state->upstream_min + state->budget) / duration) + 1;
  }
  return capacity;
}

static void gst_w2l_infer_warn_stall(GstW2lInfer *self, bool downstream) {
  if (downstream) {
    GST_ELEMENT_WARNING(self, STREAM, FAILED,
                        ("No frame could leave for 5 s: something downstream waits for the other "
                         "branch of its muxer; give that branch queue max-size-time=0 "
                         "max-size-buffers=0 max-size-bytes=67108864"),
                        (NULL));
  } else {
    GST_ELEMENT_WARNING(self, STREAM, FAILED,
                        ("No speech for the next frame has come for 5 s: give both inputs of "
                         "w2linfer a queue of their own, and if the speech is also muxed, give "
                         "that branch queue max-size-time=0 max-size-buffers=0 "
                         "max-size-bytes=67108864"),
                        (NULL));
  }
}

/* Waits on the condition; after 5 s without progress it says once who is waited for. A paused or
 * prerolling pipeline rightly stands still, but then it is downstream that does not take frames. */
static void gst_w2l_infer_wait_for_room(GstW2lInfer *self, Lock &lock) {
  InferState *state = self->state;
  guint64 pushed = state->pushed;
  auto limit = std::chrono::nanoseconds(w2l::kStallTime);

  if (state->signal->cond.wait_for(lock, limit) != std::cv_status::timeout) return;
  if (state->stall_warned || state->pushed != pushed || state->live) return;
  if (state->scheduler.in_flight() > 0 && !state->pushing) return; /* a slow network is at work */
  if (state->pushing && !state->playing) return;
  bool downstream = state->pushing;
  state->stall_warned = true;
  lock.unlock();
  gst_w2l_infer_warn_stall(self, downstream);
  lock.lock();
}

/* Video */

/* The face that the network should answer for; NULL when the frame has none or cannot be used. */
static const GstW2lFaceMeta *gst_w2l_infer_usable_face(GstW2lInfer *self, GstBuffer *buffer) {
  const w2l::VideoStream *video = self->state->video.get();
  const GstW2lFaceMeta *face = gst_buffer_get_w2l_face_meta(buffer);

  if (!face || video->unsupported) return nullptr;
  const GstW2lBox &box = face->box;
  if (box.x1 < 0 || box.y1 < 0 || box.x1 >= box.x2 || box.y1 >= box.y2 ||
      box.x2 > GST_VIDEO_INFO_WIDTH(&video->info) || box.y2 > GST_VIDEO_INFO_HEIGHT(&video->info)) {
    GST_DEBUG_OBJECT(self, "face box (%d,%d)-(%d,%d) is not inside the frame", box.x1, box.y1,
                     box.x2, box.y2);
    return nullptr;
  }
  return face;
}

/* May be negative: a pad's offset can move a stream there. */
static w2l::Time gst_w2l_infer_running_time(const GstSegment *segment, GstClockTime pts) {
  if (segment->format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID(pts)) return w2l::kNoTime;
  /* At another speed picture and speech do not belong together. */
  if (segment->rate != 1.0) return w2l::kNoTime;
  guint64 time;
  int sign = gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, pts, &time);
  /* A broken timestamp, and sums with it would overflow. */
  if (sign == 0 || time > w2l::kMaxTime) return w2l::kNoTime;
  return sign * static_cast<w2l::Time>(time);
}

/* Live, a frame waits for its speech anyway; its pixels are still in the cache now, and when the
 * speech has come, there is no time to lose. Call with the lock, which is released meanwhile. */
static w2l::FaceCrop gst_w2l_infer_cut_early(GstW2lInfer *self, Lock &lock, GstBuffer *buffer,
                                             const GstW2lBox &box) {
  InferState *state = self->state;
  w2l::FaceCrop crop;

  if (state->result != GST_FLOW_OK || !state->live || !state->scheduler.waits_for_audio() ||
      state->settings.smoothing == GST_W2L_SMOOTHING_REFERENCE) /* the box is not final */
    return crop;
  /* As long as pads are active, the engine stays. */
  const w2l::EngineInfo &info = state->engine->info();
  w2l::TraceRange range{"w2linfer: crop"};
  lock.unlock();
  w2l::Stopwatch watch;
  try {
    w2l::VideoStream &video = *state->video;
    crop = gst_w2l_infer_cut_face(video, video.early_extractor, buffer, box, info);
  } catch (const std::exception &error) {
    /* The task, if it comes to that, tries again, and says what is wrong. */
    GST_DEBUG_OBJECT(self, "not cut yet: %s", error.what());
  }
  double milliseconds = watch.milliseconds();
  lock.lock();
  state->counters.crop.add(milliseconds);
  return crop;
}

GstFlowReturn gst_w2l_infer_video_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  GstW2lInfer *self = GST_W2L_INFER(parent);
  InferState *state = self->state;
  w2l::QueueItem item;
  item.object.reset(GST_MINI_OBJECT_CAST(buffer));

  if (!state->video) {
    GST_ERROR_OBJECT(pad, "a frame before caps");
    return GST_FLOW_NOT_NEGOTIATED;
  }
  item.video = state->video;

  const GstW2lFaceMeta *face = gst_w2l_infer_usable_face(self, buffer);
  w2l::Time time = gst_w2l_infer_running_time(&state->video_segment, GST_BUFFER_PTS(buffer));
  bool discont = state->next_discont || GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  state->next_discont = false;
  if (face) item.face_id = face->face_id;

  Lock lock(state->signal->lock);
  if (!state->live_known) {
    lock.unlock();
    gst_w2l_infer_update_latency(self);
    lock.lock();
  }
  if (face && time != w2l::kNoTime)
    item.crop = gst_w2l_infer_cut_early(self, lock, buffer, face->box);
  while (state->result == GST_FLOW_OK && state->scheduler.frames() >= gst_w2l_infer_capacity(state))
    gst_w2l_infer_wait_for_room(self, lock);
  if (state->result != GST_FLOW_OK) {
    GST_DEBUG_OBJECT(pad, "refusing a frame: %s", gst_flow_get_name(state->result));
    return state->result;
  }
  state->counters.frames++;
  /* Live, nearly every frame waits behind others for its speech: no reason to wake the task. */
  bool wakes =
      !state->scheduler.waits_for_audio() || time < state->video_position || state->audio_waits;
  state->video_untimed = time == w2l::kNoTime;
  if (time != w2l::kNoTime) state->video_position = time;
  state->scheduler.add_frame(time, face ? &face->box : nullptr, discont);
  state->items.push_back(std::move(item));
  if (wakes) state->signal->cond.notify_all();
  return GST_FLOW_OK;
}

static gboolean gst_w2l_infer_set_caps(GstW2lInfer *self, GstCaps *caps) {
  InferState *state = self->state;
  GstVideoInfo info;

  if (!gst_video_info_from_caps(&info, caps)) {
    GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("Cannot use video caps %" GST_PTR_FORMAT, caps),
                      (NULL));
    return FALSE;
  }
  try {
    state->video = std::make_shared<w2l::VideoStream>(info);
  } catch (const std::exception &error) {
    GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("%s", error.what()), (NULL));
    return FALSE;
  }
  if (state->video->unsupported) {
    GST_ELEMENT_WARNING(self, STREAM, FORMAT,
                        ("Frames pass without lip-sync: %s", state->video->unsupported), (NULL));
  }
  state->next_discont = true;

  Lock lock(state->signal->lock);
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  if (GST_VIDEO_INFO_FPS_N(&info) > 0)
    duration = gst_util_uint64_scale_int(GST_SECOND, GST_VIDEO_INFO_FPS_D(&info),
                                         GST_VIDEO_INFO_FPS_N(&info));
  state->frame_duration = duration;
  state->live_known = false;
  return TRUE;
}

void gst_w2l_infer_store_sticky(GstW2lInfer *self, GstEvent *event) {
  /* Whoever starts again sends a segment of its own; the end was never reached. */
  if (GST_EVENT_IS_STICKY(event) && GST_EVENT_TYPE(event) != GST_EVENT_SEGMENT &&
      GST_EVENT_TYPE(event) != GST_EVENT_EOS)
    gst_pad_store_sticky_event(self->srcpad, event);
}

/* Takes @event; it leaves behind the frames that came before it. */
static GstFlowReturn gst_w2l_infer_queue_event(GstW2lInfer *self, GstEvent *event) {
  InferState *state = self->state;
  w2l::QueueItem item;
  item.object.reset(GST_MINI_OBJECT_CAST(event));
  bool eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
  bool restarts = GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START;

  Lock lock(state->signal->lock);
  if (restarts && state->result == GST_FLOW_EOS) {
    /* A new stream after the end: the task sleeps, wake it up again. */
    state->result = GST_FLOW_OK;
    state->eos_pushed = false;
    gst_pad_start_task(self->srcpad, gst_w2l_infer_task, self->srcpad, nullptr);
  }
  if (state->result != GST_FLOW_OK) {
    GstFlowReturn result = state->result;
    lock.unlock();
    GST_DEBUG_OBJECT(self, "dropping %s: %s", GST_EVENT_TYPE_NAME(event),
                     gst_flow_get_name(result));
    if (result == GST_FLOW_NOT_LINKED) gst_w2l_infer_store_sticky(self, event);
    /* Upstream cannot learn of a failure from a buffer any more. */
    if (eos && (result == GST_FLOW_NOT_LINKED || result < GST_FLOW_EOS))
      GST_ELEMENT_FLOW_ERROR(self, result);
    return result == GST_FLOW_EOS ? GST_FLOW_OK : result;
  }
  state->video_eos = eos;
  state->scheduler.set_video_ended(eos);
  state->scheduler.add_barrier();
  state->items.push_back(std::move(item));
  state->signal->cond.notify_all();
  return GST_FLOW_OK;
}

static gboolean gst_w2l_infer_video_flush_start(GstW2lInfer *self, GstEvent *event) {
  InferState *state = self->state;
  {
    Lock lock(state->signal->lock);
    state->result = GST_FLOW_FLUSHING;
    state->awaiting_video_flush = false;
    state->video_flush_seqnum = gst_event_get_seqnum(event);
    state->signal->cond.notify_all();
  }
  gboolean pushed = gst_pad_push_event(self->srcpad, event);
  gst_pad_pause_task(self->srcpad);
  return pushed;
}

static gboolean gst_w2l_infer_video_flush_stop(GstW2lInfer *self, GstEvent *event) {
  InferState *state = self->state;
  gboolean pushed = gst_pad_push_event(self->srcpad, event);

  gst_w2l_infer_clear_video(self, true);
  gst_segment_init(&state->video_segment, GST_FORMAT_TIME);
  state->next_discont = true;
  Lock lock(state->signal->lock);
  if (!GST_PAD_IS_ACTIVE(self->srcpad)) return pushed;
  state->result = GST_FLOW_OK;
  gst_pad_start_task(self->srcpad, gst_w2l_infer_task, self->srcpad, nullptr);
  return pushed;
}

static GstFlowReturn flow_of(gboolean handled) {
  return handled ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* Chains that wait here must leave before their pads can be deactivated. */
gboolean gst_w2l_infer_sink_activate_mode(GstPad *pad, GstObject *, GstPadMode mode,
                                          gboolean active) {
  /* A requested pad is active before it has a parent. */
  GstW2lInfer *self = GST_W2L_INFER(gst_pad_get_element_private(pad));
  InferState *state = self->state;

  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  Lock lock(state->signal->lock);
  if (pad != self->sinkpad)
    state->audio_flushing = !active;
  else if (!active)
    state->result = GST_FLOW_FLUSHING;
  state->signal->cond.notify_all();
  return TRUE;
}

/* With a flow: upstream, told FALSE while this is being stopped, would take it for an error. */
GstFlowReturn gst_w2l_infer_video_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  GstW2lInfer *self = GST_W2L_INFER(parent);
  InferState *state = self->state;

  GST_LOG_OBJECT(pad, "%" GST_PTR_FORMAT, event);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START:
      return flow_of(gst_w2l_infer_video_flush_start(self, event));
    case GST_EVENT_FLUSH_STOP:
      return flow_of(gst_w2l_infer_video_flush_stop(self, event));
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps(event, &caps);
      if (!gst_w2l_infer_set_caps(self, caps)) {
        gst_event_unref(event);
        return GST_FLOW_NOT_NEGOTIATED;
      }
      break;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event, &state->video_segment);
      if (state->video_segment.rate != 1.0)
        GST_INFO_OBJECT(self, "playing at rate %g: frames pass unpatched",
                        state->video_segment.rate);
      break;
    default:
      if (!GST_EVENT_IS_SERIALIZED(event))
        return flow_of(gst_pad_event_default(pad, parent, event));
      break;
  }
  return gst_w2l_infer_queue_event(self, event);
}

/* Audio */

/* True when samples would only be dropped: the video is over, or a seek is under way. */
static bool gst_w2l_infer_audio_unwanted(InferState *state) {
  return state->result == GST_FLOW_EOS || state->awaiting_audio_flush ||
         (state->video_eos && state->items.empty());
}

static bool gst_w2l_infer_audio_too_far_ahead(InferState *state) {
  w2l::Time end = state->timeline.end();
  if (end == w2l::kNoTime || state->video_eos || state->video_untimed) return false;
  return end - std::max<w2l::Time>(state->video_position, 0) >
         static_cast<w2l::Time>(w2l::kMaxAudioAhead);
}

/* Appends samples in pieces, so that neither the lock is held nor the limit is passed for long. */
static GstFlowReturn gst_w2l_infer_append_audio(GstW2lInfer *self, w2l::Time time,
                                                const std::vector<float> &samples) {
  InferState *state = self->state;
  const std::size_t piece = w2l::mel::kSampleRate / 4;
  Lock lock(state->signal->lock);

  for (std::size_t at = 0; at < samples.size();) {
    while (!state->audio_flushing && !gst_w2l_infer_audio_unwanted(state) &&
           gst_w2l_infer_audio_too_far_ahead(state)) {
      state->audio_waits = true;
      state->signal->cond.wait(lock);
      state->audio_waits = false;
    }
    if (state->audio_flushing) return GST_FLOW_FLUSHING;
    if (gst_w2l_infer_audio_unwanted(state)) return GST_FLOW_OK;
    std::size_t count = std::min(piece, samples.size() - at);
    state->timeline.push(at == 0 ? time : w2l::kNoTime, samples.data() + at, count,
                         state->audio_discont);
    state->audio_discont = false;
    /* Nothing waits for frames without time, which may be all that will ever come. */
    if (state->video_untimed)
      state->timeline.discard_before(state->timeline.end() -
                                     static_cast<w2l::Time>(w2l::kMaxAudioAhead));
    at += count;
    state->signal->cond.notify_all();
    lock.unlock(); /* the task gets its turn */
    lock.lock();
  }
  return GST_FLOW_OK;
}

/* What the resampler still holds belongs to the recording that ends here. */
static void gst_w2l_infer_drain_audio(GstW2lInfer *self) {
  InferState *state = self->state;

  if (!state->audio_input) return;
  try {
    gst_w2l_infer_append_audio(self, w2l::kNoTime, state->audio_input->drain());
  } catch (const std::exception &error) {
    GST_WARNING_OBJECT(self, "the audio's last milliseconds are lost: %s", error.what());
  }
}

GstFlowReturn gst_w2l_infer_audio_chain(GstPad *pad, GstObject *parent, GstBuffer *buffer) {
  GstW2lInfer *self = GST_W2L_INFER(parent);
  InferState *state = self->state;
  w2l::MiniObject owned(GST_MINI_OBJECT_CAST(buffer));

  if (!state->audio_input) {
    GST_ERROR_OBJECT(pad, "audio before caps");
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (state->audio_segment.rate != 1.0) return GST_FLOW_OK; /* as the frames: nothing to do */
  if (state->audio_segment.format == GST_FORMAT_TIME) {
    const GstAudioInfo &info = state->audio_input->info();
    buffer = gst_audio_buffer_clip(GST_BUFFER(owned.release()), &state->audio_segment,
                                   GST_AUDIO_INFO_RATE(&info), GST_AUDIO_INFO_BPF(&info));
    if (!buffer) return GST_FLOW_OK; /* wholly outside the segment */
    owned.reset(GST_MINI_OBJECT_CAST(buffer));
  }
  {
    Lock lock(state->signal->lock);
    if (state->audio_flushing) return GST_FLOW_FLUSHING;
    if (gst_w2l_infer_audio_unwanted(state)) return GST_FLOW_OK;
    if (state->result < GST_FLOW_EOS) return state->result;
  }
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT)) {
    GST_DEBUG_OBJECT(pad, "audio discontinuity at %" GST_TIME_FORMAT,
                     GST_TIME_ARGS(GST_BUFFER_PTS(buffer)));
    gst_w2l_infer_drain_audio(self);
    state->audio_discont = true;
  }
  w2l::Time time = gst_w2l_infer_running_time(&state->audio_segment, GST_BUFFER_PTS(buffer));
  if (time != w2l::kNoTime) time -= state->audio_input->delay();
  try {
    return gst_w2l_infer_append_audio(self, time, state->audio_input->convert(buffer));
  } catch (const w2l::Error &error) {
    gst_w2l_infer_post_error(self, error);
  } catch (const std::exception &error) {
    GST_ELEMENT_ERROR(self, STREAM, FAILED, ("Audio: %s", error.what()), (NULL));
  }
  return GST_FLOW_ERROR;
}

/* Without a duration a gap only tells that nothing came until then: moves @time back to the end of
 * what is there, and returns how long that is ago. */
static GstClockTime gst_w2l_infer_gap_until(InferState *state, w2l::Time &time) {
  Lock lock(state->signal->lock);
  const w2l::Time until = time;

  if (state->timeline.end() == w2l::kNoTime) {
    state->timeline.push(time, nullptr, 0, true); /* from here on */
    return 0;
  }
  time = std::min(state->timeline.end(), until);
  return static_cast<GstClockTime>(until - time);
}

/* Silence for as long as the gap lasts. */
static void gst_w2l_infer_audio_gap(GstW2lInfer *self, GstEvent *event) {
  InferState *state = self->state;
  GstClockTime pts, duration;

  gst_event_parse_gap(event, &pts, &duration);
  w2l::Time time = gst_w2l_infer_running_time(&state->audio_segment, pts);
  if (time == w2l::kNoTime) return;
  if (!GST_CLOCK_TIME_IS_VALID(duration)) duration = gst_w2l_infer_gap_until(state, time);
  std::vector<float> second(w2l::mel::kSampleRate, 0.0f);
  guint64 count = gst_util_uint64_scale_round(duration, w2l::mel::kSampleRate, GST_SECOND);
  while (count > 0) {
    second.resize(std::min<guint64>(count, second.size()));
    if (gst_w2l_infer_append_audio(self, time, second) != GST_FLOW_OK) return;
    count -= second.size();
    time = w2l::kNoTime;
  }
}

static gboolean gst_w2l_infer_set_audio_caps(GstW2lInfer *self, GstCaps *caps) {
  InferState *state = self->state;
  GstAudioInfo info;

  if (!gst_audio_info_from_caps(&info, caps)) {
    GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("Cannot use audio caps %" GST_PTR_FORMAT, caps),
                      (NULL));
    return FALSE;
  }
  if (state->audio_input && gst_audio_info_is_equal(&info, &state->audio_input->info()))
    return TRUE;
  gst_w2l_infer_drain_audio(self);
  try {
    state->audio_input = std::make_unique<w2l::AudioInput>(info);
    return TRUE;
  } catch (const w2l::Error &error) {
    gst_w2l_infer_post_error(self, error);
    return FALSE;
  }
}

/* Nothing more comes for the frames that wait: for good, or until another segment. */
static void gst_w2l_infer_finish_audio(GstW2lInfer *self, bool for_good) {
  InferState *state = self->state;

  gst_w2l_infer_drain_audio(self);
  Lock lock(state->signal->lock);
  if (for_good)
    state->timeline.finish();
  else
    state->timeline.finish_part();
  state->signal->cond.notify_all();
}

static void gst_w2l_infer_audio_segment(GstW2lInfer *self, GstEvent *event) {
  InferState *state = self->state;

  gst_event_copy_segment(event, &state->audio_segment);
  if (state->audio_segment.rate != 1.0) {
    gst_w2l_infer_finish_audio(self, false); /* its sound is dropped */
    return;
  }
  Lock lock(state->signal->lock);
  state->timeline.resume_part();
}

static void gst_w2l_infer_audio_flush(GstW2lInfer *self, bool start, guint32 seqnum) {
  InferState *state = self->state;
  Lock lock(state->signal->lock);

  state->audio_flushing = start;
  if (!start) {
    state->timeline.reset();
    state->scheduler.set_audio_restarted();
    state->awaiting_audio_flush = false;
    state->audio_flush_seqnum = seqnum;
    state->audio_flushes++;
    if (state->audio_input) state->audio_input->reset();
    state->audio_discont = true;
    gst_segment_init(&state->audio_segment, GST_FORMAT_TIME);
  }
  state->signal->cond.notify_all();
}

gboolean gst_w2l_infer_audio_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  GstW2lInfer *self = GST_W2L_INFER(parent);
  InferState *state = self->state;
  gboolean result = TRUE;

  GST_LOG_OBJECT(pad, "%" GST_PTR_FORMAT, event);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START:
      gst_w2l_infer_audio_flush(self, true, gst_event_get_seqnum(event));
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_w2l_infer_audio_flush(self, false, gst_event_get_seqnum(event));
      break;
    case GST_EVENT_STREAM_START: {
      Lock lock(state->signal->lock);
      state->timeline.resume();
      state->scheduler.set_audio_restarted();
      state->signal->cond.notify_all();
      break;
    }
    case GST_EVENT_CAPS: {
      GstCaps *caps;
      gst_event_parse_caps(event, &caps);
      result = gst_w2l_infer_set_audio_caps(self, caps);
      break;
    }
    case GST_EVENT_SEGMENT:
      gst_w2l_infer_audio_segment(self, event);
      break;
    case GST_EVENT_GAP:
      gst_w2l_infer_audio_gap(self, event);
      break;
    case GST_EVENT_SEGMENT_DONE:
      gst_w2l_infer_finish_audio(self, false);
      break;
    case GST_EVENT_EOS:
      /* Sound that was dropped does not end the video. */
      gst_w2l_infer_finish_audio(self, state->audio_segment.rate == 1.0);
      break;
    default:
      break; /* tags and the like describe the speech, not the video that goes on */
  }
  gst_event_unref(event);
  return result;
}
