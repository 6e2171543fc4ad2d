// gst-wav2lip benchmark: frames per second of the network alone, per precision and batch size, and
// what loading a checkpoint of full size with optimizer state costs. Prints one JSON object.
// `meson test --benchmark` calls it; needs $W2L_BACKEND_PATH.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
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

struct Speed {
  double frames_per_second;  // median of several runs of half a second
  // What a frame costs in time of one core: it hardly depends on what else the machine does.
  double cpu_milliseconds;
};

// Of all threads of this process.
double cpu_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Speed measure_speed(w2l::Engine &engine, std::size_t batch_size) {
  const Inputs inputs;
  const std::vector<w2l::Sample> batch(batch_size, {inputs.crop.data(), inputs.mel.data()});
  // Two in flight, as w2linfer keeps them.
  const auto once = [&] {
    const auto first = engine.submit(batch, w2l::Region::Full, nullptr);
    const auto second = engine.submit(batch, w2l::Region::Full, nullptr);
    engine.collect(first);
    engine.collect(second);
  };
  for (int i = 0; i < 3; ++i) once();
  std::vector<double> rates;
  double frames = 0;
  const double cpu_start = cpu_seconds();
  for (int run = 0; run < 5; ++run) {
    const double before = frames;
    const auto start = Clock::now();
    do {
      once();
      frames += 2 * static_cast<double>(batch_size);
    } while (seconds_since(start) < 0.5);
    rates.push_back((frames - before) / seconds_since(start));
  }
  std::sort(rates.begin(), rates.end());
  return {rates[rates.size() / 2], 1000 * (cpu_seconds() - cpu_start) / frames};
}

// One precision's part of the JSON object.
void measure(const std::string &checkpoint, w2l::Precision precision) {
  w2l::EngineConfig config;
  config.model = checkpoint;
  config.device = "cpu";
  config.precision = precision;
  w2l::test::reset_memory_peak();
  const double before = w2l::test::memory_mib("VmRSS");
  const auto start = Clock::now();
  const std::shared_ptr<w2l::Engine> engine = w2l::open_engine(config);
  const double load = seconds_since(start);
  const double peak = w2l::test::memory_mib("VmHWM") - before;
  const double loaded = w2l::test::memory_mib("VmRSS") - before;
  std::printf("{\"load_seconds\": %.2f, \"load_peak_mib\": %.0f, \"loaded_mib\": %.0f", load, peak,
              loaded);
  for (std::size_t batch : {1, 4, 8, 16}) {
    const Speed speed = measure_speed(*engine, batch);
    std::printf(",\n    \"batch_%zu\": {\"fps\": %.1f, \"cpu_ms_per_frame\": %.1f}", batch,
                speed.frames_per_second, speed.cpu_milliseconds);
  }
  std::printf(",\n    \"running_peak_mib\": %.0f}", w2l::test::memory_mib("VmHWM") - before);
}

// In a process of its own, so that its memory is its own.
void measure_apart(const std::string &checkpoint, w2l::Precision precision) {
  std::printf(",\n  \"%s\": ", w2l::to_string(precision));
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a benchmark that is stopped leaves nothing running
    try {
      measure(checkpoint, precision);
    } catch (const w2l::Error &error) {
      std::fprintf(stderr, "bench_network: %s\n", error.what());
      if (error.code() != w2l::ErrorCode::Unsupported) _exit(1);
      std::printf("null");  // this CPU has not got the precision
    }
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
    throw std::runtime_error("a measuring process failed");
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
    for (w2l::Precision precision : {w2l::Precision::Fp32, w2l::Precision::Bf16})
      measure_apart(file.path(), precision);
    std::printf("\n}\n");
  } catch (const std::exception &error) {
    std::fprintf(stderr, "bench_network: %s\n", error.what());
    return 1;
  }
  return 0;
}
