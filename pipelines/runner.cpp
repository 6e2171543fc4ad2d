// gst-lipsync-1.0: main loop, bus, signals.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "runner.h"

#include <glib-unix.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "progress.h"
#include "soundtrack.h"
#include "thread_times.h"
#include "user_error.h"

namespace lipsync {
namespace {

constexpr char kLongerAudio[] =
    "the audio is longer than the video: the output ends with the video";

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

// What an element said on the bus, after its kind; the debug details with file and line of the
// source are for developers.
std::string message_text(GstMessage *message, bool warning) {
  g_autoptr(GError) error = nullptr;
  if (warning)
    gst_message_parse_warning(message, &error, nullptr);
  else
    gst_message_parse_error(message, &error, nullptr);
  std::string text = one_line(error ? error->message : "unknown failure");
  GstElementFactory *factory = GST_IS_ELEMENT(GST_MESSAGE_SRC(message))
                                   ? gst_element_get_factory(GST_ELEMENT(GST_MESSAGE_SRC(message)))
                                   : nullptr;
  const std::string source = factory ? GST_OBJECT_NAME(factory) : GST_MESSAGE_SRC_NAME(message);
  if (text.compare(0, source.size() + 1, source + ":") != 0) text = source + ": " + text;
  return text;
}

// w2lfacecache says once that a frame has no face; how many had none is known at the end, and said
// then.
bool is_missing_face(GstMessage *message) {
  g_autoptr(GError) error = nullptr;
  gst_message_parse_warning(message, &error, nullptr);
  return g_strcmp0(GST_MESSAGE_SRC_NAME(message), "facecache") == 0 &&
         g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED);
}

bool is_failed_write(GstMessage *message) {
  g_autoptr(GError) error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  return g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE) ||
         g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
}

// The input file that a failing element belongs to, or the output, so that the message can name it.
std::string with_file(GstMessage *message, const std::string &text, const std::string &outfile) {
  if (is_failed_write(message))
    return "\"" + outfile + "\" cannot be written: is the disk full? (" + text + ")";
  for (GstObject *object = GST_MESSAGE_SRC(message); object; object = GST_OBJECT_PARENT(object)) {
    if (!GST_IS_ELEMENT(object)) continue;
    GstElementFactory *factory = gst_element_get_factory(GST_ELEMENT(object));
    if (!factory || g_strcmp0(GST_OBJECT_NAME(factory), "uridecodebin") != 0) continue;
    g_autofree gchar *uri = nullptr;
    g_object_get(object, "uri", &uri, nullptr);
    g_autofree gchar *path = uri ? g_filename_from_uri(uri, nullptr, nullptr) : nullptr;
    if (path) return "\"" + std::string(path) + "\" cannot be decoded: " + text;
  }
  return text;
}

void print_line(const std::string &text) {
  std::fprintf(stderr, "gst-lipsync-1.0: %s\n", one_line(text).c_str());
}

class Run {
 public:
  Run(const Options &options, const Plan &plan, OutputFile *output);
  ~Run();
  RunResult run();

 private:
  void open_engine();
  void open_output();
  void play();
  void stop();
  void finish();
  void collect_stats();
  void note_warning(const std::string &text);
  void note_info(GstMessage *message);
  [[noreturn]] void fail_with_bus_error(const char *otherwise);

  gboolean on_message(GstMessage *message);
  gboolean on_signal();
  gboolean on_timer();
  double seconds() const;

  const Options &options_;
  const Plan &plan_;
  OutputFile *output_;
  GstElement *pipeline_ = nullptr;
  GstBus *bus_ = nullptr;
  GMainLoop *loop_ = nullptr;
  std::vector<guint> sources_;
  std::unique_ptr<Soundtrack> soundtrack_;
  Progress progress_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  RunResult result_;
  std::string error_;
  bool complete_ = false;
};

Run::Run(const Options &options, const Plan &plan, OutputFile *output)
    : options_(options), plan_(plan), output_(output), progress_(stderr, options.quiet) {
  g_autoptr(GError) error = nullptr;
  pipeline_ =
      gst_parse_launch_full(plan.text.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!pipeline_)
    throw UserError("cannot build the pipeline: " + one_line(error ? error->message : "") +
                    "; --print-pipeline shows it");
  bus_ = gst_element_get_bus(pipeline_);
  loop_ = g_main_loop_new(nullptr, FALSE);
  soundtrack_ = std::make_unique<Soundtrack>(pipeline_, plan.aac);
}

Run::~Run() {
  for (guint source : sources_) g_source_remove(source);
  stop();
  soundtrack_.reset();
  if (loop_) g_main_loop_unref(loop_);
  if (bus_) gst_object_unref(bus_);
  if (pipeline_) gst_object_unref(pipeline_);
}

void Run::stop() {
  if (soundtrack_) soundtrack_->release();
  if (pipeline_) gst_element_set_state(pipeline_, GST_STATE_NULL);
}

void Run::fail_with_bus_error(const char *otherwise) {
  GstMessage *message = gst_bus_pop_filtered(bus_, GST_MESSAGE_ERROR);
  if (!message) throw UserError(otherwise);
  const std::string text = with_file(message, message_text(message, false), options_.outfile);
  gst_message_unref(message);
  throw UserError(text);
}

// Checkpoint, device and detector fail here, before anything is decoded or written. Not the whole
// pipeline: a sink opens its file when it becomes ready.
void Run::open_engine() {
  for (const char *name : {"infer", "facecache"}) {
    GstElement *element = gst_bin_get_by_name(GST_BIN(pipeline_), name);
    const bool failed = gst_element_set_state(element, GST_STATE_READY) == GST_STATE_CHANGE_FAILURE;
    gst_object_unref(element);
    if (failed) fail_with_bus_error("the network cannot be opened; GST_DEBUG=3 shows why");
  }
}

void Run::open_output() {
  output_->create();
  GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline_), "out");
  GstElement *mux = gst_bin_get_by_name(GST_BIN(pipeline_), "mux");
  g_object_set(sink, "location", output_->partial().c_str(), nullptr);
  g_object_set(mux, "faststart-file", output_->faststart().c_str(), nullptr);
  gst_object_unref(sink);
  gst_object_unref(mux);
}

double Run::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Run::note_warning(const std::string &text) {
  if (std::find(result_.warnings.begin(), result_.warnings.end(), text) != result_.warnings.end())
    return;
  result_.warnings.push_back(text);
  progress_.clear();
  print_warning(text);
}

// Ours only: what was chosen for the user, such as a detector in place of a missing one.
void Run::note_info(GstMessage *message) {
  if (options_.quiet || g_strcmp0(GST_MESSAGE_SRC_NAME(message), "facecache") != 0) return;
  g_autoptr(GError) info = nullptr;
  gst_message_parse_info(message, &info, nullptr);
  progress_.clear();
  print_line(one_line(info ? info->message : ""));
}

gboolean Run::on_message(GstMessage *message) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
      complete_ = true;
      g_main_loop_quit(loop_);
      break;
    case GST_MESSAGE_ERROR:
      // The first error is the cause; what follows are its consequences.
      if (error_.empty())
        error_ = with_file(message, message_text(message, false), options_.outfile);
      g_main_loop_quit(loop_);
      break;
    case GST_MESSAGE_WARNING:
      if (!is_missing_face(message)) note_warning(message_text(message, true));
      break;
    case GST_MESSAGE_INFO:
      note_info(message);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency(GST_BIN(pipeline_));
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

gboolean Run::on_signal() {
  result_.interrupted = true;
  g_main_loop_quit(loop_);
  return G_SOURCE_CONTINUE;
}

gboolean Run::on_timer() {
  progress_.update(soundtrack_->frames(), plan_.expected_frames, seconds());
  return G_SOURCE_CONTINUE;
}

void Run::play() {
  const auto on_signal = [](gpointer self) { return static_cast<Run *>(self)->on_signal(); };
  for (int signal : heeded_signals())
    sources_.push_back(g_unix_signal_add(signal, on_signal, this));
  sources_.push_back(gst_bus_add_watch(
      bus_,
      [](GstBus *, GstMessage *message, gpointer self) {
        return static_cast<Run *>(self)->on_message(message);
      },
      this));
  constexpr guint kRedrawMilliseconds = 200;
  sources_.push_back(g_timeout_add(
      kRedrawMilliseconds, [](gpointer self) { return static_cast<Run *>(self)->on_timer(); },
      this));
  open_output();
  // A failure is on the bus too, where the loop finds it.
  if (gst_element_set_state(pipeline_, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE &&
      !gst_bus_have_pending(bus_))
    throw UserError("the pipeline does not start; GST_DEBUG=3 shows why");
  g_main_loop_run(loop_);
}

void Run::collect_stats() {
  for (const char *name : {"facecache", "infer", "patch"}) {
    GstElement *element = gst_bin_get_by_name(GST_BIN(pipeline_), name);
    if (!element) continue;
    GstStructure *stats = nullptr;
    if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "stats"))
      g_object_get(element, "stats", &stats, nullptr);
    if (stats)
      result_.stages.push_back({GST_OBJECT_NAME(gst_element_get_factory(element)),
                                std::shared_ptr<GstStructure>(stats, gst_structure_free)});
    gst_object_unref(element);
  }
}

void Run::finish() {
  progress_.clear();
  result_.frames = soundtrack_->frames();
  result_.video_duration = soundtrack_->video_end();
  result_.audio_cut = soundtrack_->cut();
  if (complete_) collect_stats();
  result_.thread_seconds = thread_times();
  stop();
  if (result_.interrupted) return;
  if (!error_.empty()) throw UserError(error_);
  if (result_.frames == 0)
    throw UserError("no frame could be made: check that \"" + options_.face +
                    "\" has pictures and \"" + options_.audio + "\" has sound in it");
  output_->commit();
  if (result_.audio_cut) note_warning(kLongerAudio);
  if (soundtrack_->went_back())
    note_warning("the time stamps of \"" + options_.audio +
                 "\" go back, and sound may be missing: convert it to a WAV file of PCM first");
}

RunResult Run::run() {
  open_engine();
  result_.open_seconds = seconds();
  if (plan_.audio_surely_longer) note_warning(kLongerAudio);
  play();
  finish();
  result_.seconds = seconds();
  return result_;
}

}  // namespace

void print_notice(const std::string &text) {
  print_line(text);
}
void print_warning(const std::string &text) {
  print_line("warning: " + text);
}
void print_error(const std::string &text) {
  print_line(text);
}

std::vector<int> heeded_signals() {
  std::vector<int> result;
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_IGN)
      result.push_back(signal);
  }
  return result;
}

RunResult run_pipeline(const Options &options, const Plan &plan, OutputFile *output) {
  return Run(options, plan, output).run();
}

}  // namespace lipsync
