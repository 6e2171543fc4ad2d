/* gst-wav2lip: the w2lfacecache element: properties and life-cycle. What it does to a frame is in
 * face_follower.cpp (where is the face) and box_math.cpp (which region is that).
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-w2lfacecache
 * @title: w2lfacecache
 *
 * Finds the face in raw video and attaches where it is to each frame, as a #GstW2lFaceMeta, for
 * w2linfer. Pixels are only read: the frame itself is neither converted, copied nor written.
 *
 * A detector runs on a picture of at most 640 pixels of every #GstW2lFaceCache:interval -th frame;
 * in between the face is tracked. With #GstW2lFaceCache:box nothing is detected. Frames that
 * already have a face meta keep it. Interlaced and HDR video passes without metas.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -v videotestsrc num-buffers=50 ! w2lfacecache box="<10,20,110,140>" ! fakesink
 * ]|
 */
#include "gstw2lfacecache.h"

#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "box_math.h"
#include "face_follower.h"
#include "facecache_error.h"
#include "gstw2lfacemeta.h"
#include "gstw2lvideo.h"
#include "mapped_frame.h"
#include "property_types.h"
#include "settings.h"

GST_DEBUG_CATEGORY_STATIC(w2l_face_cache_debug);
#define GST_CAT_DEFAULT w2l_face_cache_debug

using w2l::DetectorChoice;
using w2l::FaceCacheError;
using w2l::FaceCacheSettings;
using w2l::OnMissing;
using w2l::Sighting;

namespace {

struct Counters {
  guint64 frames = 0, detected = 0, tracked = 0, missing = 0, detections = 0;
  gdouble detection_ms = 0.0;
};

struct Private {
  // Under the object lock.
  FaceCacheSettings settings;
  Counters counters;

  // Streaming thread only.
  GstVideoInfo info;
  gboolean unsupported = FALSE;   // frames of these caps pass without metas
  gboolean said_missing = FALSE;  // one warning per stream
  gboolean said_unsupported = FALSE;
  std::string said_error;
  std::unique_ptr<w2l::FaceFollower> follower;  // empty with a box or detector=none
};

}  // namespace

struct _GstW2lFaceCache {
  GstBaseTransform parent;
  Private *priv;
};

enum {
  PROP_0,
  PROP_DETECTOR,
  PROP_DETECTOR_MODEL,
  PROP_MIN_SCORE,
  PROP_INTERVAL,
  PROP_BOX,
  PROP_PADS,
  PROP_ON_MISSING,
  PROP_STATS,
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_W2L_VIDEO_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_W2L_VIDEO_CAPS));

G_DEFINE_TYPE(GstW2lFaceCache, gst_w2l_face_cache, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(w2lfacecache, "w2lfacecache", GST_RANK_NONE, GST_TYPE_W2L_FACE_CACHE)

/* Properties */

static FaceCacheSettings copy_settings(GstW2lFaceCache *self) {
  GST_OBJECT_LOCK(self);
  FaceCacheSettings settings = self->priv->settings;
  GST_OBJECT_UNLOCK(self);
  return settings;
}

static GstStructure *make_stats(const Counters &c) {
  return gst_structure_new(
      "w2lfacecache-stats", "frames", G_TYPE_UINT64, c.frames, "detected", G_TYPE_UINT64,
      c.detected, "tracked", G_TYPE_UINT64, c.tracked, "missing", G_TYPE_UINT64, c.missing,
      "detections", G_TYPE_UINT64, c.detections, "mean-detection-ms", G_TYPE_DOUBLE,
      c.detections ? c.detection_ms / static_cast<gdouble>(c.detections) : 0.0, nullptr);
}

static void gst_w2l_face_cache_set_property(GObject *object, guint id, const GValue *value,
                                            GParamSpec *pspec) {
  GstW2lFaceCache *self = GST_W2L_FACE_CACHE(object);
  FaceCacheSettings &settings = self->priv->settings;

  GST_OBJECT_LOCK(self);
  switch (id) {
    case PROP_DETECTOR:
      settings.detector = static_cast<DetectorChoice>(g_value_get_enum(value));
      break;
    case PROP_DETECTOR_MODEL: {
      const gchar *model = g_value_get_string(value);
      settings.detector_model = model ? model : "";
      break;
    }
    case PROP_MIN_SCORE:
      settings.min_score = g_value_get_double(value);
      break;
    case PROP_INTERVAL:
      settings.interval = g_value_get_int(value);
      break;
    case PROP_BOX:
      settings.box = w2l::ints_from_array(value);
      break;
    case PROP_PADS:
      settings.pads = w2l::ints_from_array(value);
      break;
    case PROP_ON_MISSING:
      settings.on_missing = static_cast<OnMissing>(g_value_get_enum(value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK(self);
}

static void gst_w2l_face_cache_get_property(GObject *object, guint id, GValue *value,
                                            GParamSpec *pspec) {
  GstW2lFaceCache *self = GST_W2L_FACE_CACHE(object);
  const FaceCacheSettings &settings = self->priv->settings;

  GST_OBJECT_LOCK(self);
  switch (id) {
    case PROP_DETECTOR:
      g_value_set_enum(value, gint(settings.detector));
      break;
    case PROP_DETECTOR_MODEL:
      g_value_set_string(value, settings.detector_model.c_str());
      break;
    case PROP_MIN_SCORE:
      g_value_set_double(value, settings.min_score);
      break;
    case PROP_INTERVAL:
      g_value_set_int(value, settings.interval);
      break;
    case PROP_BOX:
      w2l::ints_to_array(settings.box, value);
      break;
    case PROP_PADS:
      w2l::ints_to_array(settings.pads, value);
      break;
    case PROP_ON_MISSING:
      g_value_set_enum(value, gint(settings.on_missing));
      break;
    case PROP_STATS:
      g_value_take_boxed(value, make_stats(self->priv->counters));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK(self);
}

/* Errors */

static void post_exception(GstW2lFaceCache *self, const std::exception &error) {
  // Upstream often tries refused caps twice; the user is told once.
  if (self->priv->said_error == error.what()) return;
  self->priv->said_error = error.what();

  const auto *known = dynamic_cast<const FaceCacheError *>(&error);
  if (!known) {
    GST_ELEMENT_ERROR(self, STREAM, FAILED,
                      ("Looking for the face failed; try another detector, or give a box."),
                      ("%s", error.what()));
    return;
  }
  switch (known->code()) {
    case FaceCacheError::Code::NotFound:
      GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND, ("%s", error.what()), (nullptr));
      break;
    case FaceCacheError::Code::OpenRead:
      GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ, ("%s", error.what()), (nullptr));
      break;
    case FaceCacheError::Code::Settings:
      GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", error.what()), (nullptr));
      break;
  }
}

/* Life-cycle */

static void open_detector(GstW2lFaceCache *self, const FaceCacheSettings &settings) {
  const gchar *name = w2l::enum_nick(GST_TYPE_W2L_FACE_DETECTOR, gint(settings.detector));
  w2l::OpenedDetector opened = w2l::open_detector(name, settings.detector_model);

  GST_INFO_OBJECT(self, "opened detector=%s", name);
  if (!opened.notice.empty())
    GST_ELEMENT_INFO(self, RESOURCE, NOT_FOUND, ("%s", opened.notice.c_str()), (nullptr));
  self->priv->follower = std::make_unique<w2l::FaceFollower>(std::move(opened.detector));
}

static gboolean gst_w2l_face_cache_start(GstBaseTransform *trans) {
  GstW2lFaceCache *self = GST_W2L_FACE_CACHE(trans);
  Private *priv = self->priv;

  try {
    const FaceCacheSettings settings = copy_settings(self);
    GST_OBJECT_LOCK(self);
    priv->counters = {};
    GST_OBJECT_UNLOCK(self);
    priv->unsupported = priv->said_unsupported = FALSE;
    priv->said_error.clear();
    gst_video_info_init(&priv->info);

    w2l::parse_pads(settings.pads);
    if (!settings.box.empty())
      w2l::parse_box(settings.box);
    else if (settings.detector != DetectorChoice::None)
      open_detector(self, settings);
    return TRUE;
  } catch (const std::exception &error) {
    post_exception(self, error);
    return FALSE;
  }
}

static gboolean gst_w2l_face_cache_stop(GstBaseTransform *trans) {
  GST_W2L_FACE_CACHE(trans)->priv->follower.reset();
  return TRUE;
}

static void warn_unsupported(GstW2lFaceCache *self, const gchar *why) {
  if (self->priv->said_unsupported) return;
  self->priv->said_unsupported = TRUE;
  GST_ELEMENT_WARNING(self, STREAM, WRONG_TYPE,
                      ("Frames pass without a face: this is %s, which is not worked on.", why),
                      (nullptr));
}

static gboolean gst_w2l_face_cache_set_caps(GstBaseTransform *trans, GstCaps *incaps,
                                            GstCaps *outcaps) {
  GstW2lFaceCache *self = GST_W2L_FACE_CACHE(trans);
  Private *priv = self->priv;

  (void)outcaps;
  try {
    if (!gst_video_info_from_caps(&priv->info, incaps)) return FALSE;
    GST_INFO_OBJECT(self, "video is %" GST_PTR_FORMAT, incaps);

    const gchar *why = gst_w2l_video_info_unsupported(&priv->info);
    priv->unsupported = why != nullptr;
    if (why) {
      warn_unsupported(self, why);
      return TRUE;
    }
    // Whether a given box lies inside the frame is looked at with the first frame: a videoflip
    // upstream announces the size before the turn first.
    if (priv->follower) priv->follower->set_video(priv->info);
    return TRUE;
  } catch (const std::exception &error) {
    post_exception(self, error);
    return FALSE;
  }
}

static gboolean gst_w2l_face_cache_sink_event(GstBaseTransform *trans, GstEvent *event) {
  Private *priv = GST_W2L_FACE_CACHE(trans)->priv;

  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_STOP:
      if (priv->follower) priv->follower->reset();
      break;
    case GST_EVENT_STREAM_START:
      priv->said_missing = FALSE;  // starting again sends this event too
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_w2l_face_cache_parent_class)->sink_event(trans, event);
}

/* Frames */

static void count(GstW2lFaceCache *self, Sighting::How how) {
  Private *priv = self->priv;

  GST_OBJECT_LOCK(self);
  switch (how) {
    case Sighting::How::Missing:
      priv->counters.missing++;
      break;
    case Sighting::How::Detected:
      priv->counters.detected++;
      break;
    case Sighting::How::Tracked:
      priv->counters.tracked++;
      break;
  }
  if (priv->follower) {
    priv->counters.detections = priv->follower->detections();
    priv->counters.detection_ms = priv->follower->detection_ms();
  }
  GST_OBJECT_UNLOCK(self);
}

static GstFlowReturn report_missing(GstW2lFaceCache *self, GstBuffer *buffer, OnMissing on_missing,
                                    guint64 frame_number) {
  gchar *where = g_strdup_printf("No face in frame %" G_GUINT64_FORMAT " (at %" GST_TIME_FORMAT ")",
                                 frame_number, GST_TIME_ARGS(GST_BUFFER_PTS(buffer)));
  GstFlowReturn flow = GST_FLOW_OK;

  if (on_missing == OnMissing::Error) {
    GST_ELEMENT_ERROR(self, STREAM, FAILED,
                      ("%s: give a box, lower min-score, or let such frames pass with "
                       "on-missing=pass.",
                       where),
                      (nullptr));
    flow = GST_FLOW_ERROR;
  } else if (!self->priv->said_missing) {
    self->priv->said_missing = TRUE;
    GST_ELEMENT_WARNING(self, STREAM, FAILED,
                        ("%s: frames without a face pass untouched. Give a box or lower min-score "
                         "if there is one.",
                         where),
                        (nullptr));
  }
  g_free(where);
  return flow;
}

/* Empty = no face in this frame. */
static std::optional<GstW2lBox> find_region(GstW2lFaceCache *self, GstBuffer *buffer,
                                            const FaceCacheSettings &settings, Sighting &sighting) {
  Private *priv = self->priv;

  if (settings.detector == DetectorChoice::None) return std::nullopt;
  if (!priv->follower) {  // a box was given at start, and taken back since
    open_detector(self, settings);
    priv->follower->set_video(priv->info);
  }
  w2l::MappedFrame frame(priv->info, buffer, GST_MAP_READ,
                         "the frame cannot be mapped for reading");

  if (GST_BUFFER_IS_DISCONT(buffer)) priv->follower->reset();
  sighting = priv->follower->next(*frame.get(), settings.interval, settings.min_score);
  if (sighting.how == Sighting::How::Missing) return std::nullopt;

  const GstW2lBox region = w2l::padded_region(sighting.box, w2l::parse_pads(settings.pads),
                                              priv->info.width, priv->info.height);
  if (!w2l::is_empty(region)) return region;
  sighting.how = Sighting::How::Missing;
  return std::nullopt;
}

static GstW2lFaceFlags face_flags(Sighting::How how) {
  return how == Sighting::How::Tracked ? GST_W2L_FACE_FLAG_TRACKED : GST_W2L_FACE_FLAG_DETECTED;
}

static GstFlowReturn find_face(GstW2lFaceCache *self, GstBuffer *buffer) {
  Private *priv = self->priv;
  const FaceCacheSettings settings = copy_settings(self);

  GST_OBJECT_LOCK(self);
  const guint64 frame_number = priv->counters.frames++;
  GST_OBJECT_UNLOCK(self);
  if (priv->unsupported || gst_buffer_get_w2l_face_meta(buffer)) return GST_FLOW_OK;

  if (!settings.box.empty()) {
    const GstW2lBox box = w2l::parse_box(settings.box);
    w2l::require_inside(box, priv->info.width, priv->info.height);
    gst_buffer_add_w2l_face_meta(buffer, &box, 0, 1.0, GST_W2L_FACE_FLAG_NONE);
    return GST_FLOW_OK;
  }

  Sighting sighting;
  const std::optional<GstW2lBox> region = find_region(self, buffer, settings, sighting);
  count(self, sighting.how);
  if (!region) return report_missing(self, buffer, settings.on_missing, frame_number);
  GST_LOG_OBJECT(self, "frame %" G_GUINT64_FORMAT ": face %u %s at %s, score %.2f", frame_number,
                 sighting.id, sighting.how == Sighting::How::Tracked ? "tracked" : "detected",
                 w2l::to_string(*region).c_str(), sighting.score);
  gst_buffer_add_w2l_face_meta(buffer, &*region, sighting.id, sighting.score,
                               face_flags(sighting.how));
  return GST_FLOW_OK;
}

static GstFlowReturn gst_w2l_face_cache_transform_ip(GstBaseTransform *trans, GstBuffer *buffer) {
  GstW2lFaceCache *self = GST_W2L_FACE_CACHE(trans);

  try {
    return find_face(self, buffer);
  } catch (const std::exception &error) {
    post_exception(self, error);
    return GST_FLOW_ERROR;
  }
}

/* The default copies the struct of a shared buffer only; said here so that it stays that way. The
 * pixels are shared by both, and nobody here writes them. */
static GstFlowReturn gst_w2l_face_cache_prepare_output_buffer(GstBaseTransform *trans,
                                                              GstBuffer *input,
                                                              GstBuffer **output) {
  (void)trans;
  *output = gst_buffer_is_writable(input) ? input : gst_buffer_copy(input);
  return GST_FLOW_OK;
}

/* Object */

static void gst_w2l_face_cache_finalize(GObject *object) {
  delete GST_W2L_FACE_CACHE(object)->priv;
  G_OBJECT_CLASS(gst_w2l_face_cache_parent_class)->finalize(object);
}

static void gst_w2l_face_cache_init(GstW2lFaceCache *self) {
  self->priv = new Private();
  gst_video_info_init(&self->priv->info);
  gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
}

static void install_properties(GObjectClass *object_class) {
  const FaceCacheSettings defaults;
  const auto ready = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                              GST_PARAM_MUTABLE_READY);
  const auto playing = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                GST_PARAM_MUTABLE_PLAYING);
  const auto stats = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  const auto install = [&](guint id, GParamSpec *spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  // Every int gets through, so that a wrong one is refused with a message, not clamped in silence.
  const auto number = [&](const gchar *name, GParamFlags flags) {
    return g_param_spec_int(name, name, "pixels", G_MININT, G_MAXINT, 0, flags);
  };

  install(PROP_DETECTOR,
          g_param_spec_enum("detector", "Detector", "What finds the face (default: auto)",
                            GST_TYPE_W2L_FACE_DETECTOR, gint(defaults.detector), ready));
  install(PROP_DETECTOR_MODEL,
          g_param_spec_string("detector-model", "Detector model",
                              "File of the detector's model: a YuNet network (.onnx) or a Haar "
                              "cascade (.xml); empty = search W2L_MODEL_PATH and the installed "
                              "one (default: empty)",
                              "", ready));
  install(PROP_MIN_SCORE,
          g_param_spec_double("min-score", "Minimum score",
                              "Score (0..1) below which a detection is no face; 0 = the "
                              "detector's own, 0.8 for yunet, 0.6 for haar (default: 0)",
                              0.0, 1.0, defaults.min_score, playing));
  install(PROP_INTERVAL,
          g_param_spec_int("interval", "Interval",
                           "Frames from one detection to the next, 1 or more; in between the face "
                           "is tracked (default: 5)",
                           1, G_MAXINT, defaults.interval, playing));
  install(PROP_BOX, gst_param_spec_array(
                        "box", "Box",
                        "The face's region in pixels, <x1,y1,x2,y2> with x2 and y2 just outside: "
                        "no detection, no pads; empty = detect (default: empty)",
                        number("coordinate", playing), playing));
  install(PROP_PADS, gst_param_spec_array("pads", "Pads",
                                          "Pixels, 0 or more, added to a detected face: "
                                          "<top,bottom,left,right> (default: <0,10,0,0>)",
                                          number("pad", playing), playing));
  install(PROP_ON_MISSING,
          g_param_spec_enum("on-missing", "On missing",
                            "What to do with frames without a face (default: pass)",
                            GST_TYPE_W2L_ON_MISSING, gint(defaults.on_missing), playing));
  install(PROP_STATS,
          g_param_spec_boxed("stats", "Statistics",
                             "Counts of frames, frames detected, tracked and missing, detections "
                             "run, and the mean time of a detection in ms",
                             GST_TYPE_STRUCTURE, stats));
}

static void gst_w2l_face_cache_class_init(GstW2lFaceCacheClass *klass) {
  GObjectClass *object_class = G_OBJECT_CLASS(klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS(klass);

  GST_DEBUG_CATEGORY_INIT(w2l_face_cache_debug, "w2lfacecache", 0, "face finder");

  object_class->set_property = gst_w2l_face_cache_set_property;
  object_class->get_property = gst_w2l_face_cache_get_property;
  object_class->finalize = gst_w2l_face_cache_finalize;
  install_properties(object_class);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Wav2Lip face finder", "Filter/Analyzer/Video",
      "Finds the face, follows it and attaches where it is", "The gst-wav2lip developers");
  gst_type_mark_as_plugin_api(GST_TYPE_W2L_FACE_DETECTOR, static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(GST_TYPE_W2L_ON_MISSING, static_cast<GstPluginAPIFlags>(0));

  trans_class->start = gst_w2l_face_cache_start;
  trans_class->stop = gst_w2l_face_cache_stop;
  trans_class->set_caps = gst_w2l_face_cache_set_caps;
  trans_class->sink_event = gst_w2l_face_cache_sink_event;
  trans_class->prepare_output_buffer = gst_w2l_face_cache_prepare_output_buffer;
  trans_class->transform_ip = gst_w2l_face_cache_transform_ip;
}
