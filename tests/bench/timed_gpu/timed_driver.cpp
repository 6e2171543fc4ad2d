// gst-wav2lip benchmark: a GPU that takes as long as one and computes nothing. See timed_driver.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "timed_driver.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace w2l::bench {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::size_t kMemory = std::size_t{8} << 30;
constexpr int kGrey = 128;

// Both of bytes: uploads and downloads.
constexpr double kCopyStartMs = 0.008;
constexpr double kBytesPerMs = 20e6;

// Whole pictures, crops that are new, 1 to 128 of them.
constexpr double kLaunchMs[] = {0.35, 0.40, 0.50, 0.68, 0.96, 1.48, 2.73, 4.57};
constexpr double kLowerShare = 0.84;    // of the time, where only the lower half is computed
constexpr double kEncoderShare = 0.23;  // of that: what is saved when crops are repeated

double launch_ms(int images) {
  std::size_t place = 0;
  while (1 << place < images) ++place;
  return kLaunchMs[place];
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

struct TimedDriver::TimedStream {
  Clock::time_point end;  // of all that is enqueued
  Milliseconds captured{0};
  bool capturing = false;
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
  return std::malloc(bytes);
}

void TimedDriver::release(void *memory) noexcept {
  std::free(memory);
}

void *TimedDriver::allocate_host(std::size_t bytes) {
  void *memory = std::malloc(bytes);
  std::memset(memory, kGrey, bytes);
  return memory;
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

// A launch takes what its images take as a whole; half pictures are told by the answers alone.
void TimedDriver::write_faces(Stream *stream, const FaceArgs &args) {
  as<TimedStream>(stream)->captured +=
      Milliseconds(launch_ms(args.images) * kLowerShare * kEncoderShare);
}

void TimedDriver::write_answers(Stream *stream, const AnswerArgs &args) {
  const double all = launch_ms(args.images);
  const double encoder = all * kLowerShare * kEncoderShare;
  as<TimedStream>(stream)->captured +=
      Milliseconds((args.first_row > 0 ? all * kLowerShare : all) - encoder);
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
