// gst-wav2lip: a network as the CUDA kernels see it: how its weights lie in the GPU's memory, how
// one crop's features lie in a slot, where each layer reads and writes. Nothing here needs a GPU.
// LoadedNetwork and Lane ask it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "conv_plan.h"
#include "kernel_args.h"
#include "network/network.h"

namespace w2l {

// Where a lane's kernels read and write in the GPU's memory.
struct LaneAddresses {
  const void *weights = nullptr;      // NetworkLayout::weight_bytes()
  std::byte *features = nullptr;      // slots of NetworkLayout::slot_bytes()
  std::byte *arena = nullptr;         // LaneSizes
  float *partial_sums = nullptr;      // LaneSizes
  std::uint32_t *counters = nullptr;  // LaneSizes; zero

  // Of the launch. The tables name the place of each new crop, and the feature slot of each new
  // crop and of each sample.
  const CropPlace *places = nullptr;
  const std::uint8_t *crops = nullptr;
  const std::int32_t *new_slots = nullptr;
  const float *mels = nullptr;
  const std::int32_t *slots = nullptr;
  std::uint8_t *pictures = nullptr;
};

struct LaneSizes {
  std::size_t arena = 0, partial_sums = 0;  // bytes
  std::size_t counters = 0;                 // numbers
};

// From new crops to their features, in the order of computation.
struct EncoderSteps {
  FaceArgs faces;
  std::vector<ConvArgs> layers;
};

// From speech and features to pictures.
struct AnswerSteps {
  MelArgs mels;
  std::vector<ConvArgs> layers;
  AnswerArgs answers;
};

class NetworkLayout {
 public:
  // For launches of up to `most` images. Throws Error(Unsupported) for layers that no kernel
  // computes.
  NetworkLayout(const Network &network, Number number, int most);

  int most() const { return most_; }
  Number number() const { return number_; }

  std::size_t weight_bytes() const { return weight_bytes_; }
  // Reads all weights on up to `threads` threads and writes them as the kernels want them.
  void write_weights(const Checkpoint &checkpoint, int threads, std::byte *to) const;

  // Features have all their rows, so they serve whatever rows of an answer are asked for.
  std::size_t slot_bytes() const { return slot_bytes_; }

  // Enough for launches of each of these sizes.
  LaneSizes lane_sizes(const std::vector<int> &buckets, const GpuSize &gpu) const;

  // For exactly so many images, of whose answers the rows from first_row on are needed.
  EncoderSteps encoder_steps(int images, const LaneAddresses &at, const GpuSize &gpu) const;
  AnswerSteps answer_steps(int images, int first_row, const LaneAddresses &at,
                           const GpuSize &gpu) const;

 private:
  // What a layer writes or reads.
  struct Picture {
    int channels = 0, height = 0, width = 0;
    bool in_slot = false;    // else in the arena
    std::size_t offset = 0;  // bytes, within arena or slot

    std::int64_t elements() const { return std::int64_t{channels} * height * width; }
  };

  struct DeviceLayer {
    Layer layer;
    // Of the network; what is stored has more, see stored_channels().
    std::int64_t own_channels = 0, feature_channels = 0;  // in
    Picture input, feature, output;
    // A transposed convolution of 1x1 pictures: one to all pixels of the output at once.
    bool spread = false;
    std::size_t weights = 0, bias = 0;  // offsets
  };

  class Builder;

  std::vector<int> first_rows(int first_row) const;  // of each of answer_layers_
  ConvArgs convolution(const DeviceLayer &layer, int images, int first_row,
                       const std::int32_t *slots, const LaneAddresses &at,
                       const GpuSize &gpu) const;
  ConvPictures pictures(const Picture &picture, const std::int32_t *slots,
                        const LaneAddresses &at) const;
  void write_layer(const DeviceLayer &layer, const LayerWeights &weights, std::byte *to) const;
  void write_last(const LayerWeights &weights, std::byte *to) const;

  Family family_;
  Number number_;
  int most_;
  std::vector<DeviceLayer> encoder_layers_, answer_layers_;  // but for the last one
  DeviceLayer last_;
  Picture faces_, mels_;
  std::size_t weight_bytes_ = 0, slot_bytes_ = 0, arena_bytes_ = 0;
};

// The largest edge of a crop. Linear resizing to less than half of it would leave pixels out, and
// these would be copied, compared and kept in vain. So 128 crops for 96 pixels, the most that a
// launch has, take up to 13.5 MiB of a lane's memory, both on the GPU and pinned: all batches fit.
int max_crop_edge(const Family &family);

// Channels as they are stored: the next multiple of kChannelStep.
int stored_channels(std::int64_t channels);

}  // namespace w2l
