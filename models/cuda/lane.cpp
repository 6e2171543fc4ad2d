// gst-wav2lip: one of the places where the CUDA engine computes a launch. See lane.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lane.h"

#include <algorithm>
#include <cstring>

namespace w2l {
namespace {

constexpr int kBytesPerPixel = 3;

std::size_t square_bytes(int edge) {
  return static_cast<std::size_t>(edge) * static_cast<std::size_t>(edge) * kBytesPerPixel;
}

std::size_t mel_bytes(const Family &family) {
  return static_cast<std::size_t>(family.mel_bands) * static_cast<std::size_t>(family.mel_columns) *
         sizeof(float);
}

// Of the bucket, in buckets_up_to().
std::size_t place_of(int bucket) {
  std::size_t place = 0;
  while (1 << place < bucket) ++place;
  return place;
}

template <typename T>
T *at_offset(const std::unique_ptr<std::byte[], DeviceMemoryRelease> &memory, std::size_t offset) {
  return reinterpret_cast<T *>(memory.get() + offset);
}

}  // namespace

std::vector<int> buckets_up_to(int most) {
  std::vector<int> buckets;
  for (int bucket = 1; bucket <= most; bucket *= 2) buckets.push_back(bucket);
  return buckets;
}

int bucket_of(int images) {
  int bucket = 1;
  while (bucket < images) bucket *= 2;
  return bucket;
}

Lane::Lane(Driver &driver, const NetworkLayout &layout, const Family &family)
    : driver_(driver),
      block_(layout.most(), square_bytes(max_crop_edge(family)), w2l::mel_bytes(family)),
      edge_(family.crop_size),
      mel_bytes_(w2l::mel_bytes(family)) {
  const LaneSizes sizes = layout.lane_sizes(buckets_up_to(layout.most()), driver.info().size);
  const std::size_t all_pictures = static_cast<std::size_t>(layout.most()) * square_bytes(edge_);
  const std::size_t counter_bytes = sizes.counters * sizeof(std::uint32_t);
  arena_ = device_memory(driver, sizes.arena);
  partial_sums_ = device_memory(driver, sizes.partial_sums);
  counters_ = device_memory(driver, counter_bytes);
  upload_ = device_memory(driver, block_.bytes());
  pictures_ = device_memory(driver, all_pictures);
  host_upload_ = host_memory(driver, block_.bytes());
  host_pictures_ = host_memory(driver, all_pictures);
  std::memset(host_upload_.get(), 0, block_.places());  // the speech of surplus images
  encoded_ = make_event(driver);
  done_ = make_event(driver);
  stream_ = make_stream(driver);
  if (counter_bytes) driver.clear(stream_.get(), counters_.get(), counter_bytes);
}

Lane::~Lane() = default;

void Lane::capture(const NetworkLayout &layout, const void *weights, std::byte *features,
                   std::int32_t spare_slot) {
  spare_slot_ = spare_slot;
  LaneAddresses at;
  at.weights = weights;
  at.features = features;
  at.arena = arena_.get();
  at.partial_sums = at_offset<float>(partial_sums_, 0);
  at.counters = at_offset<std::uint32_t>(counters_, 0);
  at.pictures = at_offset<std::uint8_t>(pictures_, 0);
  for (const int images : buckets_up_to(layout.most())) {
    encoders_.push_back(capture_encoder(layout, at, images));
    whole_answers_.push_back(capture_answers(layout, at, images, 0));
    lower_answers_.push_back(capture_answers(layout, at, images, edge_ / 2));
  }
}

template <typename Enqueue>
GraphHandle Lane::captured(const Enqueue &enqueue) {
  driver_.begin_capture(stream_.get());
  try {
    enqueue();
  } catch (...) {
    try {  // while it goes on, nothing could be given back
      const GraphHandle incomplete{driver_.end_capture(stream_.get()), {&driver_}};
    } catch (const Error &) {
    }
    throw;
  }
  return {driver_.end_capture(stream_.get()), {&driver_}};
}

GraphHandle Lane::capture_encoder(const NetworkLayout &layout, LaneAddresses at, int images) {
  at.places = at_offset<CropPlace>(upload_, block_.places());
  at.crops = at_offset<std::uint8_t>(upload_, block_.pixels(images));
  at.new_slots = at_offset<std::int32_t>(upload_, block_.new_slots(images));
  const EncoderSteps steps = layout.encoder_steps(images, at, driver_.info().size);
  return captured([&] {
    driver_.write_faces(stream_.get(), steps.faces);
    for (const ConvArgs &args : steps.layers) driver_.convolve(stream_.get(), args);
  });
}

GraphHandle Lane::capture_answers(const NetworkLayout &layout, LaneAddresses at, int images,
                                  int first_row) {
  at.mels = at_offset<float>(upload_, block_.mels(images));
  at.slots = at_offset<std::int32_t>(upload_, block_.slots(images));
  const AnswerSteps steps = layout.answer_steps(images, first_row, at, driver_.info().size);
  return captured([&] {
    driver_.write_mels(stream_.get(), steps.mels);
    for (const ConvArgs &args : steps.layers) driver_.convolve(stream_.get(), args);
    driver_.write_answers(stream_.get(), steps.answers);
  });
}

void Lane::start(const LaunchInput &input, const std::vector<Driver::Event *> &after) {
  const int samples = bucket_of(static_cast<int>(input.slots.size()));
  const int crops =
      input.new_slots.empty() ? 0 : bucket_of(static_cast<int>(input.new_slots.size()));
  const std::size_t pixel_bytes = fill(input, samples, crops);
  Driver::Stream *stream = stream_.get();
  const std::size_t first = block_.first(samples);
  driver_.copy_to_device(stream, upload_.get() + first, host_upload_.get() + first,
                         block_.end(crops, pixel_bytes) - first);
  if (crops > 0) driver_.launch(stream, encoders_[place_of(crops)].get());
  driver_.record(stream, encoded_.get());
  for (Driver::Event *event : after) driver_.wait(stream, event);
  const auto &answers = input.first_row > 0 ? lower_answers_ : whole_answers_;
  driver_.launch(stream, answers[place_of(samples)].get());
  picture_bytes_ = static_cast<std::size_t>(edge_ - input.first_row) *
                   static_cast<std::size_t>(edge_) * kBytesPerPixel;
  driver_.copy_to_host(stream, host_pictures_.get(), pictures_.get(),
                       input.slots.size() * picture_bytes_);
  driver_.record(stream, done_.get());
}

// Surplus images keep the speech of an earlier launch. Returns the bytes of the crops' pixels.
std::size_t Lane::fill(const LaunchInput &input, int samples, int crops) {
  std::byte *block = host_upload_.get();
  std::vector<std::int32_t> slots = input.slots, new_slots = input.new_slots;
  slots.resize(static_cast<std::size_t>(samples), slots.front());
  new_slots.resize(static_cast<std::size_t>(crops), spare_slot_);
  std::copy(slots.begin(), slots.end(),
            reinterpret_cast<std::int32_t *>(block + block_.slots(samples)));
  std::copy(new_slots.begin(), new_slots.end(),
            reinterpret_cast<std::int32_t *>(block + block_.new_slots(crops)));
  for (std::size_t i = 0; i < input.mels.size(); ++i)
    std::memcpy(block + block_.mels(samples) + i * mel_bytes_, input.mels[i], mel_bytes_);
  return crops > 0 ? fill_crops(input.new_crops, crops) : 0;
}

// Surplus crops are the first one again.
std::size_t Lane::fill_crops(const std::vector<Crop> &new_crops, int crops) {
  std::byte *pixels = host_upload_.get() + block_.pixels(crops);
  std::vector<CropPlace> places;
  std::size_t offset = 0;
  for (const Crop &crop : new_crops) {
    places.push_back({static_cast<std::uint32_t>(offset), crop.width, crop.height});
    std::memcpy(pixels + offset, crop.pixels, crop.bytes());
    offset += crop.bytes();
  }
  places.resize(static_cast<std::size_t>(crops), places.front());
  std::copy(places.begin(), places.end(),
            reinterpret_cast<CropPlace *>(host_upload_.get() + block_.places()));
  return offset;
}

void Lane::finish() {
  driver_.synchronize(done_.get());
}

const std::uint8_t *Lane::picture(int sample) const {
  return reinterpret_cast<const std::uint8_t *>(host_pictures_.get()) +
         static_cast<std::size_t>(sample) * picture_bytes_;
}

}  // namespace w2l
