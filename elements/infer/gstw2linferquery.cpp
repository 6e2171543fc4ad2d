/* gst-wav2lip: w2linfer's queries and upstream events. Caps go through between video sink and src
 * by hand, since the audio pad must not take part; latency is answered from both inputs.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <algorithm>

#include "gstw2linferprivate.h"

#define GST_CAT_DEFAULT gst_w2l_infer_debug

using w2l::InferState;
using w2l::Lock;

/* Caps */

static gboolean gst_w2l_infer_query_caps(GstPad *pad, GstPad *other, GstQuery *query) {
  GstCaps *filter;
  GstCaps *own = gst_pad_get_pad_template_caps(pad);

  gst_query_parse_caps(query, &filter);
  if (filter) {
    GstCaps *filtered = gst_caps_intersect_full(filter, own, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(own);
    own = filtered;
  }
  GstCaps *result = gst_pad_peer_query_caps(other, own);
  GstCaps *usable = gst_caps_intersect_full(result, own, GST_CAPS_INTERSECT_FIRST);
  gst_query_set_caps_result(query, usable);
  gst_caps_unref(usable);
  gst_caps_unref(result);
  gst_caps_unref(own);
  return TRUE;
}

static gboolean gst_w2l_infer_query_accept_caps(GstW2lInfer *self, GstPad *pad, GstQuery *query) {
  GstCaps *caps;
  GstCaps *own = gst_pad_get_pad_template_caps(pad);

  gst_query_parse_accept_caps(query, &caps);
  gboolean accepted = gst_caps_is_subset(caps, own);
  gst_caps_unref(own);
  if (accepted && pad == self->sinkpad)
    accepted = gst_pad_peer_query_accept_caps(self->srcpad, caps);
  gst_query_set_accept_caps_result(query, accepted);
  return TRUE;
}

/* Allocation */

/* Downstream's pools must also cover the frames that are held here. */
static void gst_w2l_infer_adjust_allocation(InferState *state, GstQuery *query) {
  guint held;
  {
    Lock lock(state->signal->lock);
    held = gst_w2l_infer_capacity(state);
  }
  for (guint i = gst_query_get_n_allocation_pools(query); i-- > 0;) {
    GstBufferPool *pool;
    guint size, min, max;
    gst_query_parse_nth_allocation_pool(query, i, &pool, &size, &min, &max);
    if (max != 0)
      gst_query_remove_nth_allocation_pool(query, i); /* it would run dry */
    else
      gst_query_set_nth_allocation_pool(query, i, pool, size, min + held, max);
    if (pool) gst_object_unref(pool);
  }
  GstCaps *caps;
  GstVideoInfo info;
  gst_query_parse_allocation(query, &caps, nullptr);
  /* Whoever allocates upstream, with a pool of its own or a decoder's: this many stay here. */
  if (gst_query_get_n_allocation_pools(query) == 0 && caps && gst_video_info_from_caps(&info, caps))
    gst_query_add_allocation_pool(query, nullptr, GST_VIDEO_INFO_SIZE(&info), held, 0);
  /* GstVideoFrame ignores crop metas, so the crop would be cut from the wrong place. */
  guint index;
  if (gst_query_find_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, &index))
    gst_query_remove_nth_allocation_meta(query, index);
}

/* Serialized queries wait for their place behind the frames, as buffers do. */
static gboolean gst_w2l_infer_queue_query(GstW2lInfer *self, GstQuery *query) {
  InferState *state = self->state;
  w2l::QueueItem item;
  item.query = query;

  Lock lock(state->signal->lock);
  if (state->result != GST_FLOW_OK) return FALSE;
  state->query_done = false;
  state->query_answer = false;
  state->scheduler.add_barrier();
  state->items.push_back(std::move(item));
  /* No frame can follow while upstream waits here, so none must be waited for. */
  state->scheduler.set_video_ended(true);
  state->signal->cond.notify_all();
  /* When the pads are being deactivated nobody takes it any more; once taken, it is answered. */
  state->signal->cond.wait(lock, [state] {
    return state->query_done || (state->result != GST_FLOW_OK && !state->pushing);
  });
  state->scheduler.set_video_ended(state->video_eos);
  for (w2l::QueueItem &queued : state->items) {
    if (queued.query == query) queued.query = nullptr;
  }
  return state->query_done && state->query_answer;
}

static gboolean gst_w2l_infer_query_allocation(GstW2lInfer *self, GstQuery *query) {
  InferState *state = self->state;
  bool frames_pending;
  {
    Lock lock(state->signal->lock);
    frames_pending = state->scheduler.frames() > 0;
  }
  /* Downstream still lives with the old caps, and its answer would be about them; waiting for it
   * could take as long as the audio that those frames need. */
  if (frames_pending) {
    gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
    return TRUE;
  }
  gboolean answered = gst_w2l_infer_queue_query(self, query);
  if (answered) gst_w2l_infer_adjust_allocation(state, query);
  return answered;
}

/* Latency */

struct PeerLatency {
  gboolean live = FALSE;
  GstClockTime min = 0;
  GstClockTime max = GST_CLOCK_TIME_NONE;
};

static PeerLatency gst_w2l_infer_ask_latency(GstPad *pad) {
  PeerLatency latency;
  GstQuery *query = gst_query_new_latency();

  if (gst_pad_peer_query(pad, query))
    gst_query_parse_latency(query, &latency.live, &latency.min, &latency.max);
  gst_query_unref(query);
  return latency;
}

/* What both inputs need before a frame is complete: min = max (video, audio + window). */
static PeerLatency gst_w2l_infer_combine_latency(GstW2lInfer *self) {
  PeerLatency latency = gst_w2l_infer_ask_latency(self->sinkpad);
  GstPad *audio_pad = gst_w2l_infer_get_audio_pad(self);

  if (!latency.live) {
    latency.min = 0;
    latency.max = GST_CLOCK_TIME_NONE;
  }
  if (audio_pad) {
    PeerLatency audio = gst_w2l_infer_ask_latency(audio_pad);
    gst_object_unref(audio_pad);
    GST_OBJECT_LOCK(self);
    gint64 ahead = static_cast<gint64>(w2l::kAudioLookAhead) + self->settings->mel_offset;
    GST_OBJECT_UNLOCK(self);
    GstClockTime window = static_cast<GstClockTime>(std::max<gint64>(ahead, 0));
    latency.min = std::max(latency.min, (audio.live ? audio.min : 0) + window);
    if (audio.live && GST_CLOCK_TIME_IS_VALID(audio.max))
      latency.max = std::min(latency.max, audio.max);
    latency.live = latency.live || audio.live;
  }
  return latency;
}

void gst_w2l_infer_update_latency(GstW2lInfer *self) {
  InferState *state = self->state;
  PeerLatency latency = gst_w2l_infer_combine_latency(self);
  Lock lock(state->signal->lock);

  state->live = latency.live;
  state->live_known = true;
  state->upstream_min = latency.min;
  state->scheduler.set_live(latency.live ? static_cast<w2l::Time>(latency.min + state->budget)
                                         : w2l::kNever);
  state->signal->cond.notify_all();
}

static gboolean gst_w2l_infer_query_latency(GstW2lInfer *self, GstQuery *query) {
  InferState *state = self->state;
  PeerLatency latency = gst_w2l_infer_combine_latency(self);
  GstClockTime budget;
  {
    Lock lock(state->signal->lock);
    budget = state->budget;
  }
  latency.min += budget;
  /* Frames are held here as long as the latency lasts, so upstream's limit grows with ours. */
  if (GST_CLOCK_TIME_IS_VALID(latency.max)) latency.max += latency.min;
  GST_DEBUG_OBJECT(self, "latency: live %d, min %" GST_TIME_FORMAT ", max %" GST_TIME_FORMAT,
                   latency.live, GST_TIME_ARGS(latency.min), GST_TIME_ARGS(latency.max));
  gst_query_set_latency(query, latency.live, latency.min, latency.max);
  return TRUE;
}

/* Pads' query functions */

gboolean gst_w2l_infer_video_query(GstPad *pad, GstObject *parent, GstQuery *query) {
  GstW2lInfer *self = GST_W2L_INFER(parent);

  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_CAPS:
      return gst_w2l_infer_query_caps(pad, self->srcpad, query);
    case GST_QUERY_ACCEPT_CAPS:
      return gst_w2l_infer_query_accept_caps(self, pad, query);
    case GST_QUERY_ALLOCATION:
      return gst_w2l_infer_query_allocation(self, query);
    default:
      if (GST_QUERY_IS_SERIALIZED(query)) return gst_w2l_infer_queue_query(self, query);
      return gst_pad_query_default(pad, parent, query);
  }
}

gboolean gst_w2l_infer_audio_query(GstPad *pad, GstObject *parent, GstQuery *query) {
  /* Nothing of the audio goes on: there is nobody to ask. */
  if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) return FALSE;
  return gst_pad_query_default(pad, parent, query);
}

gboolean gst_w2l_infer_src_query(GstPad *pad, GstObject *parent, GstQuery *query) {
  GstW2lInfer *self = GST_W2L_INFER(parent);

  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_CAPS:
      return gst_w2l_infer_query_caps(pad, self->sinkpad, query);
    case GST_QUERY_ACCEPT_CAPS:
      return gst_w2l_infer_query_accept_caps(self, pad, query);
    case GST_QUERY_LATENCY:
      return gst_w2l_infer_query_latency(self, query);
    default: /* position, duration, seeking: the video's */
      return gst_pad_query_default(pad, parent, query);
  }
}

/* Upstream events */

/* The audio has taken a flushing seek. Until it flushes, what is held of it belongs to the old
 * position, but the new one's running time starts at zero again. */
static void gst_w2l_infer_expect_audio_flush(InferState *state, guint32 seqnum, guint64 flushes) {
  Lock lock(state->signal->lock);

  if (state->audio_flushes != flushes) return; /* while it took the seek, as sources do */
  /* The same seek may have reached a common demuxer through another sink, which then takes ours
   * for done. */
  if (state->audio_flush_seqnum == seqnum) return;
  state->awaiting_audio_flush = true;
  state->timeline.reset();
  state->signal->cond.notify_all();
}

/* The audio has taken a seek that does not flush: the video may be there first. A pad takes nothing
 * more after its EOS unless it is flushed, or a stream starts. */
static void gst_w2l_infer_expect_audio_segment(InferState *state, GstPad *audio_pad) {
  if (GST_PAD_IS_EOS(audio_pad)) return;
  Lock lock(state->signal->lock);

  state->timeline.resume_part();
}

/* A seek goes to both inputs, to the audio first: if that refuses, nothing must have changed. */
static gboolean gst_w2l_infer_seek(GstW2lInfer *self, GstEvent *event) {
  InferState *state = self->state;
  GstPad *audio_pad = gst_w2l_infer_get_audio_pad(self);
  GstSeekFlags flags;
  gboolean result = TRUE;

  gst_event_parse_seek(event, nullptr, nullptr, &flags, nullptr, nullptr, nullptr, nullptr);
  bool flushing = (flags & GST_SEEK_FLAG_FLUSH) && audio_pad && gst_pad_is_linked(audio_pad);
  if (audio_pad && gst_pad_is_linked(audio_pad)) {
    guint64 flushes = 0;
    if (flushing) {
      Lock lock(state->signal->lock);
      state->awaiting_video_flush = state->video_flush_seqnum != gst_event_get_seqnum(event);
      flushes = state->audio_flushes;
    }
    result = gst_pad_push_event(audio_pad, gst_event_ref(event));
    if (!result)
      GST_WARNING_OBJECT(self, "the audio input cannot seek");
    else if (flushing)
      gst_w2l_infer_expect_audio_flush(state, gst_event_get_seqnum(event), flushes);
    else if (!(flags & GST_SEEK_FLAG_INSTANT_RATE_CHANGE))
      gst_w2l_infer_expect_audio_segment(state, audio_pad);
  }
  if (result) result = gst_pad_push_event(self->sinkpad, gst_event_ref(event));
  if (!result && flushing) {
    Lock lock(state->signal->lock);
    state->awaiting_audio_flush = state->awaiting_video_flush = false;
  }
  gst_clear_object(&audio_pad);
  gst_event_unref(event);
  return result;
}

gboolean gst_w2l_infer_src_event(GstPad *pad, GstObject *parent, GstEvent *event) {
  GstW2lInfer *self = GST_W2L_INFER(parent);

  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_SEEK:
      return gst_w2l_infer_seek(self, event);
    case GST_EVENT_RECONFIGURE: {
      /* What was not linked may be now. */
      Lock lock(self->state->signal->lock);
      if (self->state->result == GST_FLOW_NOT_LINKED) {
        self->state->result = GST_FLOW_OK;
        gst_pad_start_task(self->srcpad, gst_w2l_infer_task, self->srcpad, nullptr);
      }
      lock.unlock();
      return gst_pad_event_default(pad, parent, event);
    }
    case GST_EVENT_LATENCY: {
      GstPad *audio_pad = gst_w2l_infer_get_audio_pad(self);
      if (audio_pad) {
        gst_pad_push_event(audio_pad, gst_event_ref(event));
        gst_object_unref(audio_pad);
      }
      gboolean result = gst_pad_event_default(pad, parent, event);
      gst_w2l_infer_update_latency(self);
      return result;
    }
    default:
      return gst_pad_event_default(pad, parent, event);
  }
}
