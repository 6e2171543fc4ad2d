// gst-wav2lip: kernels against their twins. See kernel_check.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel_check.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "conv_plan.h"
#include "conv_tiles.h"
#include "cpu_twins.h"
#include "driver_handles.h"
#include "half_numbers.h"

namespace w2l {
namespace {

// Of a convolution: what the network has of each kind of tile, and little of it.
struct Geometry {
  int images, height, width;
  int channels[2], output_channels;
  int kernel, stride, padding;
  bool transposed, residual;
  int first_row, tile_kind, splits;
};

constexpr Geometry kGeometries[] = {
    // Two inputs; tiles that are not full.
    {3, 9, 7, {16, 8}, 24, 3, 1, 1, false, false, 2, kNarrowTile, 1},
    {4, 9, 7, {40, 24}, 72, 3, 1, 1, false, false, 2, kMediumPatch, 1},
    // Sums in parts; a residual; strides.
    {2, 6, 5, {64, 0}, 64, 3, 1, 1, false, true, 1, kSmallTile, 3},
    {2, 9, 9, {32, 0}, 64, 3, 2, 1, false, false, 0, kMediumTile, 2},
    {1, 5, 6, {24, 40}, 72, 3, 2, 1, true, false, 3, kSmallTile, 2},
    {3, 8, 10, {72, 0}, 72, 3, 1, 1, false, true, 0, kNarrowPatch, 1},
    // Several tiles, and channels for more steps than they have stages.
    {1, 16, 17, {104, 0}, 64, 1, 1, 0, false, false, 0, kMediumTile, 1},
    {1, 16, 17, {104, 0}, 136, 1, 1, 0, false, false, 0, kLargestTile, 1},
};

// The same bytes on both sides.
class Array {
 public:
  Array(Driver &driver, std::vector<std::byte> bytes)
      : host_(std::move(bytes)), device_(device_memory(driver, host_.size())) {}

  std::vector<std::byte> &host() { return host_; }
  std::byte *device() const { return device_.get(); }

 private:
  std::vector<std::byte> host_;
  DeviceMemory device_;
};

// What a kernel and its twin made.
struct Results {
  std::vector<std::byte> computed, expected;
};

class Checker {
 public:
  Checker(Driver &driver, Number number, const std::string &device)
      : driver_(driver), number_(number), device_(device), stream_(make_stream(driver)) {}

  void check_convolution(const Geometry &g) {
    ConvArgs shape = shape_of(g);
    if (!can_have_tiles(shape, g.tile_kind)) return;
    const std::size_t images = static_cast<std::size_t>(g.images),
                      channels = static_cast<std::size_t>(g.output_channels),
                      terms = static_cast<std::size_t>(g.kernel * g.kernel) *
                              static_cast<std::size_t>(g.channels[0] + g.channels[1]);
    // Images are written in another order than they are read.
    std::vector<std::int32_t> order(images);
    for (int i = 0; i < g.images; ++i) order[static_cast<std::size_t>(i)] = g.images - 1 - i;
    std::vector<Array> arrays;
    for (const ConvPictures &input : shape.inputs)
      arrays.push_back(numbers(images * static_cast<std::size_t>(input.image_size)));
    arrays.push_back(copy_of(order));
    arrays.push_back(numbers(terms * channels));
    arrays.push_back(copy_of(random_floats(channels)));
    arrays.push_back(zeros(conv_partial_bytes(shape)));
    arrays.push_back(zeros(conv_counters(shape) * sizeof(std::uint32_t)));
    arrays.push_back(
        zeros(images * static_cast<std::size_t>(shape.output.image_size) * size_of(number_)));
    const auto place = [](ConvArgs &args, const auto &at) {
      args.inputs[0].data = at(0);
      args.inputs[1].data = at(1);
      args.output.image_index = reinterpret_cast<const std::int32_t *>(at(2));
      args.weights = at(3);
      args.bias = reinterpret_cast<const float *>(at(4));
      args.partial_sums = reinterpret_cast<float *>(at(5));
      args.counters = reinterpret_cast<std::uint32_t *>(at(6));
      args.output.data = at(7);
    };
    // Sums of numbers in -1..1 that are added in another order.
    compare(run(shape, arrays, place, &Driver::convolve, convolve_on_cpu),
            static_cast<double>(terms) * 1e-6, "convolutions");
  }

  void check_faces() {
    constexpr int kEdge = 12;
    // As large as it becomes, enlarged, reduced, halved, a line, a pixel.
    constexpr int kSizes[][2] = {{12, 12}, {5, 7}, {23, 19}, {24, 24}, {17, 1}, {1, 1}};
    std::vector<CropPlace> places;
    std::uint32_t bytes = 0;
    for (const auto &[width, height] : kSizes) {
      places.push_back({bytes, width, height});
      bytes += static_cast<std::uint32_t>(width * height * 3);
    }
    std::vector<std::uint8_t> crops(bytes);
    for (std::uint8_t &byte : crops) byte = static_cast<std::uint8_t>(random_());
    FaceArgs shape;
    shape.number = number_, shape.images = static_cast<int>(places.size()), shape.edge = kEdge;
    std::vector<Array> arrays;
    arrays.push_back(copy_of(places));
    arrays.push_back(copy_of(crops));
    arrays.push_back(zeros(places.size() * kEdge * kEdge * kChannelStep * size_of(number_)));
    const auto place = [](FaceArgs &args, const auto &at) {
      args.places = reinterpret_cast<const CropPlace *>(at(0));
      args.crops = reinterpret_cast<const std::uint8_t *>(at(1));
      args.output = at(2);
    };
    compare(run(shape, arrays, place, &Driver::write_faces, write_faces_on_cpu), 0, "faces");
  }

  void check_mels() {
    constexpr int kImages = 2, kBands = 10, kColumns = 6;
    MelArgs shape;
    shape.number = number_, shape.images = kImages;
    shape.bands = kBands, shape.columns = kColumns;
    std::vector<Array> arrays;
    arrays.push_back(copy_of(random_floats(kImages * kBands * kColumns)));
    arrays.push_back(zeros(kImages * kBands * kColumns * kChannelStep * size_of(number_)));
    const auto place = [](MelArgs &args, const auto &at) {
      args.mels = reinterpret_cast<const float *>(at(0));
      args.output = at(1);
    };
    compare(run(shape, arrays, place, &Driver::write_mels, write_mels_on_cpu), 0, "speech");
  }

  void check_answers() {
    constexpr int kImages = 2, kEdge = 12, kChannels = 32, kFirstRow = 5;
    AnswerArgs shape;
    shape.number = number_, shape.images = kImages, shape.edge = kEdge;
    shape.first_row = kFirstRow, shape.channels = kChannels;
    std::vector<Array> arrays;
    arrays.push_back(numbers(kImages * kEdge * kEdge * kChannels));
    arrays.push_back(copy_of(random_floats(3 * kChannels)));
    arrays.push_back(copy_of(random_floats(3)));
    arrays.push_back(zeros(kImages * (kEdge - kFirstRow) * kEdge * 3));
    const auto place = [](AnswerArgs &args, const auto &at) {
      args.input = at(0);
      args.weights = reinterpret_cast<const float *>(at(1));
      args.bias = reinterpret_cast<const float *>(at(2));
      args.pictures = reinterpret_cast<std::uint8_t *>(at(3));
    };
    const Results results = run(shape, arrays, place, &Driver::write_answers, write_answers_on_cpu);
    for (std::size_t i = 0; i < results.expected.size(); ++i)
      if (std::abs(std::to_integer<int>(results.computed[i]) -
                   std::to_integer<int>(results.expected[i])) > 1)  // a level
        fail("pictures");
  }

 private:
  static int output_edge(const Geometry &g, int edge) {
    return g.transposed ? 2 * edge : (edge + 2 * g.padding - g.kernel) / g.stride + 1;
  }

  // Without memory.
  ConvArgs shape_of(const Geometry &g) const {
    ConvArgs shape;
    shape.number = number_;
    shape.images = g.images;
    shape.input_height = g.height, shape.input_width = g.width;
    shape.output_height = output_edge(g, g.height), shape.output_width = output_edge(g, g.width);
    shape.first_row = g.first_row;
    shape.transposed = g.transposed;
    shape.kernel_height = shape.kernel_width = g.kernel;
    shape.stride_height = shape.stride_width = g.stride;
    shape.padding_height = shape.padding_width = g.padding;
    shape.residual = g.residual;
    shape.tile_kind = g.tile_kind;
    shape.splits = g.splits;
    for (int i = 0; i < 2; ++i) {
      shape.inputs[i].channels = g.channels[i];
      shape.inputs[i].image_size = std::int64_t{g.height} * g.width * g.channels[i];
    }
    shape.output.channels = g.output_channels;
    shape.output.image_size =
        std::int64_t{shape.output_height} * shape.output_width * g.output_channels;
    return shape;
  }

  // Runs a kernel and its twin, which write to the last array; place(args, at) sets the pointers
  // to what at(i) says of array i.
  template <typename Args, typename Place>
  Results run(const Args &shape, std::vector<Array> &arrays, const Place &place,
              void (Driver::*kernel)(Driver::Stream *, const Args &), void (*twin)(const Args &)) {
    Args on_gpu = shape, on_cpu = shape;
    place(on_gpu, [&](std::size_t i) { return arrays[i].device(); });
    place(on_cpu, [&](std::size_t i) { return arrays[i].host().data(); });
    for (Array &array : arrays) upload(array);
    (driver_.*kernel)(stream_.get(), on_gpu);
    Results results = {download(arrays.back()), {}};
    twin(on_cpu);
    results.expected = arrays.back().host();
    return results;
  }

  std::vector<float> random_floats(std::size_t count) {
    std::vector<float> values(count);
    for (float &value : values) value = std::uniform_real_distribution<float>(-1, 1)(random_);
    return values;
  }

  Array zeros(std::size_t bytes) { return {driver_, std::vector<std::byte>(bytes)}; }

  template <typename T>
  Array copy_of(const std::vector<T> &values) {
    std::vector<std::byte> bytes(values.size() * sizeof(T));
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return {driver_, std::move(bytes)};
  }

  // Random ones, as they are stored.
  Array numbers(std::size_t count) {
    const std::vector<float> values = random_floats(count);
    return with_number(number_, [&](auto constant) {
      using Stored = Storage<decltype(constant)::value>;
      std::vector<typename Stored::Type> stored(count);
      std::transform(values.begin(), values.end(), stored.begin(), Stored::store);
      return copy_of(stored);
    });
  }

  void upload(Array &array) {
    const std::size_t bytes = array.host().size();
    if (bytes == 0) return;
    const HostMemory staging = host_memory(driver_, bytes);
    std::memcpy(staging.get(), array.host().data(), bytes);
    driver_.copy_to_device(stream_.get(), array.device(), staging.get(), bytes);
    synchronize();
  }

  std::vector<std::byte> download(Array &array) {
    const std::size_t bytes = array.host().size();
    const HostMemory staging = host_memory(driver_, bytes);
    driver_.copy_to_host(stream_.get(), staging.get(), array.device(), bytes);
    synchronize();
    return {staging.get(), staging.get() + bytes};
  }

  void synchronize() {
    const EventHandle event = make_event(driver_);
    driver_.record(stream_.get(), event.get());
    driver_.synchronize(event.get());
  }

  // `tolerance` is absolute; unless it is 0, what rounding to a number may change comes on top.
  void compare(const Results &results, double tolerance, const char *what) const {
    const double rounding = number_ == Number::Bf16   ? 0x1p-7
                            : number_ == Number::Fp16 ? 0x1p-10
                                                      : 0;
    with_number(number_, [&](auto constant) {
      using Stored = Storage<decltype(constant)::value>;
      typename Stored::Type computed, expected;
      for (std::size_t at = 0; at < results.expected.size(); at += sizeof expected) {
        std::memcpy(&computed, &results.computed[at], sizeof computed);
        std::memcpy(&expected, &results.expected[at], sizeof expected);
        const double value = static_cast<double>(Stored::load(expected));
        const double error = std::fabs(static_cast<double>(Stored::load(computed)) - value);
        const double most = tolerance == 0 ? 0 : tolerance + rounding * std::fabs(value);
        if (!(error <= most)) fail(what);  // also if it is not a number
      }
    });
  }

  [[noreturn]] void fail(const char *what) const {
    throw Error(ErrorCode::UnusableDevice,
                device_ + " (" + driver_.info().name + ") computes wrong " + what +
                    ": install a newer NVIDIA driver and gst-wav2lip, or use device=cpu");
  }

  Driver &driver_;
  const Number number_;
  const std::string device_;
  const StreamHandle stream_;
  std::minstd_rand random_{1};
};

}  // namespace

void check_kernels(Driver &driver, Number number, const std::string &device) {
  driver.load_kernels(number);
  Checker checker(driver, number, device);
  for (const Geometry &geometry : kGeometries) checker.check_convolution(geometry);
  checker.check_faces();
  checker.check_mels();
  checker.check_answers();
}

}  // namespace w2l
