// gst-wav2lip: the face encoder's results for crops that were there before, as in looped video and
// still images. Crops are compared byte by byte. CpuEngine's workers share one.
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

#include "network_plan.h"

namespace w2l {

// Thread-safe.
class FeatureCache {
 public:
  // Of the crop's bytes; tests give a worse one.
  using Hash = std::function<std::size_t(std::string_view)>;

  // One crop and the rows of its features that an answer from first_row on needs.
  struct Entry {
    std::vector<std::uint8_t> crop;
    int first_row;
    std::unique_ptr<std::byte[]> pixels;
    std::size_t pixel_bytes;
    FaceFeatures features;  // in `pixels`

    // What it takes, the bookkeeping included.
    std::size_t bytes() const;
  };
  using EntryPtr = std::shared_ptr<const Entry>;

  // `element_size` is that of the network's numbers. Holds at most `limit` bytes; with 0 it does
  // nothing.
  FeatureCache(std::vector<FeatureShape> shapes, std::size_t element_size, std::size_t limit,
               Hash hash = std::hash<std::string_view>());

  // Null if these rows of this crop's features are not there. What is found may be used however
  // long, even if it is thrown out meanwhile.
  EntryPtr find(std::string_view crop, int first_row);

  // Copies the rows from `tops` on of each feature, unless they are there or memory is short.
  // Throws out others, by chance: clips that are longer than the limit and are repeated would never
  // find anything in a cache that throws out what was used longest ago.
  void insert(std::string_view crop, int first_row, const FaceFeatures &features,
              const std::vector<int> &tops);

  bool enabled() const { return limit_ > 0; }
  std::size_t bytes() const;

 private:
  struct Slot {
    std::size_t hash;
    EntryPtr entry;
  };

  EntryPtr copy(std::string_view crop, int first_row, const FaceFeatures &features,
                const std::vector<int> &tops) const;
  void insert_entry(std::size_t hash, EntryPtr entry);
  // slots_.size() if it is not there.
  std::size_t find_slot(std::size_t hash, std::string_view crop) const;
  std::unordered_multimap<std::size_t, std::size_t>::iterator index_of(std::size_t slot);
  void remove(std::size_t slot);

  const std::vector<FeatureShape> shapes_;
  const std::size_t element_size_, limit_;
  const Hash hash_;
  mutable std::mutex mutex_;
  std::vector<Slot> slots_;
  std::unordered_multimap<std::size_t, std::size_t> index_;  // hash to slot
  std::size_t bytes_ = 0;
  std::minstd_rand random_;
};

}  // namespace w2l
