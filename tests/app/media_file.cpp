// gst-wav2lip tests: decoding through appsink.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_file.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>

namespace w2l::test {
namespace {

double running_seconds(GstPad *pad, GstClockTime time) {
  GstEvent *event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment = nullptr;
  gst_event_parse_segment(event, &segment);
  const GstClockTime running = gst_segment_to_running_time(segment, GST_FORMAT_TIME, time);
  gst_event_unref(event);
  return GST_CLOCK_TIME_IS_VALID(running) ? static_cast<double>(running) / GST_SECOND : -1;
}

struct VideoCollector {
  Media *media;
  bool keep_luma;
};

GstPadProbeReturn on_frame(GstPad *pad, GstPadProbeInfo *info, gpointer data) {
  auto *collector = static_cast<VideoCollector *>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_TAG) return GST_PAD_PROBE_OK;
    GstTagList *tags = nullptr;
    gst_event_parse_tag(event, &tags);
    gchar *value = nullptr;
    if (gst_tag_list_get_string(tags, GST_TAG_IMAGE_ORIENTATION, &value))
      collector->media->orientation = value;
    g_free(value);
    return GST_PAD_PROBE_OK;
  }
  GstCaps *caps = gst_pad_get_current_caps(pad);
  GstVideoInfo video;
  gst_video_info_from_caps(&video, caps);
  gst_caps_unref(caps);
  Media &media = *collector->media;
  media.width = GST_VIDEO_INFO_WIDTH(&video);
  media.height = GST_VIDEO_INFO_HEIGHT(&video);
  media.fps_n = GST_VIDEO_INFO_FPS_N(&video);
  media.fps_d = GST_VIDEO_INFO_FPS_D(&video);
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  Frame frame;
  frame.start = running_seconds(pad, GST_BUFFER_PTS(buffer));
  frame.end = frame.start;
  if (GST_BUFFER_DURATION_IS_VALID(buffer))
    frame.end += static_cast<double>(GST_BUFFER_DURATION(buffer)) / GST_SECOND;
  GstVideoFrame mapped;
  if (collector->keep_luma && gst_video_frame_map(&mapped, &video, buffer, GST_MAP_READ)) {
    for (int y = 0; y < media.height; ++y) {
      const auto *row = static_cast<const std::uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&mapped, 0)) +
                        y * GST_VIDEO_FRAME_PLANE_STRIDE(&mapped, 0);
      frame.luma.insert(frame.luma.end(), row, row + media.width);
    }
    gst_video_frame_unmap(&mapped);
  }
  media.frames.push_back(std::move(frame));
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_sound(GstPad *pad, GstPadProbeInfo *info, gpointer data) {
  Media &media = *static_cast<Media *>(data);
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  const double start = running_seconds(pad, GST_BUFFER_PTS(buffer));
  if (media.audio_start < 0) media.audio_start = start;
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_PAD_PROBE_OK;
  const auto *samples = reinterpret_cast<const float *>(map.data);
  media.samples.insert(media.samples.end(), samples, samples + map.size / sizeof(float));
  media.audio_end = start + static_cast<double>(map.size / sizeof(float)) / kSampleRate;
  gst_buffer_unmap(buffer, &map);
  return GST_PAD_PROBE_OK;
}

void run_to_eos(GstElement *pipeline) {
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus *bus = gst_element_get_bus(pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered(
      bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  std::string problem = message ? "" : "no end within 60 s";
  if (message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError *error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    problem = error->message;
    g_error_free(error);
  }
  if (message) gst_message_unref(message);
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  if (!problem.empty()) throw std::runtime_error(problem);
}

GstElement *parse(const std::string &line) {
  GError *error = nullptr;
  GstElement *pipeline =
      gst_parse_launch_full(line.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (pipeline) return pipeline;
  const std::string problem = error->message;
  g_error_free(error);
  throw std::runtime_error(problem + " in: " + line);
}

struct Decoding {
  GstElement *pipeline;
  VideoCollector video;
};

// Gives each decoded stream a branch of its own that ends in a probed fakesink.
void on_pad_added(GstElement *, GstPad *pad, gpointer data) {
  auto *decoding = static_cast<Decoding *>(data);
  GstCaps *caps = gst_pad_get_current_caps(pad);
  const bool video =
      g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps, 0)), "video");
  gst_caps_unref(caps);
  GstElement *branch = gst_parse_bin_from_description(
      video ? "queue ! videoconvert ! capsfilter caps=video/x-raw,format=I420 ! "
              "fakesink name=sink sync=false"
            : "queue ! audioconvert ! audioresample ! capsfilter "
              "caps=audio/x-raw,format=F32LE,rate=16000,channels=1 ! fakesink name=sink sync=false",
      TRUE, nullptr);
  GstElement *sink = gst_bin_get_by_name(GST_BIN(branch), "sink");
  GstPad *end = gst_element_get_static_pad(sink, "sink");
  const auto type =
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);
  if (video)
    gst_pad_add_probe(end, type, on_frame, &decoding->video, nullptr);
  else
    gst_pad_add_probe(end, GST_PAD_PROBE_TYPE_BUFFER, on_sound, decoding->video.media, nullptr);
  gst_object_unref(end);
  gst_object_unref(sink);
  gst_bin_add(GST_BIN(decoding->pipeline), branch);
  gst_element_sync_state_with_parent(branch);
  GstPad *start = gst_element_get_static_pad(branch, "sink");
  gst_pad_link(pad, start);
  gst_object_unref(start);
}

}  // namespace

void launch(const std::string &line) {
  run_to_eos(parse(line));
}

Media decode(const std::string &path, bool keep_luma) {
  Media media;
  GstElement *pipeline = parse("filesrc location=\"" + path + "\" ! decodebin name=decoder");
  Decoding decoding{pipeline, {&media, keep_luma}};
  GstElement *decoder = gst_bin_get_by_name(GST_BIN(pipeline), "decoder");
  g_signal_connect(decoder, "pad-added", G_CALLBACK(on_pad_added), &decoding);
  gst_object_unref(decoder);
  run_to_eos(pipeline);
  if (media.frames.empty() && media.samples.empty())
    throw std::runtime_error(path + " holds nothing that decodes");
  return media;
}

namespace {

struct Looking {
  const std::function<void(const GstVideoFrame &)> &look;
  std::exception_ptr problem;  // must not leave through GLib
};

void look_at(Looking *looking, GstBuffer *buffer, GstPad *pad) {
  GstCaps *caps = gst_pad_get_current_caps(pad);
  GstVideoInfo info;
  gst_video_info_from_caps(&info, caps);
  gst_caps_unref(caps);
  GstVideoFrame frame;
  if (!gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ))
    throw std::runtime_error("a decoded frame cannot be read");
  try {
    looking->look(frame);
  } catch (...) {
    gst_video_frame_unmap(&frame);
    throw;
  }
  gst_video_frame_unmap(&frame);
}

}  // namespace

void each_rgb_frame(const std::string &path,
                    const std::function<void(const GstVideoFrame &)> &look) {
  GstElement *pipeline = parse("filesrc location=\"" + path +
                               "\" ! decodebin ! videoconvert ! "
                               "capsfilter caps=video/x-raw,format=RGB ! fakesink name=sink");
  GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  g_object_set(sink, "signal-handoffs", TRUE, nullptr);
  Looking looking{look, nullptr};
  const auto on_handoff = +[](GstElement *, GstBuffer *buffer, GstPad *pad, Looking *data) {
    try {
      if (!data->problem) look_at(data, buffer, pad);
    } catch (...) {
      data->problem = std::current_exception();
    }
  };
  g_signal_connect(sink, "handoff", G_CALLBACK(on_handoff), &looking);
  gst_object_unref(sink);
  run_to_eos(pipeline);
  if (looking.problem) std::rethrow_exception(looking.problem);
}

void turn_clockwise(Media *media) {
  for (Frame &frame : media->frames) {
    std::vector<std::uint8_t> turned(frame.luma.size());
    for (int y = 0; y < media->height; ++y)
      for (int x = 0; x < media->width; ++x)
        turned[x * media->height + (media->height - 1 - y)] = frame.luma[y * media->width + x];
    frame.luma = std::move(turned);
  }
  std::swap(media->width, media->height);
}

void crop(Media *media, int width, int height) {
  for (Frame &frame : media->frames) {
    std::vector<std::uint8_t> kept;
    for (int y = 0; y < height; ++y) {
      const auto row = frame.luma.begin() + y * media->width;
      kept.insert(kept.end(), row, row + width);
    }
    frame.luma = std::move(kept);
  }
  media->width = width;
  media->height = height;
}

double difference(const Frame &a, const Frame &b, int width, Rect rect) {
  double sum = 0;
  for (int y = rect.top; y < rect.bottom; ++y)
    for (int x = rect.left; x < rect.right; ++x)
      sum += std::abs(static_cast<int>(a.luma.at(y * width + x)) - b.luma.at(y * width + x));
  return sum / ((rect.right - rect.left) * (rect.bottom - rect.top));
}

double lag(const std::vector<float> &sound, const std::vector<float> &original) {
  constexpr int kReach = kSampleRate * 15 / 100;
  const int length = static_cast<int>(std::min(sound.size(), original.size()));
  double best = -1e30;
  int best_shift = 0;
  for (int shift = -kReach; shift <= kReach; ++shift) {
    double sum = 0;
    for (int i = std::max(0, -shift); i + std::max(0, shift) < length; ++i)
      sum += static_cast<double>(original[i]) * sound[i + shift];
    if (sum > best) {
      best = sum;
      best_shift = shift;
    }
  }
  return static_cast<double>(best_shift) / kSampleRate;
}

}  // namespace w2l::test
