// gst-wav2lip: the face encoder's results for crops that were there before. See feature_cache.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "feature_cache.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace w2l {
namespace {

// About what slot, index and the memory allocator take for an entry.
constexpr std::size_t kBookkeeping = 256;

std::string_view bytes_of(const std::vector<std::uint8_t> &crop) {
  return {reinterpret_cast<const char *>(crop.data()), crop.size()};
}

}  // namespace

std::size_t FeatureCache::Entry::bytes() const {
  return crop.size() + pixel_bytes + features.size() * sizeof(Feature) + sizeof(Entry) +
         kBookkeeping;
}

FeatureCache::FeatureCache(std::vector<FeatureShape> shapes, std::size_t element_size,
                           std::size_t limit, Hash hash)
    : shapes_(std::move(shapes)),
      element_size_(element_size),
      limit_(limit),
      hash_(std::move(hash)) {}

FeatureCache::EntryPtr FeatureCache::find(std::string_view crop, int first_row) {
  if (!enabled()) return nullptr;
  const std::size_t hash = hash_(crop);
  std::lock_guard<std::mutex> lock(mutex_);
  const std::size_t slot = find_slot(hash, crop);
  if (slot == slots_.size()) return nullptr;
  const EntryPtr &entry = slots_[slot].entry;
  return entry->first_row <= first_row ? entry : nullptr;
}

void FeatureCache::insert(std::string_view crop, int first_row, const FaceFeatures &features,
                          const std::vector<int> &tops) {
  if (!enabled()) return;
  try {
    insert_entry(hash_(crop), copy(crop, first_row, features, tops));
  } catch (const std::bad_alloc &) {  // then it is not kept, and the answer comes all the same
  }
}

void FeatureCache::insert_entry(std::size_t hash, EntryPtr entry) {
  const std::size_t bytes = entry->bytes();
  if (bytes > limit_) return;
  std::lock_guard<std::mutex> lock(mutex_);
  if (const std::size_t old = find_slot(hash, bytes_of(entry->crop)); old < slots_.size()) {
    // Another thread's, with as many rows or more.
    if (slots_[old].entry->first_row <= entry->first_row) return;
    remove(old);
  }
  while (bytes_ + bytes > limit_) remove(random_() % slots_.size());
  slots_.push_back({hash, std::move(entry)});
  try {
    index_.emplace(hash, slots_.size() - 1);
  } catch (...) {
    slots_.pop_back();
    throw;
  }
  bytes_ += bytes;
}

std::size_t FeatureCache::bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return bytes_;
}

FeatureCache::EntryPtr FeatureCache::copy(std::string_view crop, int first_row,
                                          const FaceFeatures &features,
                                          const std::vector<int> &tops) const {
  auto entry = std::make_shared<Entry>();
  entry->crop.assign(crop.begin(), crop.end());
  entry->first_row = first_row;
  std::size_t total = 0;
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    const auto row = static_cast<std::size_t>(shapes_[i].width * shapes_[i].channels);
    sizes.push_back(row * element_size_ * static_cast<std::size_t>(shapes_[i].height - tops[i]));
    total += sizes.back();
  }
  entry->pixels.reset(new std::byte[total]);  // without zeros, that would take as long as the copy
  entry->pixel_bytes = total;
  std::byte *to = entry->pixels.get();
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    const auto row = static_cast<std::size_t>(shapes_[i].width * shapes_[i].channels);
    const auto skip = static_cast<std::size_t>(tops[i] - features[i].top);
    std::memcpy(to, features[i].pixels + skip * row * element_size_, sizes[i]);
    entry->features.push_back({to, tops[i]});
    to += sizes[i];
  }
  return entry;
}

std::size_t FeatureCache::find_slot(std::size_t hash, std::string_view crop) const {
  const auto [first, end] = index_.equal_range(hash);
  for (auto i = first; i != end; ++i)
    if (bytes_of(slots_[i->second].entry->crop) == crop) return i->second;
  return slots_.size();
}

std::unordered_multimap<std::size_t, std::size_t>::iterator FeatureCache::index_of(
    std::size_t slot) {
  auto i = index_.equal_range(slots_[slot].hash).first;
  while (i->second != slot) ++i;
  return i;
}

// The last slot takes its place.
void FeatureCache::remove(std::size_t slot) {
  bytes_ -= slots_[slot].entry->bytes();
  index_.erase(index_of(slot));
  if (const std::size_t last = slots_.size() - 1; slot != last) {
    index_of(last)->second = slot;
    slots_[slot] = std::move(slots_[last]);
  }
  slots_.pop_back();
}

}  // namespace w2l
