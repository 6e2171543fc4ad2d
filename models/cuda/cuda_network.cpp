// gst-wav2lip: a network in a GPU's memory. See cuda_network.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda_network.h"

#include <algorithm>
#include <utility>

#include "parallel_jobs.h"
#include "range.h"

namespace w2l {
namespace {

// More frames at once are hardly faster each, but come later.
constexpr int kPreferredBatch = 32;

// Kernels count pieces of 16 bytes from the first slot in 32 bits.
constexpr std::size_t kMostSlotBytes = std::size_t{1} << 36;

// Reading weights is bound by memory beyond these.
constexpr int kMaxThreads = 8;

EngineInfo describe(const Network &network, const EngineConfig &config) {
  const Family &family = network.family();
  EngineInfo info;
  info.family = family.name;
  info.crop_size = family.crop_size;
  info.max_crop_edge = max_crop_edge(family);
  info.mel_bands = family.mel_bands;
  info.mel_columns = family.mel_columns;
  info.parameters = network.parameters();
  info.device = config.device;
  info.precision = resolve_cuda_precision(config.precision);
  info.slots = kLanes;  // more would hold frames back, and wait
  return info;
}

}  // namespace

Precision resolve_cuda_precision(Precision wanted) {
  return wanted == Precision::Auto ? Precision::Fp16 : wanted;
}

Number number_of(Precision precision) {
  switch (precision) {
    case Precision::Fp32:
      return Number::Fp32;
    case Precision::Tf32:
      return Number::Tf32;
    case Precision::Bf16:
      return Number::Bf16;
    case Precision::Fp16:
    case Precision::Auto:
      break;
  }
  return Number::Fp16;
}

CudaNetwork::CudaNetwork(std::shared_ptr<Driver> driver, const EngineConfig &config, int max_batch)
    : driver_(std::move(driver)) {
  const TraceRange range{"engine: prepare"};
  const Checkpoint checkpoint = Checkpoint::open(config.model);
  const Network network = Network::describe(checkpoint);
  info_ = describe(network, config);
  const Number number = number_of(info_.precision);
  driver_->load_kernels(number);
  load_weights(checkpoint, NetworkLayout(network, number, 1));
  for (info_.max_batch = max_batch;; info_.max_batch /= 2) {
    try {
      allocate(NetworkLayout(network, number, info_.max_batch), network.family(),
               config.feature_cache_bytes);
      break;
    } catch (const Error &error) {
      if (error.code() != ErrorCode::OutOfMemory || info_.max_batch == 1) throw;
      lanes_.clear();
      slots_.reset();
      features_.reset();
    }
  }
  info_.preferred_batch = std::min(kPreferredBatch, info_.max_batch);
  try_out();
}

void CudaNetwork::load_weights(const Checkpoint &checkpoint, const NetworkLayout &layout) {
  weights_ = device_memory(*driver_, layout.weight_bytes());
  const HostMemory staging = host_memory(*driver_, layout.weight_bytes());
  const EventHandle done = make_event(*driver_);
  const StreamHandle stream = make_stream(*driver_);
  layout.write_weights(checkpoint, std::min(usable_cpus(), kMaxThreads), staging.get());
  driver_->copy_to_device(stream.get(), weights_.get(), staging.get(), layout.weight_bytes());
  driver_->record(stream.get(), done.get());
  driver_->synchronize(done.get());
}

void CudaNetwork::allocate(const NetworkLayout &layout, const Family &family,
                           std::size_t cache_bytes) {
  for (int i = 0; i < kLanes; ++i)
    lanes_.push_back(std::make_unique<Lane>(*driver_, layout, family));
  // Of what the lanes leave.
  const int count = allocate_features(layout, cache_bytes);
  const auto edge = static_cast<std::size_t>(max_crop_edge(family));
  slots_ = std::make_unique<FeatureSlots>(count, edge * edge * 3, cache_bytes > 0);
  for (int i = 0; i < kLanes; ++i)
    lanes_[static_cast<std::size_t>(i)]->capture(layout, weights_.get(), features_.get(),
                                                 count + i);
}

// As many slots as there is memory for, within the bound, but enough for the launches in flight;
// and a spare one for each lane.
int CudaNetwork::allocate_features(const NetworkLayout &layout, std::size_t cache_bytes) {
  const int least = kLanes * layout.most();
  const std::size_t wanted =
      std::min(cache_bytes / layout.slot_bytes(), kMostSlotBytes / layout.slot_bytes() - kLanes);
  for (int count = std::max(static_cast<int>(wanted), least);; count = std::max(count / 2, least)) {
    try {
      features_ =
          device_memory(*driver_, static_cast<std::size_t>(count + kLanes) * layout.slot_bytes());
      return count;
    } catch (const Error &error) {
      if (error.code() != ErrorCode::OutOfMemory || count == least) throw;
    }
  }
}

// So that what a GPU cannot do is said when the engine opens.
void CudaNetwork::try_out() {
  const int edge = info_.crop_size;
  const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(edge * edge * 3));
  const std::vector<float> mel(static_cast<std::size_t>(info_.mel_bands * info_.mel_columns));
  for (int i = 0; i < kLanes; ++i) {
    const std::int32_t spare = slots_->count() + i;
    Lane &lane = *lanes_[static_cast<std::size_t>(i)];
    lane.start({0, {{pixels.data(), edge, edge}}, {spare}, {mel.data()}, {spare}}, {});
    lane.finish();
  }
}

}  // namespace w2l
