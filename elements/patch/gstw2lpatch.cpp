// gst-wav2lip: the element w2lpatch. This file holds GStreamer's life-cycle; what is painted is
// decided in placement.h and blend.h. Registered by plugin.cpp.
// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-w2lpatch
 * @title: w2lpatch
 *
 * Blends the faces that w2linfer made into the video, in place. A frame without an answer passes
 * untouched; in the others only the pasted pixels change, and only a buffer that somebody else
 * holds too is copied. The patch metas are removed. Interlaced and HDR video passes unpatched.
 *
 * The defaults make a result without a visible edge. `mask=full feather=0`, with BGR frames and
 * w2linfer's `region=full`, is exactly what the reference implementation does.
 *
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=50 ! video/x-raw,width=640,height=360 ! w2lpatch
 * disclose=true ! videoconvert ! x264enc ! mp4mux ! filesink location=patched.mp4
 * ]|
 */
#include "gstw2lpatch.h"

#include <exception>
#include <memory>
#include <vector>

#include "blend.h"
#include "disclosure.h"
#include "gstw2lpatchmeta.h"
#include "gstw2lvideo.h"
#include "range.h"
#include "video_buffer.h"

GST_DEBUG_CATEGORY_STATIC(gst_w2l_patch_debug);
#define GST_CAT_DEFAULT gst_w2l_patch_debug

namespace {

enum { PROP_0, PROP_MASK, PROP_FEATHER, PROP_OPACITY, PROP_DISCLOSE, PROP_STATS };

constexpr GstW2lPatchMask kDefaultMask = GST_W2L_PATCH_MASK_AUTO;
constexpr gdouble kDefaultFeather = 0.1;
constexpr gdouble kMaxFeather = 0.5;
constexpr gdouble kDefaultOpacity = 1.0;
constexpr gboolean kDefaultDisclose = FALSE;

struct Settings {
  GstW2lPatchMask mask = kDefaultMask;
  gdouble feather = kDefaultFeather;
  gdouble opacity = kDefaultOpacity;
  gboolean disclose = kDefaultDisclose;
};

struct Stats {
  guint64 frames = 0;
  guint64 patched = 0;
  guint64 passed = 0;
  guint64 clipped = 0;
};

// Belongs to the streaming thread.
struct Stream {
  GstVideoInfo info;
  std::unique_ptr<w2l::BlendKernel> kernel;
  const gchar *unsupported = nullptr;  // why frames of these caps pass, or NULL
  bool warned = false;
  w2l::Disclosure disclosure;
};

}  // namespace

namespace w2l {

struct PatchElement {
  Settings settings;  // under the object lock
  Stats stats;        // under the object lock
  Stream stream;
  // Downstream takes frames in the default layout only. Set by allocation queries, which are
  // serialised with the stream.
  bool plain_layout_only = false;
};

}  // namespace w2l

struct _GstW2lPatch {
  GstBaseTransform parent;
  w2l::PatchElement *element;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_W2L_VIDEO_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_W2L_VIDEO_CAPS));

G_DEFINE_TYPE_WITH_CODE(GstW2lPatch, gst_w2l_patch, GST_TYPE_BASE_TRANSFORM,
                        GST_DEBUG_CATEGORY_INIT(gst_w2l_patch_debug, "w2lpatch", 0,
                                                "blends lip-synced faces into video"))
GST_ELEMENT_REGISTER_DEFINE(w2lpatch, "w2lpatch", GST_RANK_NONE, GST_TYPE_W2L_PATCH)

GType gst_w2l_patch_mask_get_type(void) {
  static const GEnumValue values[] = {
      {GST_W2L_PATCH_MASK_AUTO, "What was computed", "auto"},
      {GST_W2L_PATCH_MASK_LOWER, "The lower half of the box", "lower"},
      {GST_W2L_PATCH_MASK_FULL, "The whole box", "full"},
      {0, nullptr, nullptr},
  };
  static gsize type = 0;

  if (g_once_init_enter(&type)) {
    GType registered = g_enum_register_static("GstW2lPatchMask", values);
    g_once_init_leave(&type, registered);
  }
  return type;
}

// ---- properties ----

static void gst_w2l_patch_set_property(GObject *object, guint id, const GValue *value,
                                       GParamSpec *pspec) {
  GstW2lPatch *self = GST_W2L_PATCH(object);
  Settings &settings = self->element->settings;

  GST_OBJECT_LOCK(self);
  switch (id) {
    case PROP_MASK:
      settings.mask = static_cast<GstW2lPatchMask>(g_value_get_enum(value));
      break;
    case PROP_FEATHER:
      settings.feather = g_value_get_double(value);
      break;
    case PROP_OPACITY:
      settings.opacity = g_value_get_double(value);
      break;
    case PROP_DISCLOSE:
      settings.disclose = g_value_get_boolean(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK(self);
}

static GstStructure *gst_w2l_patch_stats_to_structure(const Stats &stats) {
  return gst_structure_new("application/x-w2lpatch-stats",           //
                           "frames", G_TYPE_UINT64, stats.frames,    //
                           "patched", G_TYPE_UINT64, stats.patched,  //
                           "passed", G_TYPE_UINT64, stats.passed,    //
                           "clipped", G_TYPE_UINT64, stats.clipped, nullptr);
}

static void gst_w2l_patch_get_property(GObject *object, guint id, GValue *value,
                                       GParamSpec *pspec) {
  GstW2lPatch *self = GST_W2L_PATCH(object);

  GST_OBJECT_LOCK(self);
  Settings settings = self->element->settings;
  Stats stats = self->element->stats;
  GST_OBJECT_UNLOCK(self);
  switch (id) {
    case PROP_MASK:
      g_value_set_enum(value, settings.mask);
      break;
    case PROP_FEATHER:
      g_value_set_double(value, settings.feather);
      break;
    case PROP_OPACITY:
      g_value_set_double(value, settings.opacity);
      break;
    case PROP_DISCLOSE:
      g_value_set_boolean(value, settings.disclose);
      break;
    case PROP_STATS:
      g_value_take_boxed(value, gst_w2l_patch_stats_to_structure(stats));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
      break;
  }
}

static Settings gst_w2l_patch_copy_settings(GstW2lPatch *self) {
  GST_OBJECT_LOCK(self);
  Settings settings = self->element->settings;
  GST_OBJECT_UNLOCK(self);
  return settings;
}

// ---- life-cycle and negotiation ----

static gboolean gst_w2l_patch_start(GstBaseTransform *trans) {
  GstW2lPatch *self = GST_W2L_PATCH(trans);

  self->element->plain_layout_only = false;
  GST_OBJECT_LOCK(self);
  self->element->stats = Stats();
  GST_OBJECT_UNLOCK(self);
  // Until a patch arrives there is nothing to do, and no pool to negotiate ever.
  gst_base_transform_set_passthrough(trans, TRUE);
  return TRUE;
}

static gboolean gst_w2l_patch_stop(GstBaseTransform *trans) {
  GstW2lPatch *self = GST_W2L_PATCH(trans);

  self->element->stream = Stream();
  return TRUE;
}

static gboolean gst_w2l_patch_set_caps(GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps) {
  GstW2lPatch *self = GST_W2L_PATCH(trans);
  Stream &stream = self->element->stream;

  (void)outcaps;
  if (!gst_video_info_from_caps(&stream.info, incaps)) {
    GST_ERROR_OBJECT(self, "cannot understand caps %" GST_PTR_FORMAT, (void *)incaps);
    return FALSE;
  }
  stream.unsupported = gst_w2l_video_info_unsupported(&stream.info);
  stream.warned = false;
  try {
    stream.kernel = w2l::make_blend_kernel(stream.info);
  } catch (const std::exception &error) {
    GST_ELEMENT_ERROR(self, CORE, NEGOTIATION,
                      ("w2lpatch cannot work on this video: %s", error.what()), (nullptr));
    return FALSE;
  }
  GST_INFO_OBJECT(self, "%s %dx%d%s%s", GST_VIDEO_INFO_NAME(&stream.info),
                  GST_VIDEO_INFO_WIDTH(&stream.info), GST_VIDEO_INFO_HEIGHT(&stream.info),
                  stream.unsupported ? ", passes: " : "",
                  stream.unsupported ? stream.unsupported : "");
  return TRUE;
}

// Upstream's buffers travel on to downstream, so downstream's pools and metas are the answer.
// Strides are welcome in any case: where downstream cannot take them, prepare_output_buffer packs
// the frame. Crop metas are not: GstVideoFrame ignores them.
static gboolean gst_w2l_patch_propose_allocation(GstBaseTransform *trans, GstQuery *decide,
                                                 GstQuery *query) {
  GstW2lPatch *self = GST_W2L_PATCH(trans);
  guint index;

  (void)decide;
  bool answered = gst_pad_peer_query(GST_BASE_TRANSFORM_SRC_PAD(trans), query);
  bool has_strides = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  self->element->plain_layout_only = !answered || !has_strides;
  if (!has_strides) gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  if (gst_query_find_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, &index))
    gst_query_remove_nth_allocation_meta(query, index);
  return TRUE;
}

// ---- events ----

static gboolean gst_w2l_patch_sink_event(GstBaseTransform *trans, GstEvent *event) {
  GstW2lPatch *self = GST_W2L_PATCH(trans);
  w2l::Disclosure &disclosure = self->element->stream.disclosure;

  if (GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START)
    disclosure.begin(gst_w2l_patch_copy_settings(self).disclose);
  else if (GST_EVENT_TYPE(event) == GST_EVENT_TAG)
    event = disclosure.amend(event);
  return GST_BASE_TRANSFORM_CLASS(gst_w2l_patch_parent_class)->sink_event(trans, event);
}

// ---- data ----

static bool gst_w2l_patch_has_patch(GstBuffer *buffer) {
  return gst_buffer_get_meta(buffer, GST_W2L_PATCH_META_API_TYPE) != nullptr;
}

static void gst_w2l_patch_count(GstW2lPatch *self, bool patched, guint clipped) {
  Stats &stats = self->element->stats;

  GST_OBJECT_LOCK(self);
  stats.frames++;
  (patched ? stats.patched : stats.passed)++;
  stats.clipped += clipped;
  GST_OBJECT_UNLOCK(self);
}

// Called once a buffer, before it is decided whether it may be written.
static void gst_w2l_patch_before_transform(GstBaseTransform *trans, GstBuffer *buffer) {
  GstW2lPatch *self = GST_W2L_PATCH(trans);
  bool has_patch = gst_w2l_patch_has_patch(buffer);

  GstClockTime stream_time =
      gst_segment_to_stream_time(&trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (GST_CLOCK_TIME_IS_VALID(stream_time)) gst_object_sync_values(GST_OBJECT(self), stream_time);

  if (GstEvent *tags = self->element->stream.disclosure.take_pending())
    gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(trans), tags);

  gst_base_transform_set_passthrough(trans, !has_patch);
  if (!has_patch) gst_w2l_patch_count(self, false, 0);
}

// The base class would copy the pixels of every shared buffer. A shallow copy is enough to remove
// metas from, and mapping it for writing copies the pixels exactly when they are needed and shared.
static GstFlowReturn gst_w2l_patch_prepare_output_buffer(GstBaseTransform *trans, GstBuffer *input,
                                                         GstBuffer **output) {
  GstW2lPatch *self = GST_W2L_PATCH(trans);
  const GstVideoInfo &info = self->element->stream.info;

  *output = input;
  if (self->element->plain_layout_only && !w2l::has_default_layout(input, info)) {
    *output = w2l::copy_in_default_layout(input, info);
    if (!*output) {
      GST_ELEMENT_ERROR(self, RESOURCE, FAILED, ("w2lpatch could not copy a video frame."),
                        ("downstream does not support GstVideoMeta"));
      return GST_FLOW_ERROR;
    }
  } else if (!gst_base_transform_is_passthrough(trans) && !gst_buffer_is_writable(input)) {
    *output = gst_buffer_copy(input);
  }
  return GST_FLOW_OK;
}

// Nothing is patched in such video; said once for each caps, when a patch is first lost.
static void gst_w2l_patch_warn_unsupported(GstW2lPatch *self) {
  Stream &stream = self->element->stream;

  if (stream.warned) return;
  stream.warned = true;
  GST_ELEMENT_WARNING(self, STREAM, FORMAT,
                      ("w2lpatch passes this video unpatched: it is %s.", stream.unsupported),
                      (nullptr));
}

static void gst_w2l_patch_paint(GstW2lPatch *self, GstVideoFrame *frame,
                                const GstW2lPatchMeta *meta, const w2l::PatchGeometry &geometry,
                                const w2l::Placement &placement, double feather) {
  w2l::TraceRange range{"w2lpatch: blend"};
  w2l::MappedFrame image(meta->info, meta->image, GST_MAP_READ, w2l::kCannotBeMapped);
  cv::Mat bgr(GST_VIDEO_INFO_HEIGHT(&meta->info), GST_VIDEO_INFO_WIDTH(&meta->info), CV_8UC3,
              GST_VIDEO_FRAME_PLANE_DATA(image.get(), 0),
              GST_VIDEO_FRAME_PLANE_STRIDE(image.get(), 0));

  GST_LOG_OBJECT(self, "face %u: box (%d,%d)-(%d,%d), painting (%d,%d)-(%d,%d)", meta->face_id,
                 geometry.box.x1, geometry.box.y1, geometry.box.x2, geometry.box.y2,
                 placement.region.x1, placement.region.y1, placement.region.x2,
                 placement.region.y2);
  self->element->stream.kernel->blend(frame, bgr, geometry, placement, feather);
}

static w2l::PatchGeometry gst_w2l_patch_geometry(const GstW2lPatchMeta *meta) {
  w2l::PatchGeometry geometry;
  geometry.box = meta->box;
  geometry.image_rows = GST_VIDEO_INFO_HEIGHT(&meta->info);
  geometry.valid = {static_cast<int>(meta->first_valid_row), static_cast<int>(meta->end_valid_row)};
  geometry.opacity = meta->opacity;
  return geometry;
}

// Blends every patch of `buffer`, several faces one after the other. The frame is mapped when the
// first of them shows.
static void gst_w2l_patch_blend_all(GstW2lPatch *self, GstBuffer *buffer) {
  const Stream &stream = self->element->stream;
  Settings settings = gst_w2l_patch_copy_settings(self);
  w2l::BlendSettings blend{static_cast<w2l::MaskMode>(settings.mask), settings.feather,
                           settings.opacity};
  std::unique_ptr<w2l::MappedFrame> frame;
  guint clipped = 0;
  gpointer iterator = nullptr;

  while (GstMeta *found =
             gst_buffer_iterate_meta_filtered(buffer, &iterator, GST_W2L_PATCH_META_API_TYPE)) {
    auto *meta = reinterpret_cast<GstW2lPatchMeta *>(found);
    w2l::PatchGeometry geometry = gst_w2l_patch_geometry(meta);
    w2l::Placement placement = w2l::place_patch(geometry, blend, GST_VIDEO_INFO_WIDTH(&stream.info),
                                                GST_VIDEO_INFO_HEIGHT(&stream.info));
    if (placement.clipped) clipped++;
    if (!placement.visible()) continue;
    if (!frame)
      frame = std::make_unique<w2l::MappedFrame>(stream.info, buffer, GST_MAP_READWRITE,
                                                 w2l::kCannotBeMapped);
    gst_w2l_patch_paint(self, frame->get(), meta, geometry, placement, blend.feather);
  }
  gst_w2l_patch_count(self, frame != nullptr, clipped);
}

static void gst_w2l_patch_remove_metas(GstBuffer *buffer) {
  while (GstMeta *meta = gst_buffer_get_meta(buffer, GST_W2L_PATCH_META_API_TYPE))
    gst_buffer_remove_meta(buffer, meta);
}

static GstFlowReturn gst_w2l_patch_transform_ip(GstBaseTransform *trans, GstBuffer *buffer) {
  GstW2lPatch *self = GST_W2L_PATCH(trans);

  try {
    if (self->element->stream.unsupported) {
      gst_w2l_patch_warn_unsupported(self);
      gst_w2l_patch_count(self, false, 0);
    } else {
      gst_w2l_patch_blend_all(self, buffer);
    }
  } catch (const std::exception &error) {
    GST_ELEMENT_ERROR(self, STREAM, FAILED, ("w2lpatch could not patch a frame: %s", error.what()),
                      (nullptr));
    return GST_FLOW_ERROR;
  }
  gst_w2l_patch_remove_metas(buffer);
  return GST_FLOW_OK;
}

// ---- object ----

static void gst_w2l_patch_finalize(GObject *object) {
  GstW2lPatch *self = GST_W2L_PATCH(object);

  delete self->element;
  self->element = nullptr;
  G_OBJECT_CLASS(gst_w2l_patch_parent_class)->finalize(object);
}

static void gst_w2l_patch_init(GstW2lPatch *self) {
  self->element = new w2l::PatchElement();
  gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
}

static void gst_w2l_patch_install_properties(GObjectClass *object_class) {
  auto flags = [](int mutability) {
    return static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | mutability);
  };
  g_object_class_install_property(
      object_class, PROP_MASK,
      g_param_spec_enum("mask", "Mask",
                        "Which part of the face's box is pasted; rows that were not computed "
                        "never are (default: auto)",
                        GST_TYPE_W2L_PATCH_MASK, kDefaultMask, flags(GST_PARAM_MUTABLE_PLAYING)));
  g_object_class_install_property(
      object_class, PROP_FEATHER,
      g_param_spec_double("feather", "Feather",
                          "Width of the soft edge inside the pasted part, as a fraction of the "
                          "box's width; 0 = hard edge, the whole part (0-0.5, default: 0.1)",
                          0.0, kMaxFeather, kDefaultFeather, flags(GST_PARAM_MUTABLE_PLAYING)));
  g_object_class_install_property(
      object_class, PROP_OPACITY,
      g_param_spec_double("opacity", "Opacity",
                          "How much of the answer shows, multiplied with each patch's own; "
                          "0 = the original (0-1, default: 1)",
                          0.0, 1.0, kDefaultOpacity,
                          flags(GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE)));
  g_object_class_install_property(
      object_class, PROP_DISCLOSE,
      g_param_spec_boolean("disclose", "Disclose",
                           "Say in a comment tag of the stream that the video is AI-altered "
                           "(default: false)",
                           kDefaultDisclose, flags(GST_PARAM_MUTABLE_READY)));
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics",
                         "Counters since start, uint64: frames; patched and passed, which add up "
                         "to frames; clipped (patches that reached over the frame's edge)",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  gst_type_mark_as_plugin_api(GST_TYPE_W2L_PATCH_MASK, static_cast<GstPluginAPIFlags>(0));
}

static void gst_w2l_patch_class_init(GstW2lPatchClass *klass) {
  auto *object_class = G_OBJECT_CLASS(klass);
  auto *element_class = GST_ELEMENT_CLASS(klass);
  auto *transform_class = GST_BASE_TRANSFORM_CLASS(klass);

  object_class->set_property = gst_w2l_patch_set_property;
  object_class->get_property = gst_w2l_patch_get_property;
  object_class->finalize = gst_w2l_patch_finalize;
  gst_w2l_patch_install_properties(object_class);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Lip-sync patch", "Filter/Effect/Video",
                                        "Blends the faces that w2linfer made into the video",
                                        "The gst-wav2lip authors");

  transform_class->start = gst_w2l_patch_start;
  transform_class->stop = gst_w2l_patch_stop;
  transform_class->set_caps = gst_w2l_patch_set_caps;
  transform_class->propose_allocation = gst_w2l_patch_propose_allocation;
  transform_class->sink_event = gst_w2l_patch_sink_event;
  transform_class->before_transform = gst_w2l_patch_before_transform;
  transform_class->prepare_output_buffer = gst_w2l_patch_prepare_output_buffer;
  transform_class->transform_ip = gst_w2l_patch_transform_ip;
  transform_class->transform_ip_on_passthrough = FALSE;
}
