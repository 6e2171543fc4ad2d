// gst-lipsync-1.0: the probes of Soundtrack.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "soundtrack.h"

#include <algorithm>

namespace lipsync {
namespace {

GstSegment segment_of(GstPad *pad) {
  GstSegment result;
  gst_segment_init(&result, GST_FORMAT_TIME);
  GstEvent *event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  if (!event) return result;
  gst_event_copy_segment(event, &result);
  gst_event_unref(event);
  return result;
}

// Beyond the segment's end too: AAC encoders stamp the last sound later than it is. Invalid before
// time 0.
GstClockTime running_time(const GstSegment &segment, GstClockTime time) {
  guint64 result = 0;
  const bool valid = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, time, &result) > 0;
  return valid ? result : GST_CLOCK_TIME_NONE;
}

int sample_rate(GstPad *pad) {
  GstCaps *caps = gst_pad_get_current_caps(pad);
  int rate = 0;
  if (caps) {
    gst_structure_get_int(gst_caps_get_structure(caps, 0), "rate", &rate);
    gst_caps_unref(caps);
  }
  return rate;
}

bool is_buffer(const GstPadProbeInfo *info) {
  return GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER;
}

bool is_eos(const GstPadProbeInfo *info) {
  return (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) &&
         GST_EVENT_TYPE(GST_PAD_PROBE_INFO_DATA(info)) == GST_EVENT_EOS;
}

// The sink pad of which the name starts with `prefix`.
GstPad *sink_pad(GstElement *element, const char *prefix) {
  GstPad *found = nullptr;
  GST_OBJECT_LOCK(element);
  for (GList *item = element->sinkpads; item; item = item->next)
    if (g_str_has_prefix(GST_OBJECT_NAME(item->data), prefix))
      found = GST_PAD(gst_object_ref(item->data));
  GST_OBJECT_UNLOCK(element);
  return found;
}

}  // namespace

template <Soundtrack::Handler handler>
void Soundtrack::watch(GstPad *pad, Probe *probe) {
  if (!pad) return;
  const auto type =
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM);
  const auto callback = [](GstPad *source, GstPadProbeInfo *info, gpointer self) {
    return (static_cast<Soundtrack *>(self)->*handler)(source, info);
  };
  *probe = {pad, gst_pad_add_probe(pad, type, callback, this, nullptr)};
}

Soundtrack::Soundtrack(GstElement *pipeline, const AacEncoder &aac)
    : priming_samples_(aac.priming_samples) {
  GstElement *infer = gst_bin_get_by_name(GST_BIN(pipeline), "infer");
  // In front of its queue: the muxer takes 250 ms of sound at a time and must never be what the
  // picture waits for while the sound waits for the picture.
  GstElement *encoded = gst_bin_get_by_name(GST_BIN(pipeline), "encoded");
  GstElement *mux = gst_bin_get_by_name(GST_BIN(pipeline), "mux");
  watch<&Soundtrack::on_infer_sink>(gst_element_get_static_pad(infer, "sink"), &probes_[0]);
  watch<&Soundtrack::on_infer_src>(gst_element_get_static_pad(infer, "src"), &probes_[1]);
  watch<&Soundtrack::on_encoded>(gst_element_get_static_pad(encoded, "sink"), &probes_[2]);
  watch<&Soundtrack::on_mux_audio>(sink_pad(mux, "audio"), &probes_[3]);
  watch<&Soundtrack::on_speech>(sink_pad(infer, "audio"), &probes_[4]);
  gst_object_unref(infer);
  gst_object_unref(encoded);
  gst_object_unref(mux);
}

Soundtrack::~Soundtrack() {
  release();
  for (Probe &probe : probes_) {
    if (!probe.pad) continue;
    gst_pad_remove_probe(probe.pad, probe.id);
    gst_object_unref(probe.pad);
  }
}

void Soundtrack::release() {
  std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

// Decoders of ADPCM in GStreamer 1.22 do that; their sound cannot be put in its place.
void Soundtrack::look_for_way_back(GstPad *pad, GstBuffer *buffer) {
  constexpr GstClockTime kTolerance = 100 * GST_MSECOND;
  const GstClockTime start = running_time(segment_of(pad), GST_BUFFER_PTS(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(start)) return;
  if (start + kTolerance < speech_end_) went_back_ = true;
  speech_end_ = start;
  if (GST_BUFFER_DURATION_IS_VALID(buffer)) speech_end_ += GST_BUFFER_DURATION(buffer);
}

// GStreamer 1.22's wavparse reads nothing for ever where a file ends within its header.
GstPadProbeReturn Soundtrack::on_speech(GstPad *pad, GstPadProbeInfo *info) {
  if (!is_buffer(info)) return GST_PAD_PROBE_OK;
  look_for_way_back(pad, GST_PAD_PROBE_INFO_BUFFER(info));
  constexpr int kEndless = 10000;
  empty_ = gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info)) == 0 ? empty_ + 1 : 0;
  if (empty_ != kEndless) return GST_PAD_PROBE_OK;
  GstElement *infer = gst_pad_get_parent_element(pad);
  GST_ELEMENT_ERROR(infer, STREAM, DEMUX,
                    ("The speech has neither sound nor an end: check that its file is complete"),
                    (nullptr));
  gst_object_unref(infer);
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn Soundtrack::on_infer_sink(GstPad *, GstPadProbeInfo *info) {
  std::lock_guard lock(mutex_);
  if (is_buffer(info)) frames_in_++;
  if (is_eos(info)) input_ended_ = true;
  return GST_PAD_PROBE_OK;
}

// When the sound ends first, w2linfer ends the stream with frames left over or before its input.
GstPadProbeReturn Soundtrack::on_infer_src(GstPad *, GstPadProbeInfo *info) {
  std::lock_guard lock(mutex_);
  if (is_buffer(info)) frames_out_++;
  if (is_eos(info)) whole_video_ = input_ended_ && frames_out_ == frames_in_;
  return GST_PAD_PROBE_OK;
}

// mp4mux makes the track as long as it takes to decode. Where frames are not decoded in the order
// they are shown in, and their distances differ, that ends before the last ones are shown. Each
// frame's duration is set as if it were the last; of the others the muxer looks at the distances.
void Soundtrack::show_to_the_end(GstBuffer *buffer) {
  const GstClockTime shown = GST_BUFFER_PTS(buffer), decoded = GST_BUFFER_DTS(buffer);
  if (!GST_BUFFER_PTS_IS_VALID(buffer) || !GST_BUFFER_DTS_IS_VALID(buffer) ||
      !GST_BUFFER_DURATION_IS_VALID(buffer))
    return;
  if (!GST_CLOCK_TIME_IS_VALID(last_decoded_) || decoded < last_decoded_) {
    first_shown_ = shown_end_ = shown;
    first_decoded_ = decoded;
  }
  last_decoded_ = decoded;
  shown_end_ = std::max(shown_end_, shown + GST_BUFFER_DURATION(buffer));
  const GstClockTime track = shown_end_ - std::min(first_shown_, shown_end_);
  const GstClockTime before = decoded - first_decoded_;
  if (track > before + GST_BUFFER_DURATION(buffer)) GST_BUFFER_DURATION(buffer) = track - before;
}

GstPadProbeReturn Soundtrack::on_encoded(GstPad *pad, GstPadProbeInfo *info) {
  if (is_buffer(info)) {
    GstBuffer *buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
    GstClockTime end = running_time(segment_of(pad), GST_BUFFER_PTS(buffer));
    if (GST_CLOCK_TIME_IS_VALID(end)) {
      if (GST_BUFFER_DURATION_IS_VALID(buffer)) end += GST_BUFFER_DURATION(buffer);
      std::lock_guard lock(mutex_);
      video_end_ = std::max(video_end_.load(), end);
      changed_.notify_all();
    }
    show_to_the_end(buffer);
    frames_++;
  } else if (is_eos(info)) {
    std::lock_guard lock(mutex_);
    video_ended_ = true;
    changed_.notify_all();
  }
  return GST_PAD_PROBE_OK;
}

// AAC encoders start with a packet or two of silence and stamp them as if they were sound: drop
// them and move the rest to where it belongs. Returns false for a dropped packet.
bool Soundtrack::shift_priming_out(GstPad *pad, GstPadProbeInfo *info) {
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  const int rate = sample_rate(pad);
  if (rate <= 0 || !GST_BUFFER_PTS_IS_VALID(buffer)) return true;
  const GstClockTime priming = gst_util_uint64_scale_int_round(priming_samples_, GST_SECOND, rate);
  const GstSegment segment = segment_of(pad);
  const GstClockTime time = running_time(segment, GST_BUFFER_PTS(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(time)) return false;
  // Not time 0: sound tracks may begin later.
  if (!GST_CLOCK_TIME_IS_VALID(sound_start_)) sound_start_ = time;
  // Encoders round time stamps to nanoseconds: a packet 1 us early is not lost.
  if (time + GST_USECOND < sound_start_ + priming) return false;
  buffer = gst_buffer_make_writable(buffer);
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  const auto moved = [&](GstClockTime stamp) {
    return std::max<GstClockTime>(segment.start, stamp - std::min(priming, stamp));
  };
  GST_BUFFER_PTS(buffer) = moved(GST_BUFFER_PTS(buffer));
  if (GST_BUFFER_DTS_IS_VALID(buffer)) GST_BUFFER_DTS(buffer) = moved(GST_BUFFER_DTS(buffer));
  return true;
}

// Sound waits until the encoder is as far, so that it is known where the video ends before
// anything beyond reaches the muxer.
GstPadProbeReturn Soundtrack::on_mux_audio(GstPad *pad, GstPadProbeInfo *info) {
  if (!is_buffer(info)) return GST_PAD_PROBE_OK;
  if (!shift_priming_out(pad, info)) return GST_PAD_PROBE_DROP;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  const GstClockTime start = running_time(segment_of(pad), GST_BUFFER_PTS(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(start)) return GST_PAD_PROBE_OK;
  const GstClockTime end =
      start + (GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : 0);

  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return released_ || video_ended_ || end <= video_end_; });
  if (released_ || !video_ended_ || !whole_video_ || end <= video_end_) return GST_PAD_PROBE_OK;
  cut_ = true;
  if (start < video_end_) {
    // The packet is played to its end unless the track says that it is shorter.
    buffer = gst_buffer_make_writable(buffer);
    GST_BUFFER_DURATION(buffer) = video_end_ - start;
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
    return GST_PAD_PROBE_OK;
  }
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_EOS;
  gst_buffer_unref(buffer);
  return GST_PAD_PROBE_HANDLED;
}

}  // namespace lipsync
