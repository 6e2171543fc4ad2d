// gst-wav2lip benchmark: a GPU that takes as long as one and computes nothing. See timed_driver.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "timed_driver.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "error.h"

namespace w2l::bench {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::size_t kMemory = std::size_t{8} << 30;
constexpr int kGrey = 128;

// Of uploads and downloads.
constexpr double kCopyStartMs = 0.008;
constexpr double kBytesPerMs = 20e6;

// From the batches per second of `run-packed network`
// (results/nvidia-h100-*-packed-2026-11-26.json), one after the other and two in flight: of 1, 2,
// 4, ... 128 whole pictures of new faces. Shares are those of 128.
constexpr double kLaunchMs[] = {0.35, 0.40, 0.50, 0.68, 0.96, 1.48, 2.73, 4.57};
constexpr double kLowerShare = 0.86;    // of the time, where only the lower half is computed
constexpr double kEncoderShare = 0.32;  // of the time for the lower half

double whole_milliseconds(int images) {
  std::size_t place = 0;
  while (1 << place < images) ++place;
  return kLaunchMs[place];
}

double encoder_milliseconds(int images) {
  return whole_milliseconds(images) * kLowerShare * kEncoderShare;
}

template <typename Duration>
std::chrono::steady_clock::duration ticks(Duration time) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(time);
}

template <typename To, typename From>
To *as(From *handle) {
  return reinterpret_cast<To *>(handle);
}

}  // namespace

double launch_milliseconds(int images, bool lower, bool repeated) {
  return whole_milliseconds(images) * (lower ? kLowerShare : 1.0) -
         (repeated ? encoder_milliseconds(images) : 0.0);
}

struct TimedDriver::TimedStream {
  Clock::time_point end;  // of all that is enqueued
  Milliseconds captured{0};
};

struct TimedDriver::TimedEvent {
  Clock::time_point time;
};

struct TimedDriver::TimedGraph {
  Milliseconds time;
};

TimedDriver::TimedDriver() {
  info_.name = "a timed stand-in for an NVIDIA H100";
  info_.capability = 90;
  info_.size.multiprocessors = 132;
  info_.memory = kMemory;
}

// Only addresses of device memory are ever used: its pages are never touched.
void *TimedDriver::allocate(std::size_t bytes) {
  void *memory = std::malloc(bytes);
  if (!memory) throw Error(ErrorCode::OutOfMemory, "not enough memory for the timed GPU");
  return memory;
}

void TimedDriver::release(void *memory) noexcept {
  std::free(memory);
}

void *TimedDriver::allocate_host(std::size_t bytes) {
  return std::memset(allocate(bytes), kGrey, bytes);
}

void TimedDriver::release_host(void *memory) noexcept {
  std::free(memory);
}

TimedDriver::Stream *TimedDriver::make_stream() {
  return as<Stream>(new TimedStream);
}

void TimedDriver::destroy(Stream *stream) noexcept {
  delete as<TimedStream>(stream);
}

TimedDriver::Event *TimedDriver::make_event() {
  return as<Event>(new TimedEvent);
}

void TimedDriver::destroy(Event *event) noexcept {
  delete as<TimedEvent>(event);
}

void TimedDriver::copy(Stream *stream, std::size_t bytes) {
  Clock::time_point &end = as<TimedStream>(stream)->end;
  end = std::max(end, Clock::now()) +
        ticks(Milliseconds(kCopyStartMs + static_cast<double>(bytes) / kBytesPerMs));
}

void TimedDriver::copy_to_device(Stream *stream, void *, const void *, std::size_t bytes) {
  copy(stream, bytes);
}

void TimedDriver::copy_to_host(Stream *stream, void *, const void *, std::size_t bytes) {
  copy(stream, bytes);
}

void TimedDriver::compute(TimedStream &stream, Clock::duration time) {
  const std::lock_guard<std::mutex> lock(mutex_);
  stream.end = std::max({stream.end, compute_end_, Clock::now()}) + time;
  compute_end_ = stream.end;
}

// An encoder's graph begins with faces; the graph of all the rest ends with answers.
void TimedDriver::write_faces(Stream *stream, const FaceArgs &args) {
  as<TimedStream>(stream)->captured += Milliseconds(encoder_milliseconds(args.images));
}

void TimedDriver::write_answers(Stream *stream, const AnswerArgs &args) {
  as<TimedStream>(stream)->captured +=
      Milliseconds(launch_milliseconds(args.images, args.first_row > 0, true));
}

void TimedDriver::begin_capture(Stream *stream) {
  as<TimedStream>(stream)->captured = Milliseconds(0);
}

TimedDriver::Graph *TimedDriver::end_capture(Stream *stream) {
  return as<Graph>(new TimedGraph{as<TimedStream>(stream)->captured});
}

void TimedDriver::launch(Stream *stream, Graph *graph) {
  compute(*as<TimedStream>(stream), ticks(as<TimedGraph>(graph)->time));
}

void TimedDriver::destroy(Graph *graph) noexcept {
  delete as<TimedGraph>(graph);
}

void TimedDriver::record(Stream *stream, Event *event) {
  as<TimedEvent>(event)->time = as<TimedStream>(stream)->end;
}

void TimedDriver::wait(Stream *stream, Event *event) {
  Clock::time_point &end = as<TimedStream>(stream)->end;
  end = std::max(end, as<TimedEvent>(event)->time);
}

void TimedDriver::synchronize(Event *event) {
  std::this_thread::sleep_until(as<TimedEvent>(event)->time);
}

}  // namespace w2l::bench
