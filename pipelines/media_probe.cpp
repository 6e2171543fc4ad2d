// gst-lipsync-1.0: GstDiscoverer on the two input files.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_probe.h"

#include <gst/pbutils/pbutils.h>
#include <gst/tag/tag.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "user_error.h"

namespace lipsync {
namespace {

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <class T>
using Ref = std::unique_ptr<T, Unref>;

struct StreamListFree {
  void operator()(GList *list) const { gst_discoverer_stream_info_list_free(list); }
};
using StreamList = std::unique_ptr<GList, StreamListFree>;

std::string named(const std::string &flag, const std::string &path) {
  return flag + " \"" + path + "\"";
}

// The first line of GStreamer's own reason, as " (reason)".
std::string reason(const GError *error) {
  if (!error || !error->message) return "";
  std::string text = error->message;
  text.erase(std::min(text.size(), text.find('\n')));
  while (!text.empty() && text.back() == '.') text.pop_back();
  return " (" + text + ")";
}

// `kind` says what was looked for: "a video or picture".
Ref<GstDiscovererInfo> discover(const std::string &flag, const std::string &path,
                                const std::string &kind) {
  require_file(flag, path);
  g_autoptr(GError) error = nullptr;
  Ref<GstDiscoverer> discoverer(gst_discoverer_new(10 * GST_SECOND, &error));
  if (!discoverer)
    throw UserError("GStreamer cannot probe files" + reason(error) +
                    ": install gstreamer1.0-plugins-base");
  Ref<GstDiscovererInfo> info(
      gst_discoverer_discover_uri(discoverer.get(), file_uri(path).c_str(), &error));
  const GstDiscovererResult result =
      info ? gst_discoverer_info_get_result(info.get()) : GST_DISCOVERER_ERROR;
  switch (result) {
    case GST_DISCOVERER_OK:
      return info;
    case GST_DISCOVERER_MISSING_PLUGINS: {
      // Other streams of the file may be readable: the caller looks for the one it wants.
      return info;
    }
    case GST_DISCOVERER_TIMEOUT:
      throw UserError(named(flag, path) + " could not be read within 10 s: is it complete?");
    default:
      throw UserError(named(flag, path) + " is not " + kind + " that GStreamer can read" +
                      reason(error) + ": give another file, or convert it first");
  }
}

[[noreturn]] void no_stream(const std::string &flag, const std::string &path, const char *kind,
                            GstDiscovererInfo *info) {
  if (gst_discoverer_info_get_result(info) == GST_DISCOVERER_MISSING_PLUGINS)
    throw UserError(named(flag, path) +
                    " needs a decoder that is not installed: install "
                    "gstreamer1.0-libav and gstreamer1.0-plugins-bad");
  // GStreamer 1.22's qtdemux takes such a track for a preview picture.
  const char *hint = g_str_has_suffix(path.c_str(), ".mp4") && std::strcmp(kind, "video") == 0
                         ? " (GStreamer skips a track shorter than a fifth of its file)"
                         : "";
  throw UserError(named(flag, path) + " has no " + kind + hint + ": give a file with one");
}

std::string orientation_in(const GstTagList *tags) {
  g_autofree gchar *value = nullptr;
  if (!tags || !gst_tag_list_get_string(tags, GST_TAG_IMAGE_ORIENTATION, &value)) return "";
  return std::strcmp(value, "rotate-0") == 0 ? "" : value;
}

// The EXIF block of a JPEG file, from its TIFF header on; empty = none, or no JPEG.
std::string exif_block(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (file.get() != 0xff || file.get() != 0xd8) return "";
  constexpr int kApp1 = 0xe1, kStartOfScan = 0xda;
  constexpr std::size_t kNameSize = 6;
  const std::string name("Exif\0\0", kNameSize);
  while (file.get() == 0xff) {
    const int marker = file.get(), high = file.get(), low = file.get();
    const int size = high * 256 + low - 2;
    if (!file || marker == kStartOfScan || size < 0) break;
    std::string block(static_cast<std::size_t>(size), '\0');
    if (!file.read(block.data(), size)) break;
    if (marker == kApp1 && block.compare(0, kNameSize, name) == 0) return block.substr(kNameSize);
  }
  return "";
}

// Phones do not turn their photographs, they say how to; jpegparse, which would read that, is not
// used by GStreamer 1.22's decodebin.
std::string exif_orientation(const std::string &path) {
  std::string block = exif_block(path);
  if (block.empty()) return "";
  GstBuffer *buffer = gst_buffer_new_memdup(block.data(), block.size());
  GstTagList *tags = gst_tag_list_from_exif_buffer_with_tiff_header(buffer);
  gst_buffer_unref(buffer);
  const std::string result = orientation_in(tags);
  if (tags) gst_tag_list_unref(tags);
  return result;
}

std::string orientation_tag(GstDiscovererInfo *info, GstDiscovererStreamInfo *stream) {
  // Containers differ in where they put it: matroska and mp4 on the stream, pictures on the file.
  for (const GstTagList *tags :
       {gst_discoverer_stream_info_get_tags(stream), gst_discoverer_info_get_tags(info)}) {
    const std::string found = orientation_in(tags);
    if (!found.empty()) return found;
  }
  return "";
}

}  // namespace

void require_file(const std::string &flag, const std::string &path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    throw UserError(named(flag, path) + " does not exist: check the path");
  if (fs::is_directory(status)) throw UserError(named(flag, path) + " is a folder: name a file");
  if (access(path.c_str(), R_OK) != 0)
    throw UserError(named(flag, path) + " cannot be read: " + std::strerror(errno));
  // It is read more than once: to look at it, for the picture or the sound, and for the network.
  if (!fs::is_regular_file(status))
    throw UserError(named(flag, path) + " is a pipe or a device: save it to a file first");
  if (fs::file_size(path, error) == 0 && !error)
    throw UserError(named(flag, path) + " is empty (0 bytes): give another file");
}

std::string file_uri(const std::string &path) {
  const std::string absolute = std::filesystem::absolute(path).lexically_normal().string();
  g_autofree gchar *escaped = g_uri_escape_string(absolute.c_str(), "/", FALSE);
  return std::string("file://") + escaped;
}

VideoFacts probe_video(const std::string &flag, const std::string &path) {
  Ref<GstDiscovererInfo> info = discover(flag, path, "a video or picture");
  StreamList streams(gst_discoverer_info_get_video_streams(info.get()));
  if (!streams) no_stream(flag, path, "video", info.get());
  auto *video = GST_DISCOVERER_VIDEO_INFO(streams->data);
  VideoFacts facts;
  facts.width = static_cast<int>(gst_discoverer_video_info_get_width(video));
  facts.height = static_cast<int>(gst_discoverer_video_info_get_height(video));
  if (facts.width <= 0 || facts.height <= 0) no_stream(flag, path, "video", info.get());
  facts.par_n = static_cast<int>(gst_discoverer_video_info_get_par_num(video));
  facts.par_d = static_cast<int>(gst_discoverer_video_info_get_par_denom(video));
  facts.fps_n = static_cast<int>(gst_discoverer_video_info_get_framerate_num(video));
  facts.fps_d = static_cast<int>(gst_discoverer_video_info_get_framerate_denom(video));
  facts.image = gst_discoverer_video_info_is_image(video);
  facts.orientation = orientation_tag(info.get(), GST_DISCOVERER_STREAM_INFO(video));
  facts.tagged = !facts.orientation.empty();
  if (facts.image && !facts.tagged) facts.orientation = exif_orientation(path);
  const GstClockTime duration = gst_discoverer_info_get_duration(info.get());
  if (duration != 0) facts.duration = duration;
  return facts;
}

AudioFacts probe_audio(const std::string &flag, const std::string &path) {
  Ref<GstDiscovererInfo> info = discover(flag, path, "audio");
  StreamList streams(gst_discoverer_info_get_audio_streams(info.get()));
  if (!streams) no_stream(flag, path, "audio", info.get());
  auto *audio = GST_DISCOVERER_AUDIO_INFO(streams->data);
  AudioFacts facts;
  facts.rate = static_cast<int>(gst_discoverer_audio_info_get_sample_rate(audio));
  facts.channels = static_cast<int>(gst_discoverer_audio_info_get_channels(audio));
  if (facts.rate <= 0) no_stream(flag, path, "audio", info.get());
  facts.positioned = facts.channels <= 2 || gst_discoverer_audio_info_get_channel_mask(audio) != 0;
  const GstClockTime duration = gst_discoverer_info_get_duration(info.get());
  if (duration != 0) facts.duration = duration;
  return facts;
}

}  // namespace lipsync
