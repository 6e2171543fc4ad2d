// gst-wav2lip: the engine of libw2l-cpu.so. See cpu_engine.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_engine.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <string>
#include <thread>

#include "cpu_network.h"
#include "cpu_precision.h"
#include "range.h"

namespace w2l {
namespace {

// Cores are used by computing pieces of a batch side by side, each on one thread, rather than by
// splitting every layer over all cores: threads that meet after each of 50 layers lose most of
// their time as soon as something else (an encoder) wants a core too. Beyond this many, a piece
// gets several cores: the weights would be read too often, and batches are not that large.
constexpr int kMaxWorkers = 4;

// Larger pieces make throughput no better, but memory use.
constexpr int kMaxPiece = 8;

int thread_count(int wanted) {
  if (wanted > 0) return wanted;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int worker_count(int wanted) {
  return std::min(thread_count(wanted), kMaxWorkers);
}

// One line of what LibTorch says, and whether memory was the reason.
Error as_error(const c10::Error &error, const char *doing) {
  std::string text = error.what_without_backtrace();
  text = text.substr(0, text.find('\n'));
  if (text.find("can't allocate memory") != std::string::npos)
    return Error(ErrorCode::OutOfMemory, std::string("out of memory while ") + doing +
                                             "; use a smaller batch-size or close programs");
  return Error(ErrorCode::Failed, std::string("LibTorch failed while ") + doing + ": " + text);
}

// Runs `function` in inference mode; only Errors come out.
template <typename Function>
auto guarded(const char *doing, Function function) {
  c10::InferenceMode inference;
  try {
    return function();
  } catch (const c10::Error &error) {
    throw as_error(error, doing);
  }
}

// The network and the way from a batch's bytes to its answers.
class Runner {
 public:
  Runner(const EngineConfig &config, Precision precision, EngineInfo &info)
      : Runner(Checkpoint::open(config.model), precision, info) {}

  void run(const Batch &batch, int first, int count, WorkerPool::Images &images) const {
    const at::Tensor faces = network_.face_input(&batch.crops[offset(first, crop_size())], count);
    const at::Tensor mels = network_.mel_input(&batch.mels[offset(first, mel_size_)], count);
    const FaceFeatures features = network_.encode_face(faces);
    const at::Tensor answer =
        network_.decode(network_.encode_audio(mels), features, batch.first_row);
    const TraceRange range{"engine: output"};
    for (int i = 0; i < count; ++i)
      images[static_cast<std::size_t>(first + i)] = network_.picture(answer, i, batch.first_row);
  }

 private:
  Runner(const Checkpoint &checkpoint, Precision precision, EngineInfo &info)
      : Runner(checkpoint, Network::describe(checkpoint), precision, info) {}

  Runner(const Checkpoint &checkpoint, const Network &network, Precision precision,
         EngineInfo &info)
      : edge_(network.family().crop_size),
        mel_size_(static_cast<std::size_t>(network.family().mel_bands) *
                  static_cast<std::size_t>(network.family().mel_columns)),
        network_(checkpoint, network, precision == Precision::Bf16 ? at::kBFloat16 : at::kFloat) {
    const Family &family = network.family();
    info.family = family.name;
    info.crop_size = family.crop_size;
    info.mel_bands = family.mel_bands;
    info.mel_columns = family.mel_columns;
    info.parameters = network.parameters();
  }

  std::size_t crop_size() const {
    return static_cast<std::size_t>(edge_) * static_cast<std::size_t>(edge_) * 3;
  }

  static std::size_t offset(int index, std::size_t size) {
    return static_cast<std::size_t>(index) * size;
  }

  int edge_;
  std::size_t mel_size_;
  CpuNetwork network_;
};

// For the calling thread only. A thread of the application that uses Torch for the first time
// later starts with the number that was set last.
void use_threads(int count) {
  // The first look makes LibTorch set this thread's number by itself, which must not come later.
  (void)at::get_num_threads();
  at::set_num_threads(count);
}

// Loads on the first worker's thread; the others only share what it has loaded.
class Preparer {
 public:
  Preparer(const EngineConfig &config, EngineInfo &info) : config_(config), info_(info) {}

  WorkerPool::Run operator()(int worker) {
    const int threads = thread_count(config_.threads), workers = worker_count(config_.threads);
    use_threads(threads / workers + (worker < threads % workers ? 1 : 0));
    if (worker == 0) load();
    return
        [runner = runner_](const Batch &batch, int first, int count, WorkerPool::Images &images) {
          guarded("running the network", [&] { runner->run(batch, first, count, images); });
        };
  }

 private:
  void load() {
    const TraceRange range{"engine: prepare"};
    info_.device = "cpu";
    info_.precision = resolve_cpu_precision(config_.precision);
    info_.preferred_batch = std::max(8, 4 * worker_count(config_.threads));
    runner_ = guarded("loading the network", [this] {
      return std::make_shared<const Runner>(config_, info_.precision, info_);
    });
  }

  const EngineConfig &config_;
  EngineInfo &info_;
  std::shared_ptr<const Runner> runner_;
};

}  // namespace

CpuEngine::CpuEngine(const EngineConfig &config)
    : pool_(worker_count(config.threads), kMaxPiece, Preparer(config, info_)) {}

Engine::Ticket CpuEngine::submit(const std::vector<Sample> &batch, Region region,
                                 std::function<void()> on_done) {
  const int count = static_cast<int>(batch.size());
  if (batch.empty() || batch.size() > static_cast<std::size_t>(info_.max_batch))
    throw Error(ErrorCode::Unsupported, "a batch of " + std::to_string(batch.size()) +
                                            " frames; use a batch-size of 1 to " +
                                            std::to_string(info_.max_batch));
  const auto edge = static_cast<std::size_t>(info_.crop_size);
  const std::size_t crop_size = edge * edge * 3;
  const std::size_t mel_size =
      static_cast<std::size_t>(info_.mel_bands) * static_cast<std::size_t>(info_.mel_columns);
  Batch copy;
  copy.count = count;
  copy.first_row = region == Region::Lower ? info_.crop_size / 2 : 0;
  copy.end_row = info_.crop_size;
  copy.crops.reserve(crop_size * batch.size());
  copy.mels.reserve(mel_size * batch.size());
  for (const Sample &sample : batch) {
    copy.crops.insert(copy.crops.end(), sample.crop, sample.crop + crop_size);
    copy.mels.insert(copy.mels.end(), sample.mel, sample.mel + mel_size);
  }
  return pool_.submit(std::move(copy), std::move(on_done));
}

}  // namespace w2l
