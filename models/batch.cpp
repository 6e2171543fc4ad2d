// gst-wav2lip: an engine's own copy of the samples that it is given. See batch.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "batch.h"

#include <new>
#include <string>

namespace w2l {

Batch copy_batch(const EngineInfo &info, const std::vector<Sample> &samples, Region region) {
  if (samples.empty() || samples.size() > static_cast<std::size_t>(info.max_batch))
    throw Error(ErrorCode::Unsupported, "a batch of " + std::to_string(samples.size()) +
                                            " frames; use a batch-size of 1 to " +
                                            std::to_string(info.max_batch));
  const auto edge = static_cast<std::size_t>(info.crop_size);
  const std::size_t crop_size = edge * edge * 3;
  const std::size_t mel_size =
      static_cast<std::size_t>(info.mel_bands) * static_cast<std::size_t>(info.mel_columns);
  Batch batch;
  batch.count = static_cast<int>(samples.size());
  batch.first_row = region == Region::Lower ? info.crop_size / 2 : 0;
  batch.end_row = info.crop_size;
  batch.crops.reserve(crop_size * samples.size());
  batch.mels.reserve(mel_size * samples.size());
  for (const Sample &sample : samples) {
    batch.crops.insert(batch.crops.end(), sample.crop, sample.crop + crop_size);
    batch.mels.insert(batch.mels.end(), sample.mel, sample.mel + mel_size);
  }
  return batch;
}

std::exception_ptr as_engine_error(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error &) {
    return failure;
  } catch (const std::bad_alloc &) {
    return std::make_exception_ptr(
        Error(ErrorCode::OutOfMemory, "out of memory in the network; use a smaller batch-size"));
  } catch (const std::exception &error) {
    return std::make_exception_ptr(
        Error(ErrorCode::Failed, std::string("the network failed: ") + error.what()));
  } catch (...) {
    return std::make_exception_ptr(
        Error(ErrorCode::Failed, "the network failed for an unknown reason"));
  }
}

}  // namespace w2l
