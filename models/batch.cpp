// gst-wav2lip: an engine's own copy of the samples that it is given. See batch.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "batch.h"

#include <new>
#include <string>
#include <system_error>

namespace w2l {
namespace {

std::string by(int width, int height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

void check_size(const EngineInfo &info, const Crop &crop) {
  const int least = info.max_crop_edge > 0 ? 1 : info.crop_size;
  const int most = info.max_crop_edge > 0 ? info.max_crop_edge : info.crop_size;
  const auto taken = [=](int edge) { return least <= edge && edge <= most; };
  if (taken(crop.width) && taken(crop.height)) return;
  const std::string up_to = least < most ? by(least, least) + " to " : "";
  throw Error(ErrorCode::Unsupported, "a crop of " + by(crop.width, crop.height) +
                                          " pixels; the engine takes " + up_to + by(most, most) +
                                          " (a bug in the caller)");
}

std::size_t bytes_of_crops(const std::vector<Sample> &samples) {
  std::size_t bytes = 0;
  for (const Sample &sample : samples) bytes += sample.crop.bytes();
  return bytes;
}

// Null where the failure is a lack of memory.
std::exception_ptr converted(const std::exception_ptr &failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error &) {
    return failure;
  } catch (const std::bad_alloc &) {
    return nullptr;
  } catch (const std::system_error &error) {  // which engines know of threads only
    return std::make_exception_ptr(Error(
        ErrorCode::Failed,
        std::string("no thread can be started (") + error.what() +
            "); raise the limit of processes (ulimit -u, or a container's) or use fewer threads"));
  } catch (const std::exception &error) {
    return std::make_exception_ptr(
        Error(ErrorCode::Failed, std::string("the network failed: ") + error.what()));
  } catch (...) {
    return std::make_exception_ptr(
        Error(ErrorCode::Failed, "the network failed for an unknown reason"));
  }
}

}  // namespace

Batch copy_batch(const EngineInfo &info, const std::vector<Sample> &samples, Region region) {
  if (samples.empty() || samples.size() > static_cast<std::size_t>(info.max_batch))
    throw Error(ErrorCode::Unsupported, "a batch of " + std::to_string(samples.size()) +
                                            " frames; use a batch-size of 1 to " +
                                            std::to_string(info.max_batch));
  for (const Sample &sample : samples) check_size(info, sample.crop);
  const std::size_t mel_size =
      static_cast<std::size_t>(info.mel_bands) * static_cast<std::size_t>(info.mel_columns);
  Batch batch;
  batch.count = static_cast<int>(samples.size());
  batch.first_row = region == Region::Lower ? info.crop_size / 2 : 0;
  batch.end_row = info.crop_size;
  batch.crops.reserve(bytes_of_crops(samples));
  batch.places.reserve(samples.size());
  batch.mels.reserve(mel_size * samples.size());
  for (const Sample &sample : samples) {
    const Crop &crop = sample.crop;
    batch.places.push_back({batch.crops.size(), crop.width, crop.height});
    batch.crops.insert(batch.crops.end(), crop.pixels, crop.pixels + crop.bytes());
    batch.mels.insert(batch.mels.end(), sample.mel, sample.mel + mel_size);
  }
  return batch;
}

const std::exception_ptr &out_of_memory_error() {
  static const std::exception_ptr error = std::make_exception_ptr(
      Error(ErrorCode::OutOfMemory, "out of memory in the network; use a smaller batch-size"));
  return error;
}

std::exception_ptr as_engine_error(const std::exception_ptr &failure) noexcept {
  try {
    if (std::exception_ptr error = converted(failure)) return error;
  } catch (...) {  // no memory for it
  }
  return out_of_memory_error();
}

}  // namespace w2l
