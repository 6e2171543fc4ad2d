// gst-wav2lip: the one interface between the elements and a network on some device.
// w2linfer calls open_engine(); the backends (libw2l-cpu.so, ...) implement Engine and are
// loaded on demand, so that nothing of a device's is needed to include or link this.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "error.h"

namespace w2l {

enum class Precision { Auto, Fp32, Tf32, Bf16, Fp16 };
enum class Region {
  Lower,  // only the lower half of the answer is needed
  Full,
};

// "auto", "fp32", ... as users write them.
const char *to_string(Precision precision);

constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::size_t kFeatureCacheMiB = 256;  // unless asked for otherwise

struct EngineConfig {
  std::string model;            // path of the checkpoint
  std::string device = "auto";  // auto, cpu, cuda, cuda:N
  Precision precision = Precision::Auto;
  int threads = 0;  // of the CPU backend; 0 = one for each CPU it may use
  // Bound of what is kept of what was computed of crops alone, in case they come again: in the
  // device's memory. README.md says how far the default goes.
  std::size_t feature_cache_bytes = kFeatureCacheMiB * kMiB;
};

bool operator==(const EngineConfig &a, const EngineConfig &b);

struct EngineInfo {
  std::string family;  // "wav2lip-96"
  int crop_size = 96;  // edge of answers, and of crops as the network sees them, in pixels
  // Crops may have any width and height from 1 to this many pixels: the engine resizes them to
  // crop_size x crop_size, to the same bytes as OpenCV's cv::resize with INTER_LINEAR. 0 = crops
  // must be crop_size x crop_size.
  int max_crop_edge = 0;
  int mel_bands = 80;
  int mel_columns = 16;
  std::int64_t parameters = 0;
  std::string device;  // the one that was opened, never "auto"
  Precision precision = Precision::Fp32;
  int preferred_batch = 8;  // what batch-size=0 means
  int max_batch = 128;
  int slots = 2;  // batches that may be in flight at once
  // Why device=auto did not take the GPU although a backend for it is installed, in one line; empty
  // if it did, if there is no GPU, or if another device was asked for.
  std::string fallback;
};

// A picture of a face: height x width x 3, BGR, packed rows.
struct Crop {
  const std::uint8_t *pixels;
  int width, height;  // in pixels; what may be is in EngineInfo

  std::size_t bytes() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  }
};

// One frame's input. The engine copies both before submit() returns.
struct Sample {
  Crop crop;
  const float *mel;  // mel_bands x mel_columns, one band after the other, -4..4
};

// The computed answers of one batch.
struct Answers {
  // Each crop_size x crop_size x 3, BGR, packed rows: uint8(truncate(sigmoid * 255)).
  std::vector<std::vector<std::uint8_t>> images;
  int first_valid_row = 0;  // rows outside [first_valid_row, end_valid_row) have no meaning
  int end_valid_row = 0;
  int repeated_crops = 0;   // that had been there before, so that only speech was new
  double milliseconds = 0;  // the network alone
};

// Thread-safe. Answers come in the order of submission.
class Engine {
 public:
  using Ticket = std::uint64_t;

  virtual ~Engine() = default;
  virtual const EngineInfo &info() const = 0;

  // Starts a batch of 1..max_batch samples and returns at once. on_done runs on a thread of the
  // engine's when collect() would not block any more; it must not call the engine.
  // Throws Error(Unsupported) for a wrong batch size, or a crop of a size that is not taken.
  virtual Ticket submit(const std::vector<Sample> &batch, Region region,
                        std::function<void()> on_done) = 0;

  // Waits for and takes the answers; throws Error when the batch failed. Once per ticket. The
  // on_done has run and is destroyed when it returns.
  virtual Answers collect(Ticket ticket) = 0;

  // Gives up a ticket nobody will collect. Waits until its on_done has run or will never run.
  virtual void discard(Ticket ticket) = 0;
};

// Opens the backend that config.device asks for, or returns the engine that is already open with
// the same config (kept alive by its users only). Throws Error.
std::shared_ptr<Engine> open_engine(const EngineConfig &config);

// What a backend library exports as `extern "C" const w2l::Backend *w2l_backend(void)`.
struct Backend {
  static constexpr int kAbiVersion = 4;  // raised with every change of this header
  int abi_version;
  // Throws Error. The engine must be destroyed before the library is closed (it never is).
  std::shared_ptr<Engine> (*open)(const EngineConfig &config);
};

}  // namespace w2l
