// gst-wav2lip tests: a GPU that is none. See fake_driver.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_driver.h"

#include <cstring>
#include <stdexcept>
#include <utility>

#include "cpu_twins.h"

namespace w2l::test {
namespace {

// Fresh memory holds numbers that are none in every type: what is read before it is written shows.
constexpr int kPoison = 0xff;

constexpr std::size_t kMemory = std::size_t{4} << 30;

[[noreturn]] void bug(const std::string &what) {
  throw std::logic_error("the engine " + what);
}

}  // namespace

struct FakeDriver::FakeEvent {
  int recorded = 0;              // records that were enqueued
  int done = 0;                  // that were worked off
  FakeStream *stream = nullptr;  // of the last record
};

struct FakeDriver::FakeStream {
  struct Item {
    std::function<void()> work;
    FakeEvent *record = nullptr;
    FakeEvent *wait = nullptr;
    int number = 0;  // of the record that is waited for
  };
  std::deque<Item> items;
  std::vector<std::function<void()>> captured;
  bool capturing = false, running = false;
};

struct FakeDriver::FakeGraph {
  std::vector<std::function<void()>> work;
};

namespace {

template <typename To, typename From>
To *as(From *handle) {
  return reinterpret_cast<To *>(handle);
}

}  // namespace

FakeDriver::FakeDriver() {
  info_.name = "a fake GPU";
  info_.capability = 90;
  info_.size.multiprocessors = 4;
  info_.memory = kMemory;
}

FakeDriver::~FakeDriver() = default;

void FakeDriver::set_memory(std::size_t bytes) {
  Lock lock(mutex_);
  info_.memory = bytes;
}

void FakeDriver::set_order(Order order) {
  Lock lock(mutex_);
  order_ = order;
}

void FakeDriver::fail(Call call, int n, const Error &error, bool once) {
  Lock lock(mutex_);
  failures_.insert_or_assign(call, Failure{n, error, once});
}

void FakeDriver::hold(bool held) {
  Lock lock(mutex_);
  held_ = held;
  changed_.notify_all();
}

void FakeDriver::wait_for_launches(int count) {
  Lock lock(mutex_);
  changed_.wait(lock, [&] { return counts_.launches >= count; });
}

FakeDriver::Counts FakeDriver::counts() const {
  Lock lock(mutex_);
  return counts_;
}

std::size_t FakeDriver::memory_in_use() const {
  Lock lock(mutex_);
  return device_bytes_;
}

std::size_t FakeDriver::objects_alive() const {
  Lock lock(mutex_);
  return device_.size() + host_.size() + streams_.size() + events_.size() + graphs_.size();
}

void FakeDriver::may_fail(Call call) {
  const auto found = failures_.find(call);
  if (found == failures_.end() || --found->second.calls_left > 0) return;
  const Failure failure = found->second;
  if (failure.once) failures_.erase(found);
  throw failure.error;
}

void *FakeDriver::allocate_in(Memory &memory, std::size_t bytes) {
  std::vector<std::byte> block(bytes, static_cast<std::byte>(kPoison));
  std::byte *address = block.data();
  memory.emplace(address, std::move(block));
  return address;
}

void *FakeDriver::allocate(std::size_t bytes) {
  Lock lock(mutex_);
  may_fail(Call::Allocate);
  if (bytes == 0) bug("allocates nothing");
  if (device_bytes_ + bytes > info_.memory)
    throw Error(ErrorCode::OutOfMemory, "the fake GPU is out of memory");
  ++counts_.allocations;
  device_bytes_ += bytes;
  return allocate_in(device_, bytes);
}

void FakeDriver::release(void *memory) noexcept {
  Lock lock(mutex_);
  const auto found = device_.find(static_cast<std::byte *>(memory));
  device_bytes_ -= found->second.size();
  device_.erase(found);
}

void *FakeDriver::allocate_host(std::size_t bytes) {
  Lock lock(mutex_);
  may_fail(Call::AllocateHost);
  ++counts_.host_allocations;
  return allocate_in(host_, bytes);
}

void FakeDriver::release_host(void *memory) noexcept {
  Lock lock(mutex_);
  host_.erase(static_cast<std::byte *>(memory));
}

FakeDriver::Stream *FakeDriver::make_stream() {
  Lock lock(mutex_);
  ++counts_.streams;
  return as<Stream>(*streams_.insert(new FakeStream).first);
}

void FakeDriver::destroy(Stream *stream) noexcept {
  Lock lock(mutex_);
  streams_.erase(as<FakeStream>(stream));
  delete as<FakeStream>(stream);
}

FakeDriver::Event *FakeDriver::make_event() {
  Lock lock(mutex_);
  ++counts_.events;
  return as<Event>(*events_.insert(new FakeEvent).first);
}

void FakeDriver::destroy(Event *event) noexcept {
  Lock lock(mutex_);
  events_.erase(as<FakeEvent>(event));
  delete as<FakeEvent>(event);
}

void FakeDriver::require_inside(const Memory &memory, const void *from, std::size_t bytes,
                                const char *what) const {
  const auto *address = static_cast<const std::byte *>(from);
  auto block = memory.upper_bound(address);
  if (block == memory.begin()) bug(std::string("copies from or to ") + what + " it does not own");
  --block;
  if (address + bytes > block->first + block->second.size())
    bug(std::string("copies beyond the end of ") + what);
}

void FakeDriver::enqueue(Stream *stream, std::function<void()> work) {
  FakeStream &queue = *as<FakeStream>(stream);
  if (queue.capturing)
    queue.captured.push_back(std::move(work));
  else
    queue.items.push_back({std::move(work)});
}

void FakeDriver::load_kernels(Number number) {
  Lock lock(mutex_);
  loaded_.insert(number);
}

void FakeDriver::enqueue_kernel(Stream *stream, Number number, std::function<void()> work) {
  Lock lock(mutex_);
  if (!loaded_.count(number)) bug("uses kernels that it has not loaded");
  enqueue(stream, [this, work = std::move(work)] {
    ++counts_.kernels;
    work();
  });
}

void FakeDriver::copy_to_device(Stream *stream, void *to, const void *from, std::size_t bytes) {
  Lock lock(mutex_);
  may_fail(Call::Upload);
  require_inside(device_, to, bytes, "device memory");
  require_inside(host_, from, bytes, "pinned memory");
  counts_.uploads.push_back(bytes);
  enqueue(stream, [=] { std::memcpy(to, from, bytes); });
}

void FakeDriver::copy_to_host(Stream *stream, void *to, const void *from, std::size_t bytes) {
  Lock lock(mutex_);
  may_fail(Call::Download);
  require_inside(device_, from, bytes, "device memory");
  require_inside(host_, to, bytes, "pinned memory");
  counts_.downloads.push_back(bytes);
  enqueue(stream, [=] { std::memcpy(to, from, bytes); });
}

void FakeDriver::clear(Stream *stream, void *memory, std::size_t bytes) {
  Lock lock(mutex_);
  require_inside(device_, memory, bytes, "device memory");
  enqueue(stream, [=] { std::memset(memory, 0, bytes); });
}

void FakeDriver::convolve(Stream *stream, const ConvArgs &args) {
  enqueue_kernel(stream, args.number, [args] { convolve_on_cpu(args); });
}

void FakeDriver::write_faces(Stream *stream, const FaceArgs &args) {
  enqueue_kernel(stream, args.number, [args] { write_faces_on_cpu(args); });
}

void FakeDriver::write_mels(Stream *stream, const MelArgs &args) {
  enqueue_kernel(stream, args.number, [args] { write_mels_on_cpu(args); });
}

void FakeDriver::write_answers(Stream *stream, const AnswerArgs &args) {
  enqueue_kernel(stream, args.number, [args] { write_answers_on_cpu(args); });
}

void FakeDriver::begin_capture(Stream *stream) {
  Lock lock(mutex_);
  as<FakeStream>(stream)->capturing = true;
}

FakeDriver::Graph *FakeDriver::end_capture(Stream *stream) {
  Lock lock(mutex_);
  may_fail(Call::Capture);
  FakeStream &queue = *as<FakeStream>(stream);
  queue.capturing = false;
  ++counts_.graphs;
  auto *graph = new FakeGraph{std::exchange(queue.captured, {})};
  return as<Graph>(*graphs_.insert(graph).first);
}

void FakeDriver::launch(Stream *stream, Graph *graph) {
  Lock lock(mutex_);
  may_fail(Call::Launch);
  ++counts_.launches;
  changed_.notify_all();
  enqueue(stream, [work = as<FakeGraph>(graph)] {
    for (const auto &one : work->work) one();
  });
}

void FakeDriver::destroy(Graph *graph) noexcept {
  Lock lock(mutex_);
  graphs_.erase(as<FakeGraph>(graph));
  delete as<FakeGraph>(graph);
}

void FakeDriver::record(Stream *stream, Event *event) {
  Lock lock(mutex_);
  FakeEvent *recorded = as<FakeEvent>(event);
  recorded->stream = as<FakeStream>(stream);
  recorded->stream->items.push_back({nullptr, recorded, nullptr, ++recorded->recorded});
}

void FakeDriver::wait(Stream *stream, Event *event) {
  Lock lock(mutex_);
  FakeEvent *awaited = as<FakeEvent>(event);
  as<FakeStream>(stream)->items.push_back({nullptr, nullptr, awaited, awaited->recorded});
}

void FakeDriver::synchronize(Event *event) {
  Lock lock(mutex_);
  changed_.wait(lock, [this] { return !held_; });
  may_fail(Call::Synchronize);
  const FakeEvent *awaited = as<FakeEvent>(event);
  if (awaited->recorded == 0) bug("waits for an event that was never recorded");
  const int number = awaited->recorded;
  if (order_ == Order::OthersFirst)
    for (FakeStream *other : streams_)
      if (other != awaited->stream) work_off(other, nullptr, 0);
  while (order_ == Order::InTurns && awaited->done < number)
    for (FakeStream *stream : streams_) step(*stream);
  work_off(awaited->stream, awaited, number);
}

void FakeDriver::step(FakeStream &stream) {
  if (stream.items.empty()) return;
  const FakeStream::Item &item = stream.items.front();
  if (item.wait && item.wait->done < item.number) return;
  if (item.work) item.work();
  if (item.record) item.record->done = item.number;
  stream.items.pop_front();
}

void FakeDriver::work_off(FakeStream *stream, const FakeEvent *event, int record) {
  if (stream->running) bug("lets two streams wait for each other");
  stream->running = true;
  while (!stream->items.empty() && !(event && event->done >= record)) {
    const FakeStream::Item item = std::move(stream->items.front());
    stream->items.pop_front();
    if (item.work) item.work();
    if (item.record) item.record->done = item.number;
    if (item.wait && item.wait->done < item.number)
      work_off(item.wait->stream, item.wait, item.number);
  }
  stream->running = false;
}

}  // namespace w2l::test
