// gst-wav2lip: a network in a GPU's memory, ready to be run in lanes. CudaEngine has one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "driver.h"
#include "engine.h"
#include "feature_slots.h"
#include "lane.h"

namespace w2l {

constexpr int kLanes = 2;  // one computes while the other's batch is prepared

// Auto becomes Fp16.
Precision resolve_cuda_precision(Precision wanted);
Number number_of(Precision precision);

class CudaNetwork {
 public:
  // Loads config.model, and allocates all that will ever be needed: for launches of max_batch
  // images, or of fewer if memory is short. Throws Error.
  CudaNetwork(std::shared_ptr<Driver> driver, const EngineConfig &config, int max_batch);

  const EngineInfo &info() const { return info_; }
  FeatureSlots &slots() { return *slots_; }
  std::vector<std::unique_ptr<Lane>> &lanes() { return lanes_; }

 private:
  void load_weights(const Checkpoint &checkpoint, const NetworkLayout &layout);
  void allocate(const NetworkLayout &layout, const Family &family, std::size_t cache_bytes);
  int allocate_features(const NetworkLayout &layout, std::size_t cache_bytes);
  void try_out();

  std::shared_ptr<Driver> driver_;
  EngineInfo info_;
  DeviceMemory weights_, features_;
  std::unique_ptr<FeatureSlots> slots_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace w2l
