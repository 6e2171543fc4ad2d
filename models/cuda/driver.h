// gst-wav2lip: all that the CUDA engine asks of a GPU, as one interface: cuda_driver.h is the real
// one, tests run the engine on a fake one that computes on the CPU (cpu_twins.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "conv_plan.h"
#include "error.h"
#include "kernel_args.h"

namespace w2l {

struct DriverInfo {
  std::string name;    // "NVIDIA H100 80GB HBM3"
  int capability = 0;  // 80 for 8.0
  GpuSize size;
  std::size_t memory = 0;  // bytes
};

// One GPU. Methods that enqueue return at once; what goes wrong then is thrown by a later call.
// All throw Error: OutOfMemory, NoDevice, UnusableDevice (too old), Failed (lost). Thread-safe, but
// a stream is used by one thread at a time.
class Driver {
 public:
  struct Stream;
  struct Event;
  struct Graph;

  virtual ~Driver() = default;
  virtual const DriverInfo &info() const = 0;

  // To be called before kernels for this kind of number are captured.
  virtual void load_kernels(Number number) = 0;

  // Device memory, and host memory that is copied from and to without an intermediate copy.
  virtual void *allocate(std::size_t bytes) = 0;
  virtual void release(void *memory) noexcept = 0;
  virtual void *allocate_host(std::size_t bytes) = 0;
  virtual void release_host(void *memory) noexcept = 0;

  virtual Stream *make_stream() = 0;
  virtual void destroy(Stream *stream) noexcept = 0;
  virtual Event *make_event() = 0;
  virtual void destroy(Event *event) noexcept = 0;

  // In the stream's order. Host memory must be of allocate_host().
  virtual void copy_to_device(Stream *stream, void *to, const void *from, std::size_t bytes) = 0;
  virtual void copy_to_host(Stream *stream, void *to, const void *from, std::size_t bytes) = 0;
  virtual void clear(Stream *stream, void *memory, std::size_t bytes) = 0;
  virtual void convolve(Stream *stream, const ConvArgs &args) = 0;
  virtual void write_faces(Stream *stream, const FaceArgs &args) = 0;
  virtual void write_mels(Stream *stream, const MelArgs &args) = 0;
  virtual void write_answers(Stream *stream, const AnswerArgs &args) = 0;

  // What is enqueued between them is not run, but kept to be run by launch() as a whole.
  virtual void begin_capture(Stream *stream) = 0;
  virtual Graph *end_capture(Stream *stream) = 0;
  virtual void launch(Stream *stream, Graph *graph) = 0;
  virtual void destroy(Graph *graph) noexcept = 0;

  virtual void record(Stream *stream, Event *event) = 0;
  virtual void wait(Stream *stream, Event *event) = 0;  // the stream, not the caller
  virtual void synchronize(Event *event) = 0;           // the caller, without spinning
};

}  // namespace w2l
