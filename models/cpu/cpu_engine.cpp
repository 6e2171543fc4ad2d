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

// Larger batches run in pieces: throughput does not grow any further, memory would.
constexpr int kPiece = 8;

int thread_count(int wanted) {
  if (wanted > 0) return wanted;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
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

  Answers run(const Batch &batch) const {
    Answers answers;
    // Which rows are promised; the ones above them are computed by the last layers all the same.
    answers.first_valid_row = batch.region == Region::Lower ? edge_ / 2 : 0;
    answers.end_valid_row = edge_;
    for (int start = 0; start < batch.count; start += kPiece)
      run_piece(batch, start, std::min(kPiece, batch.count - start), answers);
    return answers;
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

  void run_piece(const Batch &batch, int start, int count, Answers &answers) const {
    const std::size_t crop_size =
        static_cast<std::size_t>(edge_) * static_cast<std::size_t>(edge_) * 3;
    const auto first = static_cast<std::size_t>(start);
    const at::Tensor faces = network_.face_input(batch.crops.data() + first * crop_size, count);
    const at::Tensor mels = network_.mel_input(batch.mels.data() + first * mel_size_, count);
    const FaceFeatures features = network_.encode_face(faces);
    const at::Tensor answer = network_.decode(network_.encode_audio(mels), features);
    const TraceRange range{"engine: output"};
    for (int i = 0; i < count; ++i)
      answers.images.push_back(network_.picture(answer, i, answers.first_valid_row));
  }

  int edge_;
  std::size_t mel_size_;
  CpuNetwork network_;
};

// Runs on the engine's thread. LibTorch keeps the number of OpenMP threads per calling thread, so
// two engines may differ; a thread of the application that uses Torch for the first time later
// starts with the number set last.
BatchWorker::Run prepare(const EngineConfig &config, EngineInfo &info) {
  const TraceRange range{"engine: prepare"};
  at::set_num_threads(thread_count(config.threads));
  info.device = "cpu";
  info.precision = resolve_cpu_precision(config.precision);
  const auto runner = guarded("loading the network", [&] {
    return std::make_shared<const Runner>(config, info.precision, info);
  });
  return [runner](const Batch &batch) {
    return guarded("running the network", [&] { return runner->run(batch); });
  };
}

}  // namespace

CpuEngine::CpuEngine(const EngineConfig &config)
    : worker_([this, &config] { return prepare(config, info_); }) {}

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
  copy.region = region;
  copy.crops.reserve(crop_size * batch.size());
  copy.mels.reserve(mel_size * batch.size());
  for (const Sample &sample : batch) {
    copy.crops.insert(copy.crops.end(), sample.crop, sample.crop + crop_size);
    copy.mels.insert(copy.mels.end(), sample.mel, sample.mel + mel_size);
  }
  return worker_.submit(std::move(copy), std::move(on_done));
}

}  // namespace w2l
