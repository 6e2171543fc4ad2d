// gst-wav2lip: which crop's features lie in which slot of the GPU's memory, so that a crop that was
// there before, as in looped video and still images, is not computed again. Crops are compared by
// size and byte by byte. Knows nothing of a GPU; CudaEngine asks it for each launch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine.h"

namespace w2l {

// Several bytes for each cycle, so that it keeps up with the GPU. Two that differ may collide.
std::size_t hash_bytes(std::string_view bytes);

// Thread-safe.
class FeatureSlots {
 public:
  // Of the crop's bytes; tests give a worse one.
  using Hash = std::function<std::size_t(std::string_view)>;

  // What one launch reads and writes. Its slots keep their crops until it is given back.
  struct Lease {
    std::vector<std::int32_t> slots;       // of each sample
    std::vector<std::int32_t> new_slots;   // to be computed
    std::vector<int> new_samples;          // whose crops these are
    std::vector<bool> repeated;            // whether a sample's crop was there, or came twice
    std::vector<std::uint64_t> read_from;  // launches that have computed what this one reads
  };

  // Crops have up to `crop_bytes`. `recognise` is false where nothing is to be found again: each
  // sample has a slot of its own.
  FeatureSlots(int slots, std::size_t crop_bytes, bool recognise, Hash hash = hash_bytes);

  int count() const { return static_cast<int>(slots_.size()); }

  // Slots for each sample's crop, where all that are leased at a time must fit. New crops take the
  // place of others, by chance: clips that are longer than all slots and are repeated would never
  // find anything if the ones that were used longest ago were replaced.
  Lease lease(const std::vector<Crop> &crops, std::uint64_t launch);
  // The launch is complete.
  void give_back(const Lease &lease);

 private:
  struct Slot {
    std::size_t hash = 0;
    int width = 0, height = 0;  // of its crop
    std::uint64_t launch = 0;   // that has computed it
    int users = 0;              // samples of launches that are not complete
    std::size_t place = 0;      // in unused_, if there are no users
  };

  Slot &at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }
  const Slot &at(int slot) const { return slots_[static_cast<std::size_t>(slot)]; }
  std::uint8_t *crop_of(int slot) const {
    return crops_.get() + static_cast<std::size_t>(slot) * crop_bytes_;
  }
  bool holds(int slot, const Crop &crop) const;
  int find(std::size_t hash, const Crop &crop) const;
  // Any unused slot, which is in use from then on.
  int replace_any(std::size_t hash, const Crop &crop, std::uint64_t launch);
  void use(int slot);
  void leave(int slot);
  void forget(int slot);

  const std::size_t crop_bytes_;
  const bool recognise_;
  const Hash hash_;
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  std::unique_ptr<std::uint8_t[]> crops_;
  std::unordered_multimap<std::size_t, int> index_;  // hash to slot
  std::vector<int> empty_, unused_;                  // unused ones hold a crop
  std::minstd_rand random_;
};

}  // namespace w2l
