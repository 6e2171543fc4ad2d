// gst-wav2lip tests: a stand-in for NVIDIA's CUPTI, which has recorded three activities: a kernel,
// a copy and a memset.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cupti.h>

#include <cstdint>
#include <cstring>

namespace {

CUpti_BuffersCallbackRequestFunc give_buffer = nullptr;
CUpti_BuffersCallbackCompleteFunc take_buffer = nullptr;

// Where the next record goes.
template <class Record>
std::uint8_t *put(std::uint8_t *to, const Record &record) {
  std::memcpy(to, &record, sizeof record);
  return to + sizeof record;
}

std::size_t size_of(CUpti_ActivityKind kind) {
  switch (kind) {
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
      return sizeof(CUpti_ActivityKernel10);
    case CUPTI_ACTIVITY_KIND_MEMCPY:
      return sizeof(CUpti_ActivityMemcpy6);
    default:
      return sizeof(CUpti_ActivityMemset4);
  }
}

}  // namespace

extern "C" {

CUptiResult CUPTIAPI cuptiActivityRegisterCallbacks(CUpti_BuffersCallbackRequestFunc give,
                                                    CUpti_BuffersCallbackCompleteFunc take) {
  give_buffer = give;
  take_buffer = take;
  return CUPTI_SUCCESS;
}

CUptiResult CUPTIAPI cuptiActivityEnable(CUpti_ActivityKind) {
  return CUPTI_SUCCESS;
}

CUptiResult CUPTIAPI cuptiActivityFlushAll(uint32_t) {
  CUpti_ActivityKernel10 kernel{};
  kernel.kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL;
  kernel.start = 100;
  kernel.end = 250;
  // void w2l::(anonymous namespace)::write_all<(w2l::Number)3>(w2l::ConvArgs)
  kernel.name = "_ZN3w2l12_GLOBAL__N_19write_allILNS_6NumberE3EEEvNS_8ConvArgsE";
  CUpti_ActivityMemcpy6 copy{};
  copy.kind = CUPTI_ACTIVITY_KIND_MEMCPY;
  copy.start = 10;
  copy.end = 20;
  CUpti_ActivityMemset4 set{};
  set.kind = CUPTI_ACTIVITY_KIND_MEMSET;
  set.start = 30;
  set.end = 31;

  std::uint8_t *buffer = nullptr;
  std::size_t size = 0, max_records = 0;
  give_buffer(&buffer, &size, &max_records);
  const std::uint8_t *end = put(put(put(buffer, kernel), copy), set);
  take_buffer(nullptr, 0, buffer, size, static_cast<std::size_t>(end - buffer));
  return CUPTI_SUCCESS;
}

CUptiResult CUPTIAPI cuptiActivityGetNextRecord(uint8_t *buffer, size_t valid,
                                                CUpti_Activity **record) {
  std::uint8_t *next =
      *record ? reinterpret_cast<std::uint8_t *>(*record) + size_of((*record)->kind) : buffer;
  if (next >= buffer + valid) return CUPTI_ERROR_MAX_LIMIT_REACHED;
  *record = reinterpret_cast<CUpti_Activity *>(next);
  return CUPTI_SUCCESS;
}

}  // extern "C"
