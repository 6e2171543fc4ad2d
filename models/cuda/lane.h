// gst-wav2lip: one of the places where the CUDA engine computes a launch: a stream with memory of
// its own, on the GPU and pinned on the host, and the network's graphs for each number of images.
// While one lane computes, another's inputs are copied.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "driver_handles.h"
#include "engine.h"
#include "network_layout.h"
#include "upload_block.h"

namespace w2l {

// 1, 2, 4, ... up to `most`, a power of two: a graph is for a fixed number of images, and those
// that are left over are computed in vain.
std::vector<int> buckets_up_to(int most);
int bucket_of(int images);

struct LaunchInput {
  int first_row = 0;  // of the pictures; 0 or half of their edge
  std::vector<Crop> new_crops;
  std::vector<std::int32_t> new_slots;  // where their features go
  std::vector<const float *> mels;      // of each sample
  std::vector<std::int32_t> slots;      // of each sample's features
};

class Lane {
 public:
  // Allocates all that it will ever need.
  Lane(Driver &driver, const NetworkLayout &layout, const Family &family);
  ~Lane();

  // Makes the graphs. `features` are the slots that all lanes share; surplus images of a bucket
  // have features that nobody reads in `spare_slot`, the lane's own.
  void capture(const NetworkLayout &layout, const void *weights, std::byte *features,
               std::int32_t spare_slot);

  // Starts a launch and returns at once; the input is not needed any more. `after` are events of
  // other lanes that have computed features which this launch reads.
  void start(const LaunchInput &input, const std::vector<Driver::Event *> &after);
  // The features of the launch are there.
  Driver::Event *encoded() const { return encoded_.get(); }

  // Waits until the launch is complete.
  void finish();
  // Rows from first_row on of a sample's picture, until the next launch.
  const std::uint8_t *picture(int sample) const;
  std::size_t picture_bytes() const { return picture_bytes_; }

 private:
  GraphHandle capture_encoder(const NetworkLayout &layout, LaneAddresses at, int images);
  GraphHandle capture_answers(const NetworkLayout &layout, LaneAddresses at, int images,
                              int first_row);
  template <typename Enqueue>
  GraphHandle captured(const Enqueue &enqueue);
  std::size_t fill(const LaunchInput &input, int samples, int crops);
  std::size_t fill_crops(const std::vector<Crop> &new_crops, int crops);

  Driver &driver_;
  const UploadBlock block_;
  const int edge_;
  const std::size_t mel_bytes_;
  std::int32_t spare_slot_ = 0;
  DeviceMemory arena_, partial_sums_, counters_, upload_, pictures_;
  HostMemory host_upload_, host_pictures_;
  EventHandle encoded_, done_;
  StreamHandle stream_;  // destroyed before what its work needs
  // By the bucket's place in buckets_up_to().
  std::vector<GraphHandle> encoders_, whole_answers_, lower_answers_;
  std::size_t picture_bytes_ = 0;  // of the last launch
};

}  // namespace w2l
