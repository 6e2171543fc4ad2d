// gst-lipsync-1.0: builds the launch string stage by stage.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipeline_text.h"

#include <gst/video/video.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "user_error.h"

namespace lipsync {
namespace {

// Raw frames between threads: few, and bounded in bytes for large pictures. What the encoder
// gets must hold a whole batch of the network, or one would wait for the other.
constexpr char kDecodedQueue[] = "queue max-size-time=0 max-size-buffers=4 max-size-bytes=67108864";
constexpr char kAnswerQueue[] = "queue max-size-time=0 max-size-buffers=16 max-size-bytes=67108864";
// In front of the muxer: must hold what the encoder's look-ahead delays.
constexpr char kMuxQueue[] = "queue max-size-time=0 max-size-buffers=0 max-size-bytes=67108864";

// Encoders want a few blocks of pixels in each direction.
constexpr int kMinEdge = 16;

constexpr AacEncoder kAacEncoders[] = {
    {"avenc_aac", 1024},
    {"fdkaacenc", 2048},
    {"voaacenc", 1600},
};

struct PluginPackage {
  const char *element, *package;
};
constexpr PluginPackage kPackages[] = {
    {"w2lfacecache", nullptr},
    {"w2linfer", nullptr},
    {"w2lpatch", nullptr},
    {"uridecodebin", "gstreamer1.0-plugins-base"},
    {"videoconvert", "gstreamer1.0-plugins-base"},
    {"videoscale", "gstreamer1.0-plugins-base"},
    {"audioconvert", "gstreamer1.0-plugins-base"},
    {"audioresample", "gstreamer1.0-plugins-base"},
    {"imagefreeze", "gstreamer1.0-plugins-good"},
    {"videoflip", "gstreamer1.0-plugins-good"},
    {"videocrop", "gstreamer1.0-plugins-good"},
    {"mp4mux", "gstreamer1.0-plugins-good"},
};

bool have_element(const char *name) {
  GstElementFactory *factory = gst_element_factory_find(name);
  if (factory) gst_object_unref(factory);
  return factory != nullptr;
}

// What a launch line can hold of names.
void require_utf8(const char *flag, const std::string &name) {
  if (g_utf8_validate(name.c_str(), static_cast<gssize>(name.size()), nullptr)) return;
  g_autofree gchar *shown = g_utf8_make_valid(name.c_str(), static_cast<gssize>(name.size()));
  throw UserError(
      std::string(flag) + " \"" + shown +
      "\" is not a name in UTF-8, which GStreamer needs: rename the file or its folder");
}

void require_elements() {
  for (const PluginPackage &row : kPackages) {
    if (have_element(row.element)) continue;
    if (!row.package)
      throw UserError(std::string("the GStreamer element ") + row.element +
                      " is not found: start with pipelines/lipsync, or set GST_PLUGIN_PATH to the "
                      "folder of libgst" +
                      row.element + ".so");
    throw UserError(std::string("the GStreamer element ") + row.element +
                    " is not installed: install " + row.package);
  }
}

AacEncoder choose_aac() {
  for (const AacEncoder &encoder : kAacEncoders)
    if (have_element(encoder.element)) return encoder;
  throw UserError("no AAC encoder is installed: install gstreamer1.0-libav");
}

// The choices of an enum property, so that a wrong value is refused before anything runs.
void require_choice(const char *flag, const char *element, const char *property,
                    const std::string &value) {
  GstElement *instance = gst_element_factory_make(element, nullptr);
  if (!instance) throw UserError(std::string("cannot create ") + element);
  GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(instance), property);
  std::string choices;
  bool found = !spec || !G_IS_PARAM_SPEC_ENUM(spec);
  if (!found) {
    const GEnumClass *values = G_PARAM_SPEC_ENUM(spec)->enum_class;
    for (guint i = 0; i < values->n_values; ++i) {
      found = found || value == values->values[i].value_nick;
      choices += (choices.empty() ? "" : ", ") + std::string(values->values[i].value_nick);
    }
  }
  gst_object_unref(instance);
  if (!found)
    throw UserError(std::string(flag) + " " + value + ": give one of " + choices, kExitUsage);
}

// What must follow an encoder in front of mp4mux: " ! h264parse", or nothing.
std::string parser_of_encoder(const std::string &name) {
  GstElementFactory *factory = gst_element_factory_find(name.c_str());
  if (!factory && name == "x264enc")
    throw UserError(
        "x264enc is not installed: install gstreamer1.0-plugins-ugly, or choose another "
        "encoder with --encoder");
  if (!factory)
    throw UserError(
        "--encoder " + name + ": GStreamer has no such element here; see gst-inspect-1.0",
        kExitUsage);
  // MP4 wants avc; a parser where none is needed would drop time stamps that go back, as those of
  // joined recordings do.
  constexpr std::pair<const char *, const char *> kStages[] = {
      {"video/x-h264,stream-format=avc,alignment=au", ""},
      {"video/x-h264", " ! h264parse"},
      {"video/x-h265", " ! h265parse"},
  };
  const char *stage = nullptr;
  for (const auto &[media, parser] : kStages) {
    GstCaps *caps = gst_caps_from_string(media);
    if (!stage &&
        gst_element_factory_list_is_type(factory, GST_ELEMENT_FACTORY_TYPE_VIDEO_ENCODER) &&
        gst_element_factory_can_src_any_caps(factory, caps))
      stage = parser;
    gst_caps_unref(caps);
  }
  gst_object_unref(factory);
  if (!stage)
    throw UserError("--encoder " + name + " is no H.264 or H.265 encoder: give one such as x264enc",
                    kExitUsage);
  return stage;
}

// The frame's size through the stages; each stage of the text moves it on.
struct Size {
  int width, height;
  void swap() { std::swap(width, height); }
};

bool quarter_turn(const std::string &orientation) {
  return orientation.find("rotate-90") != std::string::npos ||
         orientation.find("rotate-270") != std::string::npos;
}

// videoflip's name of what the image-orientation tag says.
std::string direction_of(const std::string &orientation) {
  constexpr std::pair<const char *, const char *> kDirections[] = {
      {"rotate-90", "90r"},         {"rotate-180", "180"},       {"rotate-270", "90l"},
      {"flip-rotate-0", "horiz"},   {"flip-rotate-180", "vert"}, {"flip-rotate-90", "ur-ll"},
      {"flip-rotate-270", "ul-lr"},
  };
  for (const auto &[tag, direction] : kDirections)
    if (orientation == tag) return direction;
  return "identity";
}

void check_box(const Options &options, Size frame) {
  if (!options.box) return;
  const auto [top, bottom, left, right] = *options.box;
  if (bottom > frame.height || right > frame.width)
    throw UserError("--box " + std::to_string(top) + " " + std::to_string(bottom) + " " +
                        std::to_string(left) + " " + std::to_string(right) +
                        " lies outside the frame of " + std::to_string(frame.width) + "x" +
                        std::to_string(frame.height) +
                        " pixels: the order is TOP BOTTOM LEFT RIGHT",
                    kExitUsage);
}

// uridecodebin shows every stream of the file; what follows must take the wanted kind only.
std::string source(const std::string &path) {
  return "uridecodebin uri=" + launch_quoted(file_uri(path));
}

std::string audio_source(const std::string &path) {
  return source(path) + " ! capsfilter caps=" + launch_quoted("audio/x-raw") + " ! queue";
}

std::string angle(const std::array<int, 4> &values) {
  std::ostringstream text;
  text << "<" << values[0] << "," << values[1] << "," << values[2] << "," << values[3] << ">";
  return launch_quoted(text.str());
}

std::string frame_rate(double fps, VideoFacts *facts) {
  gst_video_guess_framerate(static_cast<GstClockTime>(GST_SECOND / fps + 0.5), &facts->fps_n,
                            &facts->fps_d);
  return std::to_string(facts->fps_n) + "/" + std::to_string(facts->fps_d);
}

// From the file to the decoded frame as it will be shown.
std::string picture_stages(const Options &options, VideoFacts *face, Size *size) {
  if (size->width < kMinEdge || size->height < kMinEdge)
    throw UserError("--face \"" + options.face + "\" has " + std::to_string(size->width) + "x" +
                    std::to_string(size->height) + " pixels: give one of at least " +
                    std::to_string(kMinEdge) + "x" + std::to_string(kMinEdge));
  std::string text = source(options.face);
  // Does nothing for the formats that the elements work on.
  text += " ! videoconvert";
  if (options.resize_factor > 1) {
    size->width = std::max(1, size->width / options.resize_factor);
    size->height = std::max(1, size->height / options.resize_factor);
    if (size->width < kMinEdge || size->height < kMinEdge)
      throw UserError("--resize_factor " + std::to_string(options.resize_factor) + " leaves " +
                          std::to_string(size->width) + "x" + std::to_string(size->height) +
                          " pixels: give a smaller number",
                      kExitUsage);
    std::ostringstream caps;
    caps << "video/x-raw,width=" << size->width << ",height=" << size->height
         << ",pixel-aspect-ratio=" << face->par_n << "/" << face->par_d;
    text += " ! videoscale add-borders=false ! capsfilter caps=" + launch_quoted(caps.str());
  }
  if (!face->orientation.empty()) {
    // "auto" rather than the direction found: newer versions then also correct the tag.
    text += " ! videoflip name=upright video-direction=" +
            (face->tagged ? "auto" : direction_of(face->orientation));
    if (quarter_turn(face->orientation)) size->swap();
  }
  if (options.rotate) {
    text += " ! videoflip video-direction=90r";
    size->swap();
  }
  if (face->image || options.still)
    text += " ! imagefreeze ! capsfilter caps=" +
            launch_quoted("video/x-raw,framerate=" + frame_rate(options.fps, face));
  return text;
}

std::string facecache_stage(const Options &options) {
  std::string text = "w2lfacecache name=facecache";
  if (options.box) {
    const auto [top, bottom, left, right] = *options.box;
    text += " box=" + angle({left, top, right, bottom});
  } else {
    text += " detector=" + options.detector + " pads=" + angle(options.pads);
  }
  return text + " on-missing=" + options.on_missing;
}

// 4:2:0 halves both edges, so an odd last column or row cannot be encoded.
std::string even_stage(Size *size) {
  if (size->width % 2 == 0 && size->height % 2 == 0) return "";
  std::string text = " ! videocrop";
  if (size->width % 2) text += " right=1";
  if (size->height % 2) text += " bottom=1";
  size->width -= size->width % 2;
  size->height -= size->height % 2;
  return text;
}

std::string encoder_stage(const Options &options) {
  const std::string parser = parser_of_encoder(options.encoder);
  std::string text = options.encoder;
  if (options.encoder == "x264enc") {
    const std::string preset = options.preset.value_or("medium");
    require_choice("--preset", "x264enc", "speed-preset", preset);
    // pass=qual is x264's CRF; without vbv-buf-capacity=0 it would be capped at 2 Mbit/s.
    text += " pass=qual quantizer=" + std::to_string(options.crf.value_or(23)) +
            " vbv-buf-capacity=0 speed-preset=" + preset;
  }
  return text + parser;
}

// Encoders refuse channels without positions, as those of field recorders; audioconvert mixes them
// by a matrix only. Their mean is what w2linfer listens to.
std::string mean_of_channels(int channels) {
  std::ostringstream row;
  for (int i = 0; i < channels; ++i) row << (i > 0 ? "," : "") << "(float)" << 1.0 / channels;
  return " mix-matrix=" + launch_quoted("<<" + row.str() + ">>");
}

std::string soundtrack_stages(const Options &options, const AudioFacts &audio,
                              const AacEncoder &aac) {
  // Players know these rates, and at a lower one each AAC packet would last longer than a frame.
  const int rate = audio.rate == 44100 ? 44100 : 48000;
  const std::string mix = audio.positioned ? "" : mean_of_channels(audio.channels);
  return audio_source(options.audio) + " ! audioconvert" + mix +
         " ! audioresample ! capsfilter caps=" +
         launch_quoted("audio/x-raw,rate=" + std::to_string(rate)) + " ! " + aac.element + " ! " +
         kMuxQueue + " ! mux.";
}

double seconds(GstClockTime time) {
  return static_cast<double>(time) / GST_SECOND;
}

void estimate_length(const VideoFacts &face, const AudioFacts &audio, bool still, Plan *plan) {
  plan->fps = face.fps_d > 0 ? static_cast<double>(face.fps_n) / face.fps_d : 0;
  if (plan->fps <= 0) return;
  const bool video_known = !still && GST_CLOCK_TIME_IS_VALID(face.duration);
  const bool audio_known = GST_CLOCK_TIME_IS_VALID(audio.duration);
  const long by_video = video_known ? std::lround(seconds(face.duration) * plan->fps) : 0;
  const long by_audio = audio_known ? frames_for_audio(seconds(audio.duration), plan->fps) : 0;
  plan->expected_frames =
      by_video && by_audio ? std::min(by_video, by_audio) : std::max(by_video, by_audio);
  plan->audio_surely_longer = by_video && by_audio > by_video + 1;
}

}  // namespace

std::string infer_stage(const Options &options) {
  const bool smooth = !options.nosmooth && !options.box;
  std::ostringstream text;
  text << "w2linfer name=infer model="
       << launch_quoted(std::filesystem::absolute(options.checkpoint_path).string())
       << " device=" << options.device << " precision=" << options.precision
       << " threads=" << options.threads << " batch-size=" << options.wav2lip_batch_size
       << " region=" << options.region << " smoothing=" << (smooth ? "reference" : "none")
       << " on-audio-end=end";
  if (options.feature_cache_size) text << " feature-cache-size=" << *options.feature_cache_size;
  return text.str();
}

std::string launch_quoted(const std::string &value) {
  std::string text = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\' || c == '$' || c == '`') text += '\\';
    text += c;
  }
  return text + "\"";
}

long frames_for_audio(double seconds, double fps) {
  constexpr int kColumnsPerSecond = 80, kWindow = 16;
  const long columns = std::max<long>(
      kWindow, 1 + static_cast<long>(std::floor(seconds * kColumnsPerSecond + 1e-6)));
  long frame = 0;
  while (static_cast<long>(frame * (kColumnsPerSecond / fps)) + kWindow <= columns) frame++;
  return frame + 1;
}

Plan plan_pipeline(const Options &options, const VideoFacts &face_facts, const AudioFacts &audio) {
  require_elements();
  require_utf8("--checkpoint_path", std::filesystem::absolute(options.checkpoint_path).string());
  require_utf8("--outfile", std::filesystem::absolute(options.outfile).string());
  require_choice("--precision", "w2linfer", "precision", options.precision);
  require_choice("--detector", "w2lfacecache", "detector", options.detector);
  require_choice("--on-missing", "w2lfacecache", "on-missing", options.on_missing);
  require_choice("--region", "w2linfer", "region", options.region);

  Plan plan;
  plan.aac = choose_aac();
  VideoFacts face = face_facts;
  Size size{face.width, face.height};
  std::ostringstream text;
  text << picture_stages(options, &face, &size) << " ! " << kDecodedQueue << " name=decoded ! ";
  check_box(options, size);
  text << facecache_stage(options) << " ! " << kDecodedQueue << " name=faces ! infer.sink "
       << infer_stage(options) << " infer.src ! " << kAnswerQueue
       << " name=answers ! w2lpatch name=patch"
       << even_stage(&size)
       // Does nothing but for pictures and videos that are not 4:2:0.
       << " ! videoconvert ! capsfilter caps="
       << launch_quoted("video/x-raw,format={I420,YV12,NV12}") << " ! " << kAnswerQueue
       << " name=pictures ! " << encoder_stage(options) << " ! " << kMuxQueue
       << " name=encoded ! mux. " << audio_source(options.audio) << " ! infer.audio "
       << soundtrack_stages(options, audio, plan.aac)
       << " mp4mux name=mux faststart=true ! filesink name=out location="
       << launch_quoted(std::filesystem::absolute(options.outfile).lexically_normal().string());
  plan.text = text.str();
  plan.width = size.width;
  plan.height = size.height;
  estimate_length(face, audio, face.image || options.still, &plan);
  return plan;
}

}  // namespace lipsync
