// gst-wav2lip: one NVIDIA GPU by the CUDA runtime. See cuda_driver.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda_driver.h"

#include <cuda_runtime_api.h>

#include <string>

#include "cuda_error.h"
#include "kernel_launches.h"

namespace w2l {
namespace {

std::string device_name(int index) {
  return "cuda:" + std::to_string(index);
}

class CudaDriver final : public Driver {
 public:
  explicit CudaDriver(int index) : index_(index) {
    require_driver();
    require_index();
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, index_));
    info_.name = properties.name;
    info_.capability = properties.major * 10 + properties.minor;
    info_.size.multiprocessors = properties.multiProcessorCount;
    info_.size.shared_memory = static_cast<int>(properties.sharedMemPerMultiprocessor);
    info_.size.block_shared_memory = static_cast<int>(properties.sharedMemPerBlockOptin);
    info_.memory = properties.totalGlobalMem;
    if (info_.capability < kLeastCapability)
      throw old_device_error(info_.capability, info_.name, device_name(index_));
    use();
    check(cudaFree(nullptr));  // makes the context now, if it can be made
  }

  const DriverInfo &info() const override { return info_; }

  void load_kernels(Number number) override {
    use();
    check(w2l::load_kernels(number));
  }

  void *allocate(std::size_t bytes) override {
    use();
    void *memory = nullptr;
    check(cudaMalloc(&memory, bytes));
    return memory;
  }
  void release(void *memory) noexcept override {
    use_if_possible();
    ignore(cudaFree(memory));
  }

  void *allocate_host(std::size_t bytes) override {
    use();
    void *memory = nullptr;
    check(cudaMallocHost(&memory, bytes));
    return memory;
  }
  void release_host(void *memory) noexcept override {
    use_if_possible();
    ignore(cudaFreeHost(memory));
  }

  Stream *make_stream() override {
    use();
    cudaStream_t stream = nullptr;
    // Not ordered with other users of the GPU in this process.
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return reinterpret_cast<Stream *>(stream);
  }
  void destroy(Stream *stream) noexcept override {
    use_if_possible();
    // What is enqueued still uses memory that is released next.
    ignore(cudaStreamSynchronize(of(stream)));
    ignore(cudaStreamDestroy(of(stream)));
  }

  Event *make_event() override {
    use();
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, cudaEventBlockingSync | cudaEventDisableTiming));
    return reinterpret_cast<Event *>(event);
  }
  void destroy(Event *event) noexcept override {
    use_if_possible();
    ignore(cudaEventDestroy(of(event)));
  }

  void copy_to_device(Stream *stream, void *to, const void *from, std::size_t bytes) override {
    use();
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, of(stream)));
  }
  void copy_to_host(Stream *stream, void *to, const void *from, std::size_t bytes) override {
    use();
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, of(stream)));
  }
  void clear(Stream *stream, void *memory, std::size_t bytes) override {
    use();
    check(cudaMemsetAsync(memory, 0, bytes, of(stream)));
  }
  void convolve(Stream *stream, const ConvArgs &args) override {
    use();
    check(launch_convolution(args, of(stream)));
  }
  void write_faces(Stream *stream, const FaceArgs &args) override {
    use();
    check(launch_faces(args, of(stream)));
  }
  void write_mels(Stream *stream, const MelArgs &args) override {
    use();
    check(launch_mels(args, of(stream)));
  }
  void write_answers(Stream *stream, const AnswerArgs &args) override {
    use();
    check(launch_answers(args, of(stream)));
  }

  void begin_capture(Stream *stream) override {
    use();
    // Other threads go on using the GPU as they like.
    check(cudaStreamBeginCapture(of(stream), cudaStreamCaptureModeThreadLocal));
  }
  Graph *end_capture(Stream *stream) override {
    use();
    cudaGraph_t captured = nullptr;
    check(cudaStreamEndCapture(of(stream), &captured));
    cudaGraphExec_t graph = nullptr;
    const cudaError_t made = cudaGraphInstantiateWithFlags(&graph, captured, 0);
    ignore(cudaGraphDestroy(captured));
    check(made);
    // Now rather than with the first launch.
    const cudaError_t uploaded = cudaGraphUpload(graph, of(stream));
    if (uploaded != cudaSuccess) ignore(cudaGraphExecDestroy(graph));
    check(uploaded);
    return reinterpret_cast<Graph *>(graph);
  }
  void launch(Stream *stream, Graph *graph) override {
    use();
    check(cudaGraphLaunch(of(graph), of(stream)));
  }
  void destroy(Graph *graph) noexcept override {
    use_if_possible();
    ignore(cudaGraphExecDestroy(of(graph)));
  }

  void record(Stream *stream, Event *event) override {
    use();
    check(cudaEventRecord(of(event), of(stream)));
  }
  void wait(Stream *stream, Event *event) override {
    use();
    check(cudaStreamWaitEvent(of(stream), of(event), 0));
  }
  void synchronize(Event *event) override {
    use();
    check(cudaEventSynchronize(of(event)));
  }

 private:
  static cudaStream_t of(Stream *stream) { return reinterpret_cast<cudaStream_t>(stream); }
  static cudaEvent_t of(Event *event) { return reinterpret_cast<cudaEvent_t>(event); }
  static cudaGraphExec_t of(Graph *graph) { return reinterpret_cast<cudaGraphExec_t>(graph); }

  void require_driver() const {
    int version = 0;
    check(cudaDriverGetVersion(&version));
    // Any driver of a major version runs all programs of it.
    if (version / 1000 < CUDART_VERSION / 1000)
      throw old_driver_error(version, CUDART_VERSION, device_name(index_));
  }

  void require_index() const {
    int count = 0;
    check(cudaGetDeviceCount(&count));
    if (index_ >= count) throw no_such_device_error(count, device_name(index_));
  }

  // The runtime keeps one device for each thread.
  void use() const { check(cudaSetDevice(index_)); }
  void use_if_possible() const noexcept { ignore(cudaSetDevice(index_)); }

  void check(cudaError_t result) const {
    if (result == cudaSuccess) return;
    // Errors that pass are kept by the runtime for the next who asks.
    ignore(cudaGetLastError());
    throw cuda_error(result, cudaGetErrorString(result), device_name(index_));
  }

  // Of what gives back: there is nobody to tell, and the error that matters was told before.
  static void ignore(cudaError_t) noexcept {}

  const int index_;
  DriverInfo info_;
};

}  // namespace

std::shared_ptr<Driver> open_cuda_driver(int index) {
  return std::make_shared<CudaDriver>(index);
}

}  // namespace w2l
