/* gst-wav2lip: w2linfer's class, properties and state changes; see gstw2linferprivate.h for where
 * the rest is.
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-w2linfer
 * @title: w2linfer
 *
 * Runs a Wav2Lip network on the face that w2lfacecache found and on the speech at the `audio`
 * pad, and attaches the answer to the frame for w2lpatch. Frames leave in order and unchanged.
 * Without an `audio` pad every frame passes.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=face.mp4 ! decodebin ! w2lfacecache ! queue ! w2linfer name=infer
 * model=wav2lip.pth ! queue ! w2lpatch ! videoconvert ! autovideosink filesrc location=speech.wav !
 * decodebin ! infer.audio
 * ]|
 */

#include "gstw2linferprivate.h"
#include "gstw2lversion.h"
#include "gstw2lvideo.h"

GST_DEBUG_CATEGORY(gst_w2l_infer_debug);
#define GST_CAT_DEFAULT gst_w2l_infer_debug

#define AUDIO_CAPS                                        \
  "audio/x-raw, format = (string) " GST_AUDIO_FORMATS_ALL \
  ", rate = (int) [ 1, MAX ], "                           \
  "channels = (int) [ 1, MAX ], layout = (string) { interleaved, non-interleaved }"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_W2L_VIDEO_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_W2L_VIDEO_CAPS));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(AUDIO_CAPS));

enum {
  PROP_0,
  PROP_MODEL,
  PROP_DEVICE,
  PROP_PRECISION,
  PROP_THREADS,
  PROP_FEATURE_CACHE_SIZE,
  PROP_BATCH_SIZE,
  PROP_MEL_OFFSET,
  PROP_REGION,
  PROP_SMOOTHING,
  PROP_ON_AUDIO_END,
  PROP_STATS,
};

#define DEFAULT_DEVICE "auto"
#define MAX_THREADS 1024
#define MAX_BATCH_SIZE 128
#define MAX_FEATURE_CACHE_SIZE (64 * 1024)

G_DEFINE_TYPE(GstW2lInfer, gst_w2l_infer, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(w2linfer, "w2linfer", GST_RANK_NONE, GST_TYPE_W2L_INFER)

w2l::VideoStream::VideoStream(const GstVideoInfo &video_info)
    : info(video_info),
      unsupported(gst_w2l_video_info_unsupported(&video_info)),
      extractor(video_info),
      early_extractor(video_info) {}

/* Errors */

void gst_w2l_infer_post_error(GstW2lInfer *self, const w2l::Error &error) {
  const gchar *text = error.what();

  switch (error.code()) {
    case w2l::ErrorCode::NotFound:
    case w2l::ErrorCode::NoDevice:
    case w2l::ErrorCode::UnusableDevice:
      GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND, ("%s", text), (NULL));
      break;
    case w2l::ErrorCode::OpenRead:
      GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ, ("%s", text), (NULL));
      break;
    case w2l::ErrorCode::Format:
      GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("%s", text), (NULL));
      break;
    case w2l::ErrorCode::Unsupported:
      GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS, ("%s", text), (NULL));
      break;
    case w2l::ErrorCode::NoLibrary:
      GST_ELEMENT_ERROR(self, LIBRARY, INIT, ("%s", text), (NULL));
      break;
    case w2l::ErrorCode::OutOfMemory:
      GST_ELEMENT_ERROR(self, RESOURCE, NO_SPACE_LEFT, ("%s", text), (NULL));
      break;
    case w2l::ErrorCode::Failed:
      GST_ELEMENT_ERROR(self, LIBRARY, FAILED, ("%s", text), (NULL));
      break;
  }
}

/* Properties */

static void gst_w2l_infer_set_property(GObject *object, guint id, const GValue *value,
                                       GParamSpec *pspec) {
  GstW2lInfer *self = GST_W2L_INFER(object);
  w2l::InferSettings *settings = self->settings;
  auto string_of = [value] {
    const gchar *text = g_value_get_string(value);
    return std::string(text ? text : "");
  };

  GST_OBJECT_LOCK(self);
  switch (id) {
    case PROP_MODEL:
      settings->engine.model = string_of();
      break;
    case PROP_DEVICE:
      settings->engine.device = string_of();
      if (settings->engine.device.empty()) settings->engine.device = DEFAULT_DEVICE;
      break;
    case PROP_PRECISION:
      settings->engine.precision = static_cast<w2l::Precision>(g_value_get_enum(value));
      break;
    case PROP_THREADS:
      settings->engine.threads = g_value_get_int(value);
      break;
    case PROP_FEATURE_CACHE_SIZE:
      settings->engine.feature_cache_bytes = std::size_t{g_value_get_uint(value)} * w2l::kMiB;
      break;
    case PROP_BATCH_SIZE:
      settings->batch_size = g_value_get_int(value);
      break;
    case PROP_MEL_OFFSET:
      settings->mel_offset = g_value_get_int64(value);
      break;
    case PROP_REGION:
      settings->region = static_cast<w2l::Region>(g_value_get_enum(value));
      break;
    case PROP_SMOOTHING:
      settings->smoothing = static_cast<GstW2lSmoothing>(g_value_get_enum(value));
      break;
    case PROP_ON_AUDIO_END:
      settings->audio_end = static_cast<GstW2lAudioEnd>(g_value_get_enum(value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK(self);
}

static GstStructure *gst_w2l_infer_get_stats(GstW2lInfer *self) {
  w2l::InferState *state = self->state;
  w2l::Lock lock(state->signal->lock);
  const w2l::InferCounters &counters = state->counters;
  gdouble mean = counters.batches ? gdouble(counters.submitted) / counters.batches : 0.0;

  /* clang-format off */
  return gst_structure_new("application/x-w2l-infer-stats",
      "frames", G_TYPE_UINT64, counters.frames,
      "patched", G_TYPE_UINT64, counters.patched,
      "passed", G_TYPE_UINT64, counters.passed,
      "late", G_TYPE_UINT64, counters.late,
      "batches", G_TYPE_UINT64, counters.batches,
      "mean-batch", G_TYPE_DOUBLE, mean,
      "repeated-crops", G_TYPE_UINT64, counters.repeated_crops,
      "crop-ms-p50", G_TYPE_DOUBLE, counters.crop.percentile(0.5),
      "crop-ms-p95", G_TYPE_DOUBLE, counters.crop.percentile(0.95),
      "crop-ms-total", G_TYPE_DOUBLE, counters.crop.total(),
      "network-ms-p50", G_TYPE_DOUBLE, counters.network.percentile(0.5),
      "network-ms-p95", G_TYPE_DOUBLE, counters.network.percentile(0.95),
      "network-ms-total", G_TYPE_DOUBLE, counters.network.total(),
      "wait-ms-p50", G_TYPE_DOUBLE, counters.wait.percentile(0.5),
      "wait-ms-p95", G_TYPE_DOUBLE, counters.wait.percentile(0.95),
      "held", G_TYPE_UINT, guint(state->scheduler.frames()),
      "in-flight", G_TYPE_UINT, guint(state->scheduler.in_flight()),
      "device", G_TYPE_STRING, state->engine ? state->engine->info().device.c_str() : "",
      "precision", G_TYPE_STRING,
          state->engine ? w2l::to_string(state->engine->info().precision) : "",
      NULL);
  /* clang-format on */
}

static void gst_w2l_infer_get_property(GObject *object, guint id, GValue *value,
                                       GParamSpec *pspec) {
  GstW2lInfer *self = GST_W2L_INFER(object);
  w2l::InferSettings *settings = self->settings;

  if (id == PROP_STATS) {
    g_value_take_boxed(value, gst_w2l_infer_get_stats(self));
    return;
  }
  GST_OBJECT_LOCK(self);
  switch (id) {
    case PROP_MODEL:
      g_value_set_string(value, settings->engine.model.c_str());
      break;
    case PROP_DEVICE:
      g_value_set_string(value, settings->engine.device.c_str());
      break;
    case PROP_PRECISION:
      g_value_set_enum(value, static_cast<gint>(settings->engine.precision));
      break;
    case PROP_THREADS:
      g_value_set_int(value, settings->engine.threads);
      break;
    case PROP_FEATURE_CACHE_SIZE:
      g_value_set_uint(value, guint(settings->engine.feature_cache_bytes / w2l::kMiB));
      break;
    case PROP_BATCH_SIZE:
      g_value_set_int(value, settings->batch_size);
      break;
    case PROP_MEL_OFFSET:
      g_value_set_int64(value, settings->mel_offset);
      break;
    case PROP_REGION:
      g_value_set_enum(value, static_cast<gint>(settings->region));
      break;
    case PROP_SMOOTHING:
      g_value_set_enum(value, settings->smoothing);
      break;
    case PROP_ON_AUDIO_END:
      g_value_set_enum(value, settings->audio_end);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK(self);
}

/* State changes */

static w2l::InferSettings gst_w2l_infer_copy_settings(GstW2lInfer *self) {
  GST_OBJECT_LOCK(self);
  w2l::InferSettings copy = *self->settings;
  GST_OBJECT_UNLOCK(self);
  return copy;
}

/* Opens the engine that the properties ask for, unless it is open already. */
static gboolean gst_w2l_infer_open(GstW2lInfer *self) {
  w2l::InferState *state = self->state;
  w2l::EngineConfig config = gst_w2l_infer_copy_settings(self).engine;

  if (config.model.empty()) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("No checkpoint given: set model= to a Wav2Lip .pth file"), (NULL));
    return FALSE;
  }
  if (state->engine && state->engine_config == config) return TRUE;
  try {
    std::shared_ptr<w2l::Engine> engine = w2l::open_engine(config);
    const w2l::EngineInfo &info = engine->info();
    GST_INFO_OBJECT(self, "opened %s: %s, %" G_GINT64_FORMAT " parameters, %s, %s",
                    config.model.c_str(), info.family.c_str(), info.parameters, info.device.c_str(),
                    w2l::to_string(info.precision));
    if (!info.fallback.empty())
      GST_ELEMENT_WARNING(self, RESOURCE, NOT_FOUND,
                          ("The network runs on the CPU: %s", info.fallback.c_str()), (NULL));
    w2l::Lock lock(state->signal->lock);
    state->engine = std::move(engine);
    state->engine_config = config;
    return TRUE;
  } catch (const w2l::Error &error) {
    gst_w2l_infer_post_error(self, error);
  } catch (const std::bad_alloc &) {
    GST_ELEMENT_ERROR(self, RESOURCE, NO_SPACE_LEFT,
                      ("Not enough memory to open %s", config.model.c_str()), (NULL));
  } catch (const std::exception &error) {
    GST_ELEMENT_ERROR(self, LIBRARY, INIT,
                      ("Cannot open %s: %s", config.model.c_str(), error.what()), (NULL));
  }
  return FALSE;
}

/* Latches the settings and forgets everything of an earlier run. */
static void gst_w2l_infer_start(GstW2lInfer *self) {
  w2l::InferState *state = self->state;
  w2l::InferSettings settings = gst_w2l_infer_copy_settings(self);
  GstPad *audio = gst_w2l_infer_get_audio_pad(self);
  w2l::Lock lock(state->signal->lock);
  const w2l::EngineInfo &info = state->engine->info();
  w2l::Scheduler::Settings scheduling;

  scheduling.batch_size = settings.batch_size ? settings.batch_size : info.preferred_batch;
  scheduling.batch_size = std::min(scheduling.batch_size, info.max_batch);
  scheduling.slots = info.slots;
  scheduling.reference_smoothing = settings.smoothing == GST_W2L_SMOOTHING_REFERENCE;
  scheduling.end_with_audio = settings.audio_end == GST_W2L_AUDIO_END_END;
  state->scheduler = w2l::Scheduler(scheduling);
  state->scheduler.set_has_audio(audio != nullptr);
  state->first_id = 0;
  state->timeline.reset();
  state->timeline.set_offset(settings.mel_offset);
  state->settings = settings;
  state->counters = w2l::InferCounters();
  state->video_eos = state->eos_pushed = state->pushing = false;
  state->awaiting_audio_flush = state->awaiting_video_flush = false;
  state->audio_flush_seqnum = state->video_flush_seqnum = GST_SEQNUM_INVALID;
  state->video_untimed = false;
  state->stall_warned = false;
  state->video_position = w2l::kNoTime;
  state->live = state->live_known = false;
  state->budget = w2l::kInitialBudget;
  state->video.reset();
  state->audio_input.reset();
  state->next_discont = state->audio_discont = true;
  gst_segment_init(&state->video_segment, GST_FORMAT_TIME);
  gst_segment_init(&state->audio_segment, GST_FORMAT_TIME);
  lock.unlock();
  gst_clear_object(&audio);
}

static void gst_w2l_infer_close(GstW2lInfer *self) {
  std::shared_ptr<w2l::Engine> engine;
  w2l::Lock lock(self->state->signal->lock);

  engine.swap(self->state->engine);
  lock.unlock();
  /* The last reference closes the network outside the lock: its threads may want it. */
}

void gst_w2l_infer_clear_video(GstW2lInfer *self, bool keep_sticky) {
  w2l::InferState *state = self->state;
  std::deque<std::shared_ptr<w2l::Flight>> flights;
  std::deque<w2l::QueueItem> items;
  std::shared_ptr<w2l::Engine> engine;
  {
    w2l::Lock lock(state->signal->lock);
    flights.swap(state->flights);
    items.swap(state->items);
    state->scheduler.reset();
    state->first_id += items.size();
    state->video_eos = state->eos_pushed = false;
    state->video_position = w2l::kNoTime;
    state->query_answer = false;
    state->query_done = true;
    engine = state->engine;
    state->signal->cond.notify_all();
  }
  /* Waits for the batches in flight, whose callbacks want the lock. */
  for (const auto &flight : flights) engine->discard(flight->ticket);
  for (const w2l::QueueItem &item : items) {
    if (keep_sticky && item.object && GST_IS_EVENT(item.object.get()))
      gst_w2l_infer_store_sticky(self, GST_EVENT(item.object.get()));
  }
}

/* Deadlines count in PLAYING only: otherwise the base time belongs to the past. */
static void gst_w2l_infer_set_playing(GstW2lInfer *self, bool playing) {
  w2l::Lock lock(self->state->signal->lock);

  self->state->playing = playing;
  self->state->signal->cond.notify_all();
}

static GstStateChangeReturn gst_w2l_infer_change_state(GstElement *element,
                                                       GstStateChange transition) {
  GstW2lInfer *self = GST_W2L_INFER(element);
  w2l::InferState *state = self->state;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !gst_w2l_infer_open(self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    if (!gst_w2l_infer_open(self)) return GST_STATE_CHANGE_FAILURE;
    gst_w2l_infer_start(self);
  }
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) gst_w2l_infer_set_playing(self, false);

  GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_w2l_infer_parent_class)->change_state(element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_w2l_infer_clear_video(self, false);
    w2l::Lock lock(state->signal->lock);
    state->timeline.reset();
  }
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) gst_w2l_infer_close(self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) gst_w2l_infer_set_playing(self, true);
  return result;
}

/* Pads */

GstPad *gst_w2l_infer_get_audio_pad(GstW2lInfer *self) {
  GST_OBJECT_LOCK(self);
  GstPad *pad = self->audiopad ? GST_PAD(gst_object_ref(self->audiopad)) : nullptr;
  GST_OBJECT_UNLOCK(self);
  return pad;
}

static GstIterator *gst_w2l_infer_internal_links(GstPad *pad, GstObject *parent) {
  GstW2lInfer *self = GST_W2L_INFER(parent);
  GValue value = G_VALUE_INIT;

  /* The audio is consumed here: nothing of it goes on. */
  if (pad != self->sinkpad && pad != self->srcpad) return nullptr;
  g_value_init(&value, GST_TYPE_PAD);
  g_value_set_object(&value, pad == self->sinkpad ? self->srcpad : self->sinkpad);
  GstIterator *iterator = gst_iterator_new_single(GST_TYPE_PAD, &value);
  g_value_unset(&value);
  return iterator;
}

static void gst_w2l_infer_set_has_audio(GstW2lInfer *self, bool has_audio) {
  w2l::InferState *state = self->state;
  w2l::Lock lock(state->signal->lock);
  const bool live = state->live; /* as far as it is known */

  state->scheduler.set_has_audio(has_audio);
  state->live_known = false;
  state->timeline.reset();
  state->audio_input.reset();
  state->audio_discont = true;
  state->awaiting_audio_flush = false;
  state->audio_flush_seqnum = GST_SEQNUM_INVALID;
  state->signal->cond.notify_all();
  lock.unlock();
  /* Speech is heard ahead of the picture: with it frames leave later. */
  if (live) gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

static GstPad *gst_w2l_infer_request_new_pad(GstElement *element, GstPadTemplate *templ,
                                             const gchar *, const GstCaps *) {
  GstW2lInfer *self = GST_W2L_INFER(element);
  GstPad *existing = gst_w2l_infer_get_audio_pad(self);

  if (existing) {
    GST_WARNING_OBJECT(self, "there is one audio pad only, and it has been requested already");
    gst_object_unref(existing);
    return nullptr;
  }
  GstPad *pad = gst_pad_new_from_template(templ, "audio");
  gst_pad_set_chain_function(pad, GST_DEBUG_FUNCPTR(gst_w2l_infer_audio_chain));
  gst_pad_set_event_function(pad, GST_DEBUG_FUNCPTR(gst_w2l_infer_audio_event));
  gst_pad_set_query_function(pad, GST_DEBUG_FUNCPTR(gst_w2l_infer_audio_query));
  gst_pad_set_element_private(pad, self);
  gst_pad_set_activatemode_function(pad, GST_DEBUG_FUNCPTR(gst_w2l_infer_sink_activate_mode));
  gst_pad_set_iterate_internal_links_function(pad, GST_DEBUG_FUNCPTR(gst_w2l_infer_internal_links));
  GST_OBJECT_LOCK(self);
  self->audiopad = pad;
  GST_OBJECT_UNLOCK(self);
  gst_w2l_infer_set_has_audio(self, true);
  gst_pad_set_active(pad, TRUE); /* the element may be running already */
  gst_element_add_pad(element, pad);
  return pad;
}

static void gst_w2l_infer_release_pad(GstElement *element, GstPad *pad) {
  GstW2lInfer *self = GST_W2L_INFER(element);

  gst_object_ref(pad);
  gst_pad_set_active(pad, FALSE); /* its chain has left when this returns */
  gst_element_remove_pad(element, pad);
  GST_OBJECT_LOCK(self);
  self->audiopad = nullptr;
  GST_OBJECT_UNLOCK(self);
  gst_w2l_infer_set_has_audio(self, false);
  gst_object_unref(pad);
}

/* Class */

static void gst_w2l_infer_finalize(GObject *object) {
  GstW2lInfer *self = GST_W2L_INFER(object);

  delete self->state;
  delete self->settings;
  G_OBJECT_CLASS(gst_w2l_infer_parent_class)->finalize(object);
}

static void gst_w2l_infer_install_properties(GObjectClass *klass) {
  const auto ready =
      GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

  g_object_class_install_property(
      klass, PROP_MODEL,
      g_param_spec_string("model", "Model", "Path of the Wav2Lip checkpoint (.pth)", nullptr,
                          ready));
  g_object_class_install_property(
      klass, PROP_DEVICE,
      g_param_spec_string("device", "Device", "Where the network runs: auto, cpu, cuda or cuda:N",
                          DEFAULT_DEVICE, ready));
  g_object_class_install_property(
      klass, PROP_PRECISION,
      g_param_spec_enum("precision", "Precision",
                        "Arithmetic of the network; auto is bf16 on x86 CPUs, fp32 on "
                        "others, and fp16 on a GPU",
                        GST_TYPE_W2L_PRECISION, static_cast<gint>(w2l::Precision::Auto), ready));
  g_object_class_install_property(
      klass, PROP_THREADS,
      g_param_spec_int("threads", "Threads",
                       "CPU threads of the network (0 = one for each CPU it may use)", 0,
                       MAX_THREADS, 0, ready));
  g_object_class_install_property(
      klass, PROP_FEATURE_CACHE_SIZE,
      g_param_spec_uint("feature-cache-size", "Feature cache size",
                        "MiB at most for what the network computes of faces alone, in case they "
                        "come again: looped video, still images (0 = nothing is kept)",
                        0, MAX_FEATURE_CACHE_SIZE, w2l::kFeatureCacheMiB, ready));
  g_object_class_install_property(
      klass, PROP_BATCH_SIZE,
      g_param_spec_int("batch-size", "Batch size",
                       "Frames the network takes at once at most (0 = what suits the device)", 0,
                       MAX_BATCH_SIZE, 0, ready));
  g_object_class_install_property(
      klass, PROP_MEL_OFFSET,
      g_param_spec_int64("mel-offset", "Mel offset",
                         "A frame sees the speech of this many nanoseconds later (negative: "
                         "earlier); 0 is what the reference does",
                         -GST_SECOND, GST_SECOND, 0, ready));
  g_object_class_install_property(
      klass, PROP_REGION,
      g_param_spec_enum("region", "Region", "Part of the face that is computed",
                        GST_TYPE_W2L_REGION, static_cast<gint>(w2l::Region::Lower), ready));
  g_object_class_install_property(
      klass, PROP_SMOOTHING,
      g_param_spec_enum("smoothing", "Smoothing",
                        "Smoothing of the face boxes; reference holds frames until four more "
                        "have come",
                        GST_TYPE_W2L_SMOOTHING, GST_W2L_SMOOTHING_NONE, ready));
  g_object_class_install_property(
      klass, PROP_ON_AUDIO_END,
      g_param_spec_enum("on-audio-end", "On audio end", "What to do when the audio ends first",
                        GST_TYPE_W2L_AUDIO_END, GST_W2L_AUDIO_END_END, ready));
  g_object_class_install_property(
      klass, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Frames by outcome, repeated crops, batches, milliseconds by stage, frames held",
          GST_TYPE_STRUCTURE, GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

static void gst_w2l_infer_class_init(GstW2lInferClass *klass) {
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);

  object_class->set_property = gst_w2l_infer_set_property;
  object_class->get_property = gst_w2l_infer_get_property;
  object_class->finalize = gst_w2l_infer_finalize;
  gst_w2l_infer_install_properties(object_class);

  element_class->change_state = GST_DEBUG_FUNCPTR(gst_w2l_infer_change_state);
  element_class->request_new_pad = GST_DEBUG_FUNCPTR(gst_w2l_infer_request_new_pad);
  element_class->release_pad = GST_DEBUG_FUNCPTR(gst_w2l_infer_release_pad);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_add_static_pad_template(element_class, &audio_template);
  gst_element_class_set_static_metadata(
      element_class, "Wav2Lip inference", "Filter/Analyzer/Video/Audio",
      "Computes lips that speak the given audio", "The gst-wav2lip developers");

  gst_type_mark_as_plugin_api(GST_TYPE_W2L_PRECISION, GstPluginAPIFlags(0));
  gst_type_mark_as_plugin_api(GST_TYPE_W2L_REGION, GstPluginAPIFlags(0));
  gst_type_mark_as_plugin_api(GST_TYPE_W2L_SMOOTHING, GstPluginAPIFlags(0));
  gst_type_mark_as_plugin_api(GST_TYPE_W2L_AUDIO_END, GstPluginAPIFlags(0));
}

static void gst_w2l_infer_init(GstW2lInfer *self) {
  self->settings = new w2l::InferSettings();
  self->state = new w2l::InferState();
  self->state->budget = w2l::kInitialBudget;

  self->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_w2l_infer_video_chain));
  gst_pad_set_event_full_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_w2l_infer_video_event));
  gst_pad_set_query_function(self->sinkpad, GST_DEBUG_FUNCPTR(gst_w2l_infer_video_query));
  gst_pad_set_element_private(self->sinkpad, self);
  gst_pad_set_activatemode_function(self->sinkpad,
                                    GST_DEBUG_FUNCPTR(gst_w2l_infer_sink_activate_mode));
  gst_pad_set_iterate_internal_links_function(self->sinkpad,
                                              GST_DEBUG_FUNCPTR(gst_w2l_infer_internal_links));
  gst_element_add_pad(GST_ELEMENT(self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_activatemode_function(self->srcpad,
                                    GST_DEBUG_FUNCPTR(gst_w2l_infer_src_activate_mode));
  gst_pad_set_event_function(self->srcpad, GST_DEBUG_FUNCPTR(gst_w2l_infer_src_event));
  gst_pad_set_query_function(self->srcpad, GST_DEBUG_FUNCPTR(gst_w2l_infer_src_query));
  gst_pad_set_iterate_internal_links_function(self->srcpad,
                                              GST_DEBUG_FUNCPTR(gst_w2l_infer_internal_links));
  gst_element_add_pad(GST_ELEMENT(self), self->srcpad);
}

static gboolean plugin_init(GstPlugin *plugin) {
  GST_DEBUG_CATEGORY_INIT(gst_w2l_infer_debug, "w2linfer", 0, "Wav2Lip inference");
  return GST_ELEMENT_REGISTER(w2linfer, plugin);
}

#define PACKAGE "gst-wav2lip"
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, w2linfer, "Wav2Lip inference", plugin_init,
                  GST_W2L_VERSION, "LGPL", "gst-wav2lip", "gst-wav2lip")
