// gst-wav2lip benchmark: frames per second of the network alone, per precision and batch size, and
// what loading a checkpoint of full size with optimizer state costs. Prints one JSON object.
// `meson test --benchmark` calls it; needs $W2L_BACKEND_PATH.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "engine.h"
#include "memory_use.h"
#include "sample_checkpoints.h"
#include "temporary_file.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Inputs {
  std::vector<std::uint8_t> crop = std::vector<std::uint8_t>(96 * 96 * 3);
  std::vector<float> mel = std::vector<float>(80 * 16);

  Inputs() {
    for (std::size_t i = 0; i < crop.size(); ++i)
      crop[i] = static_cast<std::uint8_t>(i * 7 + i / 96);
    for (std::size_t i = 0; i < mel.size(); ++i) mel[i] = static_cast<float>(i % 17) / 2 - 4;
  }
};

// Median of several runs, each of about half a second.
double frames_per_second(w2l::Engine &engine, std::size_t batch_size) {
  const Inputs inputs;
  const std::vector<w2l::Sample> batch(batch_size, {inputs.crop.data(), inputs.mel.data()});
  const auto once = [&] { engine.collect(engine.submit(batch, w2l::Region::Full, nullptr)); };
  for (int i = 0; i < 3; ++i) once();
  std::vector<double> rates;
  for (int run = 0; run < 5; ++run) {
    int batches = 0;
    const auto start = Clock::now();
    do {
      once();
      ++batches;
    } while (seconds_since(start) < 0.5);
    rates.push_back(batches * static_cast<double>(batch_size) / seconds_since(start));
  }
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() / 2];
}

// One precision's part of the JSON object.
void measure(const std::string &checkpoint, w2l::Precision precision, const char *separator) {
  w2l::EngineConfig config;
  config.model = checkpoint;
  config.device = "cpu";
  config.precision = precision;
  w2l::test::reset_memory_peak();
  const double before = w2l::test::memory_mib("VmRSS");
  const auto start = Clock::now();
  const std::shared_ptr<w2l::Engine> engine = w2l::open_engine(config);
  const double load = seconds_since(start);
  std::printf(
      "%s\n  \"%s\": {\"load_seconds\": %.2f, \"load_peak_mib\": %.0f, \"weights_mib\": %.0f",
      separator, w2l::to_string(precision), load, w2l::test::memory_mib("VmHWM") - before,
      w2l::test::memory_mib("VmRSS") - before);
  for (std::size_t batch : {1, 4, 8, 16})
    std::printf(", \"fps_batch_%zu\": %.1f", batch, frames_per_second(*engine, batch));
  std::printf(", \"peak_mib\": %.0f}", w2l::test::memory_mib("VmHWM") - before);
  std::fflush(stdout);
}

}  // namespace

int main() {
  try {
    const w2l::test::TemporaryFile file;
    w2l::test::SampleOptions options;
    options.legacy = true;  // as the published files are, 416 MB
    options.with_optimizer = true;
    options.prefix = "module.";
    w2l::test::write_sample(file.path(), options);
    std::printf("{\"benchmark\": \"network\", \"threads\": %u",
                std::thread::hardware_concurrency());
    measure(file.path(), w2l::Precision::Fp32, ",");
    measure(file.path(), w2l::Precision::Bf16, ",");
    std::printf("\n}\n");
  } catch (const std::exception &error) {
    std::fprintf(stderr, "bench_network: %s\n", error.what());
    return 1;
  }
  return 0;
}
