// gst-wav2lip: the engine of libw2l-cpu.so. See cpu_engine.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu_engine.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amx_check.h"
#include "cpu_precision.h"
#include "feature_cache.h"
#include "network_plan.h"
#include "parallel_jobs.h"
#include "range.h"

namespace w2l {
namespace {

// Cores are used by computing pieces of batches side by side, each on one thread, rather than by
// splitting every layer over all cores: threads that meet after each of 50 layers lose most of
// their time as soon as something else (an encoder) wants a core too. Beyond this many, a piece
// gets several cores: the weights would be read too often, and batches are not that large.
constexpr int kMaxWorkers = 4;

// Larger pieces make throughput no better, but memory use.
constexpr int kMaxPiece = 8;

int thread_count(int wanted) {
  return wanted > 0 ? wanted : usable_cpus();
}

int worker_count(int wanted) {
  return std::min(thread_count(wanted), kMaxWorkers);
}

// OpenMP ends the process when it cannot start a thread. The calling thread's team is therefore
// started here, of as many threads as there can be, and kept by OpenMP from then on.
int start_team(int wanted) {
  const int threads = startable_threads(wanted);
  std::atomic<int> started{0};  // compilers leave out an empty region
#pragma omp parallel num_threads(threads)
  ++started;
  return started;
}

// What all workers of an engine share.
struct Shared {
  std::shared_ptr<const CpuNetwork> network;
  std::unique_ptr<FeatureCache> cache;
};

// One worker's way from the bytes of a piece to its answers.
class Runner {
 public:
  Runner(std::shared_ptr<const Shared> shared, int threads)
      : shared_(std::move(shared)), plan_(shared_->network, kMaxPiece, threads) {}

  void run(WorkerPool::Piece &piece) {
    const int first_row = piece.front().batch->first_row;
    const Faces faces(*this, piece, first_row);
    std::vector<const float *> mels;
    for (const WorkerPool::Work &work : piece) mels.push_back(work.batch->mel(work.sample));
    const Rows answer = plan_.answer(plan_.mel_input(mels), faces.features(), first_row);
    const TraceRange range{"engine: output"};
    int index = 0;
    for (const WorkerPool::Work &work : piece)
      *work.image = shared_->network->picture(answer, index++, first_row);
  }

 private:
  // The features of a piece's samples, kept or computed.
  class Faces {
   public:
    Faces(Runner &runner, WorkerPool::Piece &piece, int first_row) {
      for (WorkerPool::Work &work : piece) {
        const std::string_view crop = bytes_of(work.batch->crop(work.sample));
        const std::size_t computed = new_crops_.size();
        kept_.push_back(runner.shared_->cache->find(crop, first_row));
        indices_.push_back(kept_.back() ? -1 : index_of_new(runner, crop));
        work.repeated = new_crops_.size() == computed;
      }
      if (!new_crops_.empty()) compute(runner, first_row);
    }

    std::vector<const FaceFeatures *> features() const {
      std::vector<const FaceFeatures *> all;
      for (std::size_t i = 0; i < kept_.size(); ++i)
        all.push_back(kept_[i] ? &kept_[i]->features
                               : &computed_[static_cast<std::size_t>(indices_[i])]);
      return all;
    }

   private:
    // Among the crops to be computed, where the same one may be already.
    int index_of_new(const Runner &runner, std::string_view crop) {
      const auto same = runner.shared_->cache->enabled()
                            ? std::find(new_crops_.begin(), new_crops_.end(), crop)
                            : new_crops_.end();
      const auto index = static_cast<int>(same - new_crops_.begin());
      if (same == new_crops_.end()) new_crops_.push_back(crop);
      return index;
    }

    void compute(Runner &runner, int first_row) {
      std::vector<const std::uint8_t *> pictures;
      for (const std::string_view crop : new_crops_)
        pictures.push_back(reinterpret_cast<const std::uint8_t *>(crop.data()));
      computed_ = runner.plan_.encode_faces(runner.plan_.face_input(pictures));
      if (!runner.shared_->cache->enabled()) return;
      const std::vector<int> tops = runner.shared_->network->feature_tops(first_row);
      for (std::size_t i = 0; i < new_crops_.size(); ++i)
        runner.shared_->cache->insert(new_crops_[i], first_row, computed_[i], tops);
    }

    std::vector<std::string_view> new_crops_;
    std::vector<FeatureCache::EntryPtr> kept_;
    std::vector<int> indices_;  // of those that are not kept, in computed_
    std::vector<FaceFeatures> computed_;
  };

  static std::string_view bytes_of(const Crop &crop) {
    return {reinterpret_cast<const char *>(crop.pixels), crop.bytes()};
  }

  std::shared_ptr<const Shared> shared_;
  NetworkPlan plan_;
};

// Loads on the first worker's thread; the others only share what it has loaded.
class Preparer {
 public:
  Preparer(const EngineConfig &config, bool use_amx, EngineInfo &info)
      : config_(config), use_amx_(use_amx), info_(info) {}

  WorkerPool::Run operator()(int worker) {
    if (worker == 0) load();
    const int workers = worker_count(config_.threads);
    const int team = start_team(threads_ / workers + (worker < threads_ % workers ? 1 : 0));
    const auto runner = std::make_shared<Runner>(shared_, team);
    return [runner](WorkerPool::Piece &piece) { runner->run(piece); };
  }

 private:
  void load() {
    const TraceRange range{"engine: prepare"};
    threads_ = startable_threads(thread_count(config_.threads));
    info_.device = "cpu";
    info_.precision = resolve_cpu_precision(config_.precision);
    info_.preferred_batch = std::max(8, 4 * worker_count(config_.threads));
    shared_ = load_network();
  }

  std::shared_ptr<const Shared> load_network() {
    const Checkpoint checkpoint = Checkpoint::open(config_.model);
    const Network network = Network::describe(checkpoint);
    const Family &family = network.family();
    info_.family = family.name;
    info_.crop_size = family.crop_size;
    info_.mel_bands = family.mel_bands;
    info_.mel_columns = family.mel_columns;
    info_.parameters = network.parameters();
    const NumberType type =
        info_.precision == Precision::Bf16 ? NumberType::Bf16 : NumberType::Float;
    auto shared = std::make_shared<Shared>();
    shared->network = std::make_shared<const CpuNetwork>(checkpoint, network, type,
                                                         thread_count(config_.threads), amx());
    shared->cache = std::make_unique<FeatureCache>(shared->network->feature_shapes(), size_of(type),
                                                   config_.feature_cache_bytes);
    return shared;
  }

  // Asked for only where it is used: Linux grants tiles for the rest of the process.
  const AmxKernels *amx() const {
    if (!use_amx_ || info_.precision != Precision::Bf16) return nullptr;
    const AmxKernels *kernels = best_amx_kernels();
    if (kernels) check_amx(*kernels);
    return kernels;
  }

  const EngineConfig &config_;
  bool use_amx_;
  EngineInfo &info_;
  int threads_ = 1;  // of all workers together: no team takes what later workers need
  std::shared_ptr<const Shared> shared_;
};

}  // namespace

CpuEngine::CpuEngine(const EngineConfig &config, bool use_amx)
    : pool_(worker_count(config.threads), kMaxPiece, Preparer(config, use_amx, info_)) {}

Engine::Ticket CpuEngine::submit(const std::vector<Sample> &batch, Region region,
                                 std::function<void()> on_done) {
  return pool_.submit(copy_batch(info_, batch, region), std::move(on_done));
}

}  // namespace w2l
