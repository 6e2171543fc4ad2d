// gst-wav2lip: a network as the CUDA kernels see it. See network_layout.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network_layout.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "arena_layout.h"
#include "conv_plan.h"
#include "half_numbers.h"
#include "network/layer_geometry.h"
#include "parallel_jobs.h"

namespace w2l {
namespace {

constexpr std::size_t kAlignment = 256;  // as cudaMalloc's
constexpr int kPictureChannels = 3;      // of AnswerArgs

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

bool is_transposed(const LayerRow &row) {
  return row.kind == LayerKind::Transposed;
}

bool is_square(const Size2 &size, std::int64_t edge) {
  return size.height == edge && size.width == edge;
}

// Whether it makes a picture of a pixel: then no two pixels of the input meet in one of the output.
bool spreads(const LayerRow &row, Size2 input) {
  return is_transposed(row) && is_square(input, 1) && row.padding == 0 && row.output_padding == 0;
}

[[noreturn]] void refuse(const LayerRow &row) {
  throw Error(ErrorCode::Unsupported, std::string("layer \"") + row.name +
                                          "\" cannot be computed by the CUDA backend; use "
                                          "device=cpu");
}

bool has_kernel(const LayerRow &row, bool spread) {
  return !is_transposed(row) || spread ||
         (row.kernel == 3 && is_square(row.stride, 2) && row.padding == 1 &&
          row.output_padding == 1);
}

// To find out sizes, when there is no memory yet.
LaneAddresses addresses_of_nothing() {
  auto *nowhere = reinterpret_cast<std::byte *>(kAlignment);
  LaneAddresses at;
  at.weights = at.features = at.arena = nowhere;
  return at;
}

// PyTorch's weights, by whatever order they have.
class WeightView {
 public:
  WeightView(const LayerWeights &weights, bool transposed)
      : values_(weights.weight.data()),
        kernel_(weights.shape[3]),
        in_stride_(transposed ? weights.shape[1] : 1),
        out_stride_(transposed ? 1 : weights.shape[1]) {}

  float at(std::int64_t in, std::int64_t out, std::int64_t ky, std::int64_t kx) const {
    const std::int64_t filter = in * in_stride_ + out * out_stride_;
    return values_[(filter * kernel_ + ky) * kernel_ + kx];
  }

 private:
  const float *values_;
  std::int64_t kernel_, in_stride_, out_stride_;
};

template <typename Steps>
void grow(LaneSizes &sizes, const Steps &steps) {
  for (const ConvArgs &args : steps.layers) {
    sizes.partial_sums = std::max(sizes.partial_sums, conv_partial_bytes(args));
    sizes.counters = std::max(sizes.counters, conv_counters(args));
  }
}

}  // namespace

int max_crop_edge(const Family &family) {
  return 2 * family.crop_size;
}

int stored_channels(std::int64_t channels) {
  return static_cast<int>((channels + kChannelStep - 1) / kChannelStep * kChannelStep);
}

// Goes through the network in the order of computation and gives everything its place.
class NetworkLayout::Builder {
 public:
  Builder(const Network &network, NetworkLayout &layout) : network_(network), layout_(layout) {}

  void build() {
    const Family &family = network_.family();
    build_encoder(family);
    build_answer(family);
    layout_.slot_bytes_ = aligned(layout_.slot_bytes_);
  }

 private:
  void build_encoder(const Family &family) {
    const std::vector<Layer> layers = network_.part(Part::FaceEncoder);
    layout_.faces_ = picture(family.face_channels, {family.crop_size, family.crop_size});
    begin(layout_.faces_);
    channels_ = family.face_channels;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      DeviceLayer &layer = add(layout_.encoder_layers_, layers[i]);
      if (i + 1 == layers.size() || layers[i + 1].row->block != layers[i].row->block) {
        in_slot(layer.output);
        features_.push_back({layers[i].out, layer.output});
      }
      next(layer);
    }
    place(layout_.encoder_layers_, layout_.faces_);
  }

  void build_answer(const Family &family) {
    std::vector<Layer> layers = network_.part(Part::AudioEncoder);
    for (const Part part : {Part::Decoder, Part::Output})
      for (const Layer &layer : network_.part(part)) layers.push_back(layer);
    layout_.mels_ = picture(1, {family.mel_bands, family.mel_columns});
    begin(layout_.mels_);
    channels_ = 1;
    const LayerRow *previous = nullptr;
    for (const Layer &layer : layers) {
      const LayerRow &row = *layer.row;
      const bool leaves_decoder_block = previous && previous->part == Part::Decoder &&
                                        (row.part != Part::Decoder || row.block != previous->block);
      if (row.kind == LayerKind::Last) {
        add_last(layer);
        continue;
      }
      DeviceLayer &added = add(layout_.answer_layers_, layer);
      if (leaves_decoder_block) {
        added.feature_channels = features_.back().channels;
        added.feature = features_.back().picture;
        features_.pop_back();
        if (row.kind == LayerKind::Residual) refuse(row);  // it would add both inputs
      }
      reserve_weights(added);
      next(added);
      previous = &row;
    }
    place(layout_.answer_layers_, layout_.mels_);
  }

  DeviceLayer &add(std::vector<DeviceLayer> &to, const Layer &layer) {
    const Size2 input = {input_.height, input_.width};
    DeviceLayer added;
    added.layer = layer;
    added.own_channels = channels_;
    added.input = input_;
    added.spread = spreads(*layer.row, input);
    if (!has_kernel(*layer.row, added.spread)) refuse(*layer.row);
    added.output = picture(layer.out, output_size(*layer.row, input));
    to.push_back(added);
    if (layer.row->part == Part::FaceEncoder) reserve_weights(to.back());
    return to.back();
  }

  void add_last(const Layer &layer) {
    const LayerRow &row = *layer.row;
    if (layer.in != channels_ || layer.out != kPictureChannels || row.kernel != 1) refuse(row);
    DeviceLayer &last = layout_.last_;
    last.layer = layer;
    last.own_channels = channels_;
    last.input = input_;
    last.output = input_;
    const std::size_t channels = static_cast<std::size_t>(input_.channels);
    last.weights = reserve(kPictureChannels * channels * sizeof(float));
    last.bias = reserve(kPictureChannels * sizeof(float));
  }

  void reserve_weights(DeviceLayer &layer) {
    const auto kernel = static_cast<std::size_t>(layer.layer.row->kernel);
    const auto in = static_cast<std::size_t>(layer.input.channels + layer.feature.channels);
    const auto out = static_cast<std::size_t>(layer.output.channels);
    layer.weights = reserve(kernel * kernel * in * out * size_of(layout_.number_));
    layer.bias = reserve((layer.spread ? kernel * kernel : 1) * out * sizeof(float));
  }

  std::size_t reserve(std::size_t bytes) {
    const std::size_t offset = layout_.weight_bytes_;
    layout_.weight_bytes_ += aligned(bytes);
    return offset;
  }

  void in_slot(Picture &picture) {
    picture.in_slot = true;
    picture.offset = layout_.slot_bytes_;
    layout_.slot_bytes_ += aligned(bytes(picture));
  }

  void begin(const Picture &input) { input_ = input; }

  void next(const DeviceLayer &layer) {
    input_ = layer.output;
    channels_ = layer.layer.out;
  }

  static Picture picture(std::int64_t channels, Size2 size) {
    Picture result;
    result.channels = stored_channels(channels);
    result.height = static_cast<int>(size.height);
    result.width = static_cast<int>(size.width);
    return result;
  }

  std::size_t bytes(const Picture &picture) const {
    return static_cast<std::size_t>(picture.elements()) * size_of(layout_.number_);
  }

  // Each layer reads what the one before has written; the last one's result is read once more.
  void place(std::vector<DeviceLayer> &layers, Picture &input) {
    std::vector<Picture *> pictures = {&input};
    for (DeviceLayer &layer : layers) pictures.push_back(&layer.output);
    std::vector<Lifetime> lifetimes;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      const int step = static_cast<int>(i);
      const std::size_t most = static_cast<std::size_t>(layout_.most_);
      lifetimes.push_back({pictures[i]->in_slot ? 0 : most * bytes(*pictures[i]), step, step + 1});
    }
    const ArenaLayout places = lay_out(lifetimes);
    layout_.arena_bytes_ = std::max(layout_.arena_bytes_, places.bytes);
    for (std::size_t i = 0; i < pictures.size(); ++i)
      if (!pictures[i]->in_slot) pictures[i]->offset = places.offsets[i];
    for (std::size_t i = 0; i < layers.size(); ++i) layers[i].input = *pictures[i];
    if (&layers == &layout_.answer_layers_) layout_.last_.input = *pictures.back();
  }

  struct Feature {
    std::int64_t channels;
    Picture picture;
  };

  const Network &network_;
  NetworkLayout &layout_;
  std::vector<Feature> features_;  // of the face encoder's blocks
  Picture input_;                  // of the next layer
  std::int64_t channels_ = 0;      // of it, in the network
};

NetworkLayout::NetworkLayout(const Network &network, Number number, int most)
    : family_(network.family()), number_(number), most_(most) {
  Builder(network, *this).build();
}

void NetworkLayout::write_weights(const Checkpoint &checkpoint, int threads, std::byte *to) const {
  std::vector<const DeviceLayer *> layers = {&last_};
  for (const std::vector<DeviceLayer> *part : {&encoder_layers_, &answer_layers_})
    for (const DeviceLayer &layer : *part) layers.push_back(&layer);
  // What no layer writes, between them and of surplus channels, is zero.
  std::memset(to, 0, weight_bytes_);
  run_jobs(threads, static_cast<int>(layers.size()), [&](int i) {
    const DeviceLayer &layer = *layers[static_cast<std::size_t>(i)];
    thread_local LayerWeights weights;  // of threads that live for these jobs alone
    Network::read(checkpoint, layer.layer, weights);
    if (&layer == &last_)
      write_last(weights, to);
    else
      write_layer(layer, weights, to);
  });
}

void NetworkLayout::write_layer(const DeviceLayer &layer, const LayerWeights &weights,
                                std::byte *to) const {
  const LayerRow &row = *layer.layer.row;
  const WeightView view(weights, is_transposed(row));
  const std::int64_t in = layer.input.channels + layer.feature.channels;
  const std::int64_t out = layer.output.channels, taps = row.kernel * row.kernel;
  // The next tap's numbers come after all of this one's; where a pixel is spread, each tap is
  // another pixel of the output and has channels of its own.
  const std::int64_t tap_stride = layer.spread ? out : in * out;
  const std::int64_t in_stride = layer.spread ? taps * out : out;
  with_number(number_, [&](auto constant) {
    using Stored = Storage<decltype(constant)::value>;
    auto *numbers = reinterpret_cast<typename Stored::Type *>(to + layer.weights);
    const auto write = [&](std::int64_t first_out, std::int64_t end_out) {
      for (std::int64_t i = 0; i < layer.own_channels + layer.feature_channels; ++i) {
        // The feature's channels begin after the surplus ones of the other input.
        const std::int64_t stored =
            i < layer.own_channels ? i : i - layer.own_channels + layer.input.channels;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          typename Stored::Type *line = numbers + tap * tap_stride + stored * in_stride;
          for (std::int64_t o = first_out; o < end_out; ++o)
            line[o] = Stored::store(view.at(i, o, tap / row.kernel, tap % row.kernel));
        }
      }
    };
    // PyTorch keeps output channels far apart: of a few, what is read stays in the cache.
    constexpr std::int64_t kTogether = 32;
    for (std::int64_t o = 0; o < layer.layer.out; o += kTogether)
      write(o, std::min(o + kTogether, layer.layer.out));
  });
  auto *bias = reinterpret_cast<float *>(to + layer.bias);
  for (std::int64_t pixel = 0; pixel < (layer.spread ? taps : 1); ++pixel)
    std::copy(weights.bias.begin(), weights.bias.end(), bias + pixel * out);
}

void NetworkLayout::write_last(const LayerWeights &weights, std::byte *to) const {
  auto *numbers = reinterpret_cast<float *>(to + last_.weights);
  for (std::int64_t o = 0; o < kPictureChannels; ++o)
    std::copy_n(weights.weight.begin() + o * last_.own_channels, last_.own_channels,
                numbers + o * last_.input.channels);
  std::copy(weights.bias.begin(), weights.bias.end(), reinterpret_cast<float *>(to + last_.bias));
}

LaneSizes NetworkLayout::lane_sizes(const std::vector<int> &buckets, const GpuSize &gpu) const {
  const LaneAddresses nowhere = addresses_of_nothing();
  LaneSizes sizes;
  sizes.arena = arena_bytes_;
  for (const int images : buckets) {
    grow(sizes, encoder_steps(images, nowhere, gpu));
    for (const int first_row : {0, family_.crop_size / 2})
      grow(sizes, answer_steps(images, first_row, nowhere, gpu));
  }
  return sizes;
}

EncoderSteps NetworkLayout::encoder_steps(int images, const LaneAddresses &at,
                                          const GpuSize &gpu) const {
  EncoderSteps steps;
  steps.faces = {number_, images, family_.crop_size, at.places, at.crops, at.arena + faces_.offset};
  for (const DeviceLayer &layer : encoder_layers_)
    steps.layers.push_back(convolution(layer, images, 0, at.new_slots, at, gpu));
  return steps;
}

AnswerSteps NetworkLayout::answer_steps(int images, int first_row, const LaneAddresses &at,
                                        const GpuSize &gpu) const {
  AnswerSteps steps;
  steps.mels = {
      number_, images, family_.mel_bands, family_.mel_columns, at.mels, at.arena + mels_.offset};
  const std::vector<int> rows = first_rows(first_row);
  for (std::size_t i = 0; i < answer_layers_.size(); ++i)
    steps.layers.push_back(convolution(answer_layers_[i], images, rows[i], at.slots, at, gpu));
  const auto *weights = static_cast<const std::byte *>(at.weights);
  AnswerArgs &answers = steps.answers;
  answers.number = number_;
  answers.images = images;
  answers.edge = family_.crop_size;
  answers.first_row = first_row;
  answers.channels = last_.input.channels;
  answers.input = at.arena + last_.input.offset;
  answers.weights = reinterpret_cast<const float *>(weights + last_.weights);
  answers.bias = reinterpret_cast<const float *>(weights + last_.bias);
  answers.pictures = at.pictures;
  return steps;
}

std::vector<int> NetworkLayout::first_rows(int first_row) const {
  std::vector<int> rows(answer_layers_.size());
  int row = first_input_row(*last_.layer.row, first_row);
  for (std::size_t i = answer_layers_.size(); i-- > 0;) {
    // The audio encoder's pictures are not of faces.
    const bool of_face = answer_layers_[i].layer.row->part != Part::AudioEncoder;
    rows[i] = of_face ? row : 0;
    row = first_input_row(*answer_layers_[i].layer.row, row);
  }
  return rows;
}

ConvArgs NetworkLayout::convolution(const DeviceLayer &layer, int images, int first_row,
                                    const std::int32_t *slots, const LaneAddresses &at,
                                    const GpuSize &gpu) const {
  const LayerRow &row = *layer.layer.row;
  const auto *weights = static_cast<const std::byte *>(at.weights);
  ConvArgs args;
  args.number = number_;
  args.images = images;
  args.inputs[0] = pictures(layer.input, slots, at);
  if (layer.feature_channels > 0) args.inputs[1] = pictures(layer.feature, slots, at);
  args.input_height = layer.input.height;
  args.input_width = layer.input.width;
  args.output = pictures(layer.output, slots, at);
  args.output_height = layer.output.height;
  args.output_width = layer.output.width;
  args.first_row = first_row;
  if (layer.spread) {
    args.output.channels *= args.output_height * args.output_width;
    args.output_height = args.output_width = 1;
    args.first_row = 0;
  } else {
    args.transposed = is_transposed(row);
    args.kernel_height = args.kernel_width = static_cast<int>(row.kernel);
    args.stride_height = static_cast<int>(row.stride.height);
    args.stride_width = static_cast<int>(row.stride.width);
    args.padding_height = args.padding_width = static_cast<int>(row.padding);
  }
  args.weights = weights + layer.weights;
  args.bias = reinterpret_cast<const float *>(weights + layer.bias);
  args.residual = row.kind == LayerKind::Residual;
  cut_convolution(args, gpu);
  if (args.splits > 1) {
    args.partial_sums = at.partial_sums;
    args.counters = at.counters;
  }
  return args;
}

ConvPictures NetworkLayout::pictures(const Picture &picture, const std::int32_t *slots,
                                     const LaneAddresses &at) const {
  ConvPictures result;
  result.channels = picture.channels;
  if (picture.in_slot) {
    result.data = at.features + picture.offset;
    result.image_size = static_cast<std::int64_t>(slot_bytes_ / size_of(number_));
    result.image_index = slots;
  } else {
    result.data = at.arena + picture.offset;
    result.image_size = picture.elements();
  }
  return result;
}

}  // namespace w2l
