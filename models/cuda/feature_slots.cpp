// gst-wav2lip: which crop's features lie in which slot. See feature_slots.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "feature_slots.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace w2l {
namespace {

constexpr int kNone = -1;

std::string_view bytes_of(const Crop &crop) {
  return {reinterpret_cast<const char *>(crop.pixels), crop.bytes()};
}

constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;

// Different for any two words that differ, and for any two values of before.
std::uint64_t mixed(std::uint64_t before, std::uint64_t word) {
  const std::uint64_t product = (before ^ word) * kOdd;
  return product << 29 | product >> 35;  // products carry upwards only
}

}  // namespace

std::size_t hash_bytes(std::string_view bytes) {
  // Side by side, since each multiplication takes longer than it is until the next can begin.
  constexpr std::size_t kLanes = 4, kWord = sizeof(std::uint64_t);
  std::uint64_t lanes[kLanes] = {1, 2, 3, 4}, words[kLanes];
  std::size_t at = 0;
  for (; at + sizeof words <= bytes.size(); at += sizeof words) {
    std::memcpy(words, bytes.data() + at, sizeof words);
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = mixed(lanes[i], words[i]);
  }
  std::uint64_t hash = mixed(kOdd, bytes.size());
  for (; at < bytes.size(); at += kWord) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(kWord, bytes.size() - at));
    hash = mixed(hash, word);
  }
  for (const std::uint64_t lane : lanes) hash = mixed(hash, lane);
  return static_cast<std::size_t>(hash);
}

FeatureSlots::FeatureSlots(int slots, std::size_t crop_bytes, bool recognise, Hash hash)
    : crop_bytes_(crop_bytes),
      recognise_(recognise),
      hash_(std::move(hash)),
      slots_(static_cast<std::size_t>(slots)) {
  // Without zeros: memory that is never written to costs nothing.
  if (recognise_) crops_.reset(new std::uint8_t[slots_.size() * crop_bytes_]);
  for (int slot = slots; slot-- > 0;) empty_.push_back(slot);  // the first one is taken first
  unused_.reserve(slots_.size());
}

FeatureSlots::Lease FeatureSlots::lease(const std::vector<Crop> &crops, std::uint64_t launch) {
  std::vector<std::size_t> hashes(crops.size());
  if (recognise_)
    std::transform(crops.begin(), crops.end(), hashes.begin(),
                   [this](const Crop &crop) { return hash_(bytes_of(crop)); });
  Lease lease;
  lease.slots.assign(crops.size(), kNone);
  lease.repeated.assign(crops.size(), false);
  std::lock_guard<std::mutex> lock(mutex_);
  // What is there is held before anything is replaced.
  for (std::size_t i = 0; i < crops.size(); ++i) {
    const int slot = find(hashes[i], crops[i]);
    if (slot == kNone) continue;
    use(slot);
    lease.slots[i] = slot;
    lease.repeated[i] = true;
    lease.read_from.push_back(at(slot).launch);
  }
  for (std::size_t i = 0; i < crops.size(); ++i) {
    if (lease.slots[i] != kNone) continue;
    int slot = find(hashes[i], crops[i]);
    lease.repeated[i] = slot != kNone;
    if (slot != kNone) {  // it comes twice
      use(slot);
    } else {
      slot = replace_any(hashes[i], crops[i], launch);
      lease.new_slots.push_back(slot);
      lease.new_samples.push_back(static_cast<int>(i));
    }
    lease.slots[i] = slot;
  }
  return lease;
}

void FeatureSlots::give_back(const Lease &lease) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const std::int32_t slot : lease.slots) leave(slot);
}

bool FeatureSlots::holds(int slot, const Crop &crop) const {
  return at(slot).width == crop.width && at(slot).height == crop.height &&
         std::memcmp(crop_of(slot), crop.pixels, crop.bytes()) == 0;
}

int FeatureSlots::find(std::size_t hash, const Crop &crop) const {
  const auto [first, end] = index_.equal_range(hash);
  for (auto i = first; i != end; ++i)
    if (holds(i->second, crop)) return i->second;
  return kNone;
}

int FeatureSlots::replace_any(std::size_t hash, const Crop &crop, std::uint64_t launch) {
  if (empty_.empty()) {
    if (unused_.empty()) throw std::logic_error("all feature slots are in use");
    forget(unused_[random_() % unused_.size()]);
  }
  const int slot = empty_.back();
  at(slot).hash = hash;
  at(slot).launch = launch;
  if (recognise_) {
    index_.emplace(hash, slot);
    at(slot).width = crop.width;
    at(slot).height = crop.height;
    std::memcpy(crop_of(slot), crop.pixels, crop.bytes());
  }
  empty_.pop_back();
  at(slot).users = 1;
  return slot;
}

void FeatureSlots::use(int slot) {
  if (at(slot).users++ > 0) return;
  const std::size_t place = at(slot).place;
  unused_[place] = unused_.back();
  at(unused_[place]).place = place;
  unused_.pop_back();
}

void FeatureSlots::leave(int slot) {
  if (--at(slot).users > 0) return;
  if (!recognise_) {
    empty_.push_back(slot);
    return;
  }
  at(slot).place = unused_.size();
  unused_.push_back(slot);
}

void FeatureSlots::forget(int slot) {
  auto i = index_.equal_range(at(slot).hash).first;
  while (i->second != slot) ++i;
  index_.erase(i);
  use(slot);  // takes it out of the unused ones
  at(slot).users = 0;
  empty_.push_back(slot);
}

}  // namespace w2l
