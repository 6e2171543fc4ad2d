// gst-wav2lip benchmark: the network of this project behind the line protocol that all engines of
// tests/bench/run speak (README.md): a request is a line on stdin, an answer a JSON line on stdout.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine.h"
#include "memory_use.h"

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr int kWarmUps = 5;  // batches before latencies count

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of all threads of this process.
double cpu_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Faces and windows of speech from the file that all engines read: first all crops, then all mels.
class Inputs {
 public:
  Inputs(const std::string &path, const w2l::EngineInfo &info)
      : edge_(info.crop_size),
        crop_size_(static_cast<std::size_t>(info.crop_size * info.crop_size * 3)),
        mel_size_(static_cast<std::size_t>(info.mel_bands * info.mel_columns)) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const auto bytes = static_cast<std::size_t>(std::max<std::streamoff>(0, file.tellg()));
    count_ = bytes / (crop_size_ + mel_size_ * sizeof(float));
    crops_.resize(count_ * crop_size_);
    mels_.resize(count_ * mel_size_);
    file.seekg(0);
    file.read(reinterpret_cast<char *>(crops_.data()), static_cast<std::streamsize>(crops_.size()));
    file.read(reinterpret_cast<char *>(mels_.data()),
              static_cast<std::streamsize>(mels_.size() * sizeof(float)));
    if (!file || count_ == 0) throw std::runtime_error("no inputs in " + path);
  }

  std::vector<w2l::Sample> batch(std::size_t size) const {
    std::vector<w2l::Sample> samples;
    for (std::size_t i = 0; i < size; ++i)
      samples.push_back(
          {{&crops_[i % count_ * crop_size_], edge_, edge_}, &mels_[i % count_ * mel_size_]});
    return samples;
  }

  // The same with crops twice as large, each pixel four times: resized, they are the same again.
  std::vector<w2l::Sample> doubled_batch(std::size_t size) {
    std::vector<w2l::Sample> samples = batch(size);
    doubled_.clear();
    for (w2l::Sample &sample : samples) {
      doubled_.push_back(doubled(sample.crop));
      sample.crop = {doubled_.back().data(), 2 * sample.crop.width, 2 * sample.crop.height};
    }
    return samples;
  }

  // Makes crops that no engine has seen before: a running number in the first pixels of each.
  void renew() {
    ++number_;
    for (std::size_t i = 0; i < count_; ++i)
      std::memcpy(&crops_[i * crop_size_], &number_, sizeof number_);
  }

 private:
  static std::vector<std::uint8_t> doubled(const w2l::Crop &crop) {
    constexpr std::ptrdiff_t kPixel = 3;
    const std::ptrdiff_t row = crop.width * kPixel;
    std::vector<std::uint8_t> larger;
    for (int y = 0; y < 2 * crop.height; ++y)
      for (int x = 0; x < 2 * crop.width; ++x) {
        const std::uint8_t *pixel = crop.pixels + y / 2 * row + x / 2 * kPixel;
        larger.insert(larger.end(), pixel, pixel + kPixel);
      }
    return larger;
  }

  const int edge_;
  std::size_t crop_size_, mel_size_, count_ = 0;
  std::vector<std::uint8_t> crops_;
  std::vector<std::vector<std::uint8_t>> doubled_;
  std::vector<float> mels_;
  std::uint64_t number_ = 0;
};

w2l::Region parse_region(const std::string &text) {
  if (text == "full") return w2l::Region::Full;
  if (text == "lower") return w2l::Region::Lower;
  throw std::invalid_argument("unknown region " + text);
}

class Worker {
 public:
  Worker(const w2l::EngineConfig &config, const std::string &inputs) {
    w2l::test::reset_memory_peak();
    const double before = w2l::test::memory_mib("VmRSS");
    const auto start = Clock::now();
    engine_ = w2l::open_engine(config);
    ready_["precision"] = w2l::to_string(engine_->info().precision);
    ready_["device"] = engine_->info().device;
    ready_["preferred_batch"] = engine_->info().preferred_batch;
    ready_["max_crop_edge"] = engine_->info().max_crop_edge;
    ready_["load_seconds"] = seconds_since(start);
    ready_["load_peak_mib"] = w2l::test::memory_mib("VmHWM") - before;
    ready_["loaded_mib"] = w2l::test::memory_mib("VmRSS") - before;
    inputs_ = std::make_unique<Inputs>(inputs, engine_->info());
  }

  const Json &ready() const { return ready_; }

  Json answer(const std::string &line) {
    std::istringstream words(line);
    std::string request, region;
    words >> request;
    if (request == "run" || request == "latency") {
      std::size_t batch = 0;
      double seconds = 0;
      std::string crops;
      if (!(words >> batch >> region >> seconds)) throw std::invalid_argument(line);
      words >> crops;
      const bool repeated = crops == "repeated";
      return request == "run" ? run(batch, parse_region(region), seconds, repeated)
                              : latency(batch, parse_region(region), seconds, repeated);
    }
    std::size_t count = 0;
    std::string file, crops;
    if (request != "answer" || !(words >> count >> region >> file))
      throw std::invalid_argument("unknown request: " + line);
    words >> crops;
    return write_answers(crops == "doubled" ? inputs_->doubled_batch(count) : inputs_->batch(count),
                         parse_region(region), file);
  }

 private:
  // Two batches in flight, as w2linfer keeps them. A first one, not timed, wakes threads and
  // caches.
  Json run(std::size_t batch, w2l::Region region, double seconds, bool repeated) {
    const auto submit = [&] {
      if (!repeated) inputs_->renew();
      return engine_->submit(inputs_->batch(batch), region, nullptr);
    };
    engine_->collect(submit());
    const double cpu_start = cpu_seconds();
    const auto start = Clock::now();
    std::size_t frames = 0;
    auto oldest = submit();
    while (seconds_since(start) < seconds) {
      const auto next = submit();
      engine_->collect(oldest);
      frames += batch;
      oldest = next;
    }
    engine_->collect(oldest);
    frames += batch;
    const double wall = seconds_since(start);
    return {{"frames", frames}, {"seconds", wall}, {"cpu_seconds", cpu_seconds() - cpu_start}};
  }

  // One batch at a time, from handing it in to its answers. The first ones are not counted.
  Json latency(std::size_t batch, w2l::Region region, double seconds, bool repeated) {
    std::vector<double> times;
    const auto start = Clock::now();
    for (int unused = kWarmUps; seconds_since(start) < seconds || times.empty();) {
      if (!repeated) inputs_->renew();
      const auto samples = inputs_->batch(batch);
      const auto begin = Clock::now();
      engine_->collect(engine_->submit(samples, region, nullptr));
      const double time = 1000 * seconds_since(begin);
      if (unused > 0)
        --unused;
      else
        times.push_back(time);
    }
    std::sort(times.begin(), times.end());
    return {{"count", times.size()},
            {"median_ms", times[times.size() / 2]},
            {"p95_ms", times[times.size() * 95 / 100]},
            {"most_ms", times.back()}};
  }

  Json write_answers(const std::vector<w2l::Sample> &batch, w2l::Region region,
                     const std::string &path) {
    const w2l::Answers answers = engine_->collect(engine_->submit(batch, region, nullptr));
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    for (const std::vector<std::uint8_t> &image : answers.images)
      file.write(reinterpret_cast<const char *>(image.data()),
                 static_cast<std::streamsize>(image.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
    return {{"first_row", answers.first_valid_row}, {"end_row", answers.end_valid_row}};
  }

  std::shared_ptr<w2l::Engine> engine_;
  std::unique_ptr<Inputs> inputs_;
  Json ready_;
};

w2l::Precision parse_precision(const std::string &text) {
  using w2l::Precision;
  for (Precision precision :
       {Precision::Auto, Precision::Fp32, Precision::Tf32, Precision::Bf16, Precision::Fp16})
    if (text == w2l::to_string(precision)) return precision;
  throw std::invalid_argument("unknown precision " + text);
}

void say(const Json &json) {
  std::cout << json.dump() << std::endl;
}

}  // namespace

int main(int argc, char **argv) {
  w2l::EngineConfig config;
  config.device = "cpu";
  if (argc > 3 && std::strcmp(argv[1], "--device") == 0) {
    config.device = argv[2];
    argv += 2;
    argc -= 2;
  }
  if (argc != 5 && argc != 6) {
    std::fprintf(stderr,
                 "usage: bench-network-worker [--device cpu|cuda|cuda:N] MODEL INPUTS PRECISION "
                 "THREADS [CACHE-MIB]\n");
    return 2;
  }
  try {
    config.model = argv[1];
    config.precision = parse_precision(argv[3]);
    config.threads = std::atoi(argv[4]);
    if (argc == 6) config.feature_cache_bytes = std::stoul(argv[5]) * w2l::kMiB;
    Worker worker(config, argv[2]);
    say(worker.ready());
    for (std::string line; std::getline(std::cin, line);) say(worker.answer(line));
  } catch (const std::exception &error) {
    say({{"error", error.what()}});
    return 1;
  }
  return 0;
}
