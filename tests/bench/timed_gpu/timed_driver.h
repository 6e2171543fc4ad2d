// gst-wav2lip benchmark: a GPU that takes as long as one and computes nothing.
// Graphs run one after the other, copies beside them, each in its stream's order. The host sleeps
// until an event, as with a real one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <mutex>

#include "driver.h"

namespace w2l::bench {

// What the graphs of a launch take, in milliseconds: as on an NVIDIA H100 in fp16. Copies come on
// top. `images`: 1 to 128. `lower`: only the lower half is computed. `repeated`: no crop is new.
double launch_milliseconds(int images, bool lower, bool repeated);

class TimedDriver final : public Driver {
 public:
  TimedDriver();

  const DriverInfo &info() const override { return info_; }
  void load_kernels(Number) override {}
  void *allocate(std::size_t bytes) override;
  void release(void *memory) noexcept override;
  void *allocate_host(std::size_t bytes) override;
  void release_host(void *memory) noexcept override;
  Stream *make_stream() override;
  void destroy(Stream *stream) noexcept override;
  Event *make_event() override;
  void destroy(Event *event) noexcept override;
  void copy_to_device(Stream *stream, void *to, const void *from, std::size_t bytes) override;
  void copy_to_host(Stream *stream, void *to, const void *from, std::size_t bytes) override;
  void clear(Stream *, void *, std::size_t) override {}
  void convolve(Stream *, const ConvArgs &) override {}
  void write_faces(Stream *stream, const FaceArgs &args) override;
  void write_mels(Stream *, const MelArgs &) override {}
  void write_answers(Stream *stream, const AnswerArgs &args) override;
  void begin_capture(Stream *stream) override;
  Graph *end_capture(Stream *stream) override;
  void launch(Stream *stream, Graph *graph) override;
  void destroy(Graph *graph) noexcept override;
  void record(Stream *stream, Event *event) override;
  void wait(Stream *stream, Event *event) override;
  void synchronize(Event *event) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct TimedStream;
  struct TimedEvent;
  struct TimedGraph;

  void copy(Stream *stream, std::size_t bytes);
  void compute(TimedStream &stream, Clock::duration time);

  DriverInfo info_;
  std::mutex mutex_;
  Clock::time_point compute_end_;  // of all graphs so far
};

}  // namespace w2l::bench
