// gst-wav2lip tests: a GPU that is none. Its memory is the host's, its kernels are their twins on
// the CPU, and a stream is a queue that is worked off only when somebody waits for it, so that a
// missing dependency shows. It counts what it is asked for and fails when a test wants it to.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "driver.h"

namespace w2l::test {

class FakeDriver : public Driver {
 public:
  // Which stream goes on when one is waited for.
  enum class Order {
    Lazy,         // that one alone, and those that it waits for
    OthersFirst,  // all others, as far as they get, before it
    InTurns,      // each does one thing, as far as it gets, then the next one
  };

  struct Counts {
    int allocations = 0, host_allocations = 0;
    int streams = 0, events = 0, graphs = 0;
    int launches = 0;                             // of graphs
    int kernels = 0;                              // that were run, in graphs or not
    std::vector<std::size_t> uploads, downloads;  // bytes of each copy
  };

  // Calls that can be made to fail.
  enum class Call { Allocate, AllocateHost, Upload, Download, Capture, Launch, Synchronize };

  FakeDriver();
  ~FakeDriver() override;

  // For tests.
  void set_memory(std::size_t bytes);  // of the device; more is out of memory
  void set_multiprocessors(int count) { info_.size.multiprocessors = count; }
  void set_order(Order order);
  // The n-th such call from now on, and all that follow unless it is `once`, throw the error.
  void fail(Call call, int n, const Error &error, bool once = false);
  // While held, synchronize() blocks as it does on a busy GPU.
  void hold(bool held);
  void wait_for_launches(int count);
  Counts counts() const;
  std::size_t memory_in_use() const;
  std::size_t objects_alive() const;  // memory of both kinds, streams, events, graphs

  const DriverInfo &info() const override { return info_; }
  void load_kernels(Number number) override;
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
  void clear(Stream *stream, void *memory, std::size_t bytes) override;
  void convolve(Stream *stream, const ConvArgs &args) override;
  void write_faces(Stream *stream, const FaceArgs &args) override;
  void write_mels(Stream *stream, const MelArgs &args) override;
  void write_answers(Stream *stream, const AnswerArgs &args) override;
  void begin_capture(Stream *stream) override;
  Graph *end_capture(Stream *stream) override;
  void launch(Stream *stream, Graph *graph) override;
  void destroy(Graph *graph) noexcept override;
  void record(Stream *stream, Event *event) override;
  void wait(Stream *stream, Event *event) override;
  void synchronize(Event *event) override;

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Memory = std::map<const std::byte *, std::vector<std::byte>>;
  struct FakeStream;
  struct FakeEvent;
  struct FakeGraph;

  struct Failure {
    int calls_left;
    Error error;
    bool once;
  };

  void *allocate_in(Memory &memory, std::size_t bytes);
  void require_inside(const Memory &memory, const void *from, std::size_t bytes,
                      const char *what) const;
  void enqueue(Stream *stream, std::function<void()> work);
  void enqueue_kernel(Stream *stream, Number number, std::function<void()> work);
  void may_fail(Call call);
  // Does the next thing in a stream, unless that waits for another one.
  static void step(FakeStream &stream);
  // Works a stream off until the event's record number `record` is done; all of it without one.
  void work_off(FakeStream *stream, const FakeEvent *event, int record);

  DriverInfo info_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Memory device_, host_;
  std::size_t device_bytes_ = 0;
  std::set<FakeStream *> streams_;
  std::set<FakeEvent *> events_;
  std::set<FakeGraph *> graphs_;
  std::map<Call, Failure> failures_;
  std::set<Number> loaded_;
  Order order_ = Order::Lazy;
  bool held_ = false;
  Counts counts_;
};

}  // namespace w2l::test
