/* gst-wav2lip: w2linfer's source task, the only thread that submits batches, takes answers
 * and pushes. Each turn carries out one decision of the Scheduler.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <algorithm>
#include <chrono>

#include "gstw2linferprivate.h"
#include "gstw2lpatchmeta.h"
#include "range.h"

#define GST_CAT_DEFAULT gst_w2l_infer_debug

using w2l::Flight;
using w2l::InferState;
using w2l::Lock;
using w2l::QueueItem;
using w2l::Scheduler;

namespace {

/* The inputs of one batch, taken from the queue so that they can be read without the lock. */
struct BatchInput {
  struct Frame {
    w2l::MiniObject buffer;
    std::shared_ptr<w2l::VideoStream> video;
    GstW2lBox box;
    w2l::FaceCrop crop;
  };
  std::vector<Frame> frames;
  std::vector<Scheduler::Id> ids;
  std::vector<float> mels;
};

std::size_t mel_size() {
  return w2l::mel::kBands * w2l::mel::kWindowColumns;
}

BatchInput take_inputs(InferState *state, const std::vector<Scheduler::Candidate> &batch) {
  BatchInput input;
  w2l::TraceRange range{"w2linfer: mel"};

  input.mels.resize(batch.size() * mel_size());
  for (const Scheduler::Candidate &candidate : batch) {
    QueueItem &item = state->items[candidate.id - state->first_id];
    item.box = candidate.box;
    state->timeline.read(candidate.window, &input.mels[input.ids.size() * mel_size()]);
    GstMiniObject *buffer = gst_mini_object_ref(item.object.get());
    input.frames.push_back(
        {w2l::MiniObject(buffer), item.video, candidate.box, std::move(item.crop)});
    input.ids.push_back(candidate.id);
  }
  return input;
}

/* Those that the video chain has not cut. Returns whether there were any. */
bool cut_faces(BatchInput &input, const w2l::EngineInfo &info) {
  w2l::TraceRange range{"w2linfer: crop"};
  bool any = false;

  for (BatchInput::Frame &frame : input.frames) {
    if (!frame.crop.pixels.empty()) continue;
    frame.crop = gst_w2l_infer_cut_face(*frame.video, frame.video->extractor,
                                        GST_BUFFER(frame.buffer.get()), frame.box, info);
    any = true;
  }
  return any;
}

}  // namespace

/* Submits the batch; the lock is released while pixels are read. */
static void gst_w2l_infer_submit(GstW2lInfer *self, Lock &lock,
                                 const std::vector<Scheduler::Candidate> &batch) {
  InferState *state = self->state;
  std::shared_ptr<w2l::Engine> engine = state->engine;
  std::shared_ptr<w2l::Signal> signal = state->signal;
  BatchInput input = take_inputs(state, batch);
  auto flight = std::make_shared<Flight>();

  flight->ids = input.ids;
  lock.unlock();
  w2l::Stopwatch watch;
  bool cut = cut_faces(input, engine->info());
  double crop_ms = watch.milliseconds();
  std::vector<w2l::Sample> samples;
  for (std::size_t i = 0; i < input.ids.size(); i++) {
    const w2l::FaceCrop &crop = input.frames[i].crop;
    samples.push_back({{crop.pixels.data(), crop.width, crop.height}, &input.mels[i * mel_size()]});
  }
  flight->submitted = w2l::Stopwatch();
  flight->ticket = engine->submit(samples, state->settings.region, [signal, flight] {
    std::lock_guard<std::mutex> guard(signal->lock);
    flight->answer_ms = flight->submitted.milliseconds();
    flight->done = true;
    signal->cond.notify_all();
  });
  GST_DEBUG_OBJECT(self, "submitted %u frames", guint(samples.size()));
  lock.lock();
  state->flights.push_back(flight);
  state->counters.batches++;
  state->counters.submitted += samples.size();
  if (cut) state->counters.crop.add(crop_ms);
}

/* Live: the time granted to the network follows what it really takes. */
static bool gst_w2l_infer_raise_budget(InferState *state) {
  if (!state->live) return false;
  /* A frame may come just after a batch has started: it waits for two. */
  double needed = 2 * state->counters.network.percentile(0.95) * GST_MSECOND;
  if (needed <= state->budget || needed > GST_SECOND) return false;
  state->budget = static_cast<GstClockTime>(needed * 1.25);
  return true;
}

/* Takes the answers of the oldest batch, which is done. */
static void gst_w2l_infer_collect(GstW2lInfer *self, Lock &lock) {
  InferState *state = self->state;
  std::shared_ptr<w2l::Engine> engine = state->engine;
  std::shared_ptr<Flight> flight = state->flights.front();

  state->flights.pop_front();
  lock.unlock();
  w2l::Answers answers;
  try {
    answers = engine->collect(flight->ticket);
  } catch (...) {
    lock.lock();
    state->scheduler.gave_up(flight->ids);
    throw;
  }
  lock.lock();
  for (std::size_t i = 0; i < flight->ids.size(); i++) {
    Scheduler::Id id = flight->ids[i];
    if (id < state->first_id) continue; /* it was late, and has left */
    QueueItem &item = state->items[id - state->first_id];
    item.image = std::move(answers.images[i]);
    item.first_valid_row = answers.first_valid_row;
    item.end_valid_row = answers.end_valid_row;
  }
  state->counters.repeated_crops += guint64(answers.repeated_crops);
  state->counters.network.add(answers.milliseconds);
  state->counters.wait.add(flight->submitted.milliseconds());
  state->scheduler.measured(static_cast<w2l::Time>(flight->answer_ms * GST_MSECOND));
  state->scheduler.answered(flight->ids);
  if (gst_w2l_infer_raise_budget(state)) {
    lock.unlock();
    gst_w2l_infer_update_latency(self);
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
    lock.lock();
  }
}

/* Pushing */

static GstBuffer *gst_w2l_infer_attach_patch(QueueItem &item, int size) {
  GstBuffer *buffer = gst_buffer_make_writable(GST_BUFFER(item.object.release()));
  auto *pixels = new std::vector<std::uint8_t>(std::move(item.image));
  GstBuffer *image = gst_buffer_new_wrapped_full(
      GST_MEMORY_FLAG_READONLY, pixels->data(), pixels->size(), 0, pixels->size(), pixels,
      [](gpointer data) { delete static_cast<std::vector<std::uint8_t> *>(data); });
  GstVideoInfo info;

  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_BGR, size, size);
  /* The answer's rows are packed, which is not GStreamer's default for every width. */
  info.stride[0] = size * 3;
  info.size = pixels->size();
  gst_buffer_add_w2l_patch_meta(buffer, &item.box, item.face_id, image, &info, item.first_valid_row,
                                item.end_valid_row);
  gst_buffer_unref(image);
  return buffer;
}

static void gst_w2l_infer_count(InferState *state, Scheduler::Outcome outcome) {
  if (outcome == Scheduler::Outcome::Patched) state->counters.patched++;
  if (outcome == Scheduler::Outcome::Passed) state->counters.passed++;
  if (outcome == Scheduler::Outcome::Late) state->counters.late++;
}

static void gst_w2l_infer_finish_query(InferState *state, gboolean answer) {
  state->query_answer = answer;
  state->query_done = true;
  state->signal->cond.notify_all();
}

/* Pushes the item that the Scheduler has let go. */
static GstFlowReturn gst_w2l_infer_push(GstW2lInfer *self, Lock &lock, Scheduler::Outcome outcome) {
  InferState *state = self->state;
  QueueItem item = std::move(state->items.front());
  GstFlowReturn flow = GST_FLOW_OK;
  GstEventType event_type = GST_EVENT_UNKNOWN;
  const int size = state->engine->info().crop_size;

  state->items.pop_front();
  state->first_id++;
  if (!state->awaiting_video_flush)
    state->timeline.discard_before(state->scheduler.oldest_unsubmitted());
  state->pushing = true;
  gst_w2l_infer_count(state, outcome);
  state->signal->cond.notify_all(); /* there is room for a frame */
  lock.unlock();
  if (item.query) {
    gboolean answer = gst_pad_peer_query(self->srcpad, item.query);
    lock.lock();
    gst_w2l_infer_finish_query(state, answer);
  } else if (!item.object) {
    lock.lock(); /* a query that nobody waits for any more */
  } else if (GST_IS_EVENT(item.object.get())) {
    event_type = GST_EVENT_TYPE(item.object.get());
    if (event_type == GST_EVENT_SEGMENT)
      state->segment_seqnum = gst_event_get_seqnum(GST_EVENT(item.object.get()));
    gst_pad_push_event(self->srcpad, GST_EVENT(item.object.release()));
    lock.lock();
  } else {
    w2l::TraceRange range{"w2linfer: push"};
    GstBuffer *buffer = outcome == Scheduler::Outcome::Patched
                            ? gst_w2l_infer_attach_patch(item, size)
                            : GST_BUFFER(item.object.release());
    GST_LOG_OBJECT(self, "pushing %" GST_TIME_FORMAT " %s", GST_TIME_ARGS(GST_BUFFER_PTS(buffer)),
                   outcome == Scheduler::Outcome::Patched ? "patched" : "unpatched");
    flow = gst_pad_push(self->srcpad, buffer);
    lock.lock();
  }
  state->pushing = false;
  state->pushed++;
  state->signal->cond.notify_all();
  /* Unless a new stream has begun behind it already. */
  if (event_type == GST_EVENT_EOS && state->items.empty()) {
    state->eos_pushed = true;
    flow = GST_FLOW_EOS;
  }
  return flow;
}

/* Waiting */

static gboolean gst_w2l_infer_deadline_reached(GstClock *, GstClockTime, GstClockID,
                                               gpointer data) {
  auto *signal = static_cast<std::shared_ptr<w2l::Signal> *>(data);
  std::lock_guard<std::mutex> guard((*signal)->lock);
  (*signal)->changes++;
  (*signal)->cond.notify_all();
  return TRUE;
}

static void gst_w2l_infer_free_signal(gpointer data) {
  delete static_cast<std::shared_ptr<w2l::Signal> *>(data);
}

/* On any clock, by its own means. */
static void gst_w2l_infer_wait_for_clock(InferState *state, Lock &lock, GstClock *clock,
                                         GstClockTime time) {
  guint64 seen = state->signal->changes;
  GstClockID id = gst_clock_new_single_shot_id(clock, time);
  gst_clock_id_wait_async(id, gst_w2l_infer_deadline_reached,
                          new std::shared_ptr<w2l::Signal>(state->signal),
                          gst_w2l_infer_free_signal);
  /* The callback needs the lock, so its change cannot be missed here. */
  if (state->signal->changes == seen) state->signal->cond.wait(lock);
  lock.unlock();
  gst_clock_id_unschedule(id);
  gst_clock_id_unref(id);
  lock.lock();
}

/* The system's clock goes as fast as the condition's, whose timeout costs nothing. The other way
 * all streams of a process share the clock's lock, its list of times and its thread. */
static void gst_w2l_infer_wait_for_system_clock(InferState *state, Lock &lock, GstClock *clock,
                                                GstClockTime time) {
  GstClockTime now = gst_clock_get_time(clock);

  if (now < time) state->signal->cond.wait_for(lock, std::chrono::nanoseconds(time - now));
}

/* Sleeps until something changes or, live, until `until` on the pipeline's clock. */
static void gst_w2l_infer_wait(GstW2lInfer *self, Lock &lock, w2l::Time until) {
  InferState *state = self->state;

  GstClock *clock =
      until == w2l::kNever || !state->playing ? nullptr : gst_element_get_clock(GST_ELEMENT(self));
  if (!clock) {
    state->signal->cond.wait(lock);
    return;
  }
  GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self));
  GstClockTime time = base + std::max<w2l::Time>(until, 0);
  if (G_OBJECT_TYPE(clock) == GST_TYPE_SYSTEM_CLOCK) /* those derived from it may go otherwise */
    gst_w2l_infer_wait_for_system_clock(state, lock, clock, time);
  else
    gst_w2l_infer_wait_for_clock(state, lock, clock, time);
  lock.unlock();
  gst_object_unref(clock);
  lock.lock();
}

static w2l::Time gst_w2l_infer_now(GstW2lInfer *self) {
  if (!self->state->live || !self->state->playing) return w2l::kNoTime;
  GstClockTime now = gst_element_get_current_running_time(GST_ELEMENT(self));
  return GST_CLOCK_TIME_IS_VALID(now) ? static_cast<w2l::Time>(now) : w2l::kNoTime;
}

/* The loop */

/* Nothing goes on from here; what is still held would never leave. */
static void gst_w2l_infer_stop_with(GstW2lInfer *self, Lock &lock, GstFlowReturn flow,
                                    bool posted) {
  InferState *state = self->state;
  bool video_eos = state->video_eos;

  if (state->result == GST_FLOW_OK) state->result = flow;
  if (flow == GST_FLOW_FLUSHING) {
    /* Whoever flushes also clears, and keeps the caps and tags that are still in the queue. */
    gst_w2l_infer_finish_query(state, FALSE);
    gst_pad_pause_task(self->srcpad);
    return;
  }
  bool push_eos = !state->eos_pushed && (flow == GST_FLOW_EOS || flow <= GST_FLOW_NOT_NEGOTIATED);
  if (push_eos) state->eos_pushed = true;
  std::deque<std::shared_ptr<Flight>> flights;
  flights.swap(state->flights);
  std::deque<QueueItem> items;
  items.swap(state->items);
  state->first_id += items.size();
  state->scheduler.reset();
  std::shared_ptr<w2l::Engine> engine = state->engine;
  gst_w2l_infer_finish_query(state, FALSE);
  GST_DEBUG_OBJECT(self, "pausing the task: %s", gst_flow_get_name(flow));
  /* Under the lock, so that whoever starts it again does so afterwards. */
  gst_pad_pause_task(self->srcpad);
  lock.unlock();

  if (flow == GST_FLOW_NOT_LINKED) {
    for (const QueueItem &item : items) {
      if (item.object && GST_IS_EVENT(item.object.get()))
        gst_w2l_infer_store_sticky(self, GST_EVENT(item.object.get()));
    }
  }
  for (const auto &flight : flights) engine->discard(flight->ticket);
  /* Otherwise upstream learns of it from its next buffer, and posts the error itself. */
  if (!posted && video_eos && (flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS))
    GST_ELEMENT_FLOW_ERROR(self, flow);
  if (push_eos) {
    GstEvent *eos = gst_event_new_eos();
    if (state->segment_seqnum != GST_SEQNUM_INVALID)
      gst_event_set_seqnum(eos, state->segment_seqnum);
    gst_pad_push_event(self->srcpad, eos);
  }
  lock.lock();
}

static GstFlowReturn gst_w2l_infer_turn(GstW2lInfer *self, Lock &lock) {
  InferState *state = self->state;

  if (state->result != GST_FLOW_OK) return state->result;
  if (!state->flights.empty() && state->flights.front()->done) {
    gst_w2l_infer_collect(self, lock);
    return GST_FLOW_OK;
  }
  Scheduler::Decision decision = state->scheduler.next(state->timeline, gst_w2l_infer_now(self));
  switch (decision.kind) {
    case Scheduler::Decision::Kind::Submit:
      gst_w2l_infer_submit(self, lock, decision.batch);
      return GST_FLOW_OK;
    case Scheduler::Decision::Kind::Push:
      return gst_w2l_infer_push(self, lock, decision.outcome);
    case Scheduler::Decision::Kind::EndOfStream:
      GST_INFO_OBJECT(self, "the audio has ended, and the video with it");
      return GST_FLOW_EOS;
    case Scheduler::Decision::Kind::Wait:
      gst_w2l_infer_wait(self, lock, decision.until);
      return GST_FLOW_OK;
  }
  return GST_FLOW_OK;
}

void gst_w2l_infer_task(gpointer data) {
  GstW2lInfer *self = GST_W2L_INFER(GST_PAD_PARENT(data));
  InferState *state = self->state;
  Lock lock(state->signal->lock);
  GstFlowReturn flow = GST_FLOW_ERROR;
  bool posted = true;

  auto report = [&](const w2l::Error &error) {
    if (lock.owns_lock()) lock.unlock();
    gst_w2l_infer_post_error(self, error);
  };
  try {
    flow = gst_w2l_infer_turn(self, lock);
    posted = false;
  } catch (const w2l::Error &error) {
    report(error);
  } catch (const std::bad_alloc &) {
    report({w2l::ErrorCode::OutOfMemory,
            "not enough memory for the next batch; use a smaller "
            "batch-size"});
  } catch (const std::exception &error) {
    report({w2l::ErrorCode::Failed, error.what()});
  }
  if (flow == GST_FLOW_OK) return;
  if (!lock.owns_lock()) lock.lock();
  gst_w2l_infer_stop_with(self, lock, flow, posted);
}

gboolean gst_w2l_infer_src_activate_mode(GstPad *pad, GstObject *parent, GstPadMode mode,
                                         gboolean active) {
  GstW2lInfer *self = GST_W2L_INFER(parent);
  InferState *state = self->state;

  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  {
    Lock lock(state->signal->lock);
    state->result = active ? GST_FLOW_OK : GST_FLOW_FLUSHING;
    state->signal->cond.notify_all();
  }
  if (active) return gst_pad_start_task(pad, gst_w2l_infer_task, pad, nullptr);
  return gst_pad_stop_task(pad);
}
