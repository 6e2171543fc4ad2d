// gst-wav2lip tests: an NVTX injection library that stands in for a profiler. A process started
// with NVTX_INJECTION64_PATH=<this> appends the name of every range it opens, one a line, to the
// file that $W2L_NVTX_LOG names. Tests see with it what NVIDIA Nsight Systems would see, no GPU
// needed.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include <nvtx3/nvToolsExt.h>

namespace {

// One write per line on a file opened for appending, so that lines of threads never mix.
void log_line(const char *text) {
  static const int fd = [] {
    const char *path = std::getenv("W2L_NVTX_LOG");
    return path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
  }();
  if (fd < 0 || !text) return;
  const std::string line = std::string(text) + "\n";
  if (write(fd, line.data(), line.size()) < 0) return;
}

void log_attributes(const nvtxEventAttributes_t *event) {
  if (!event) return;
  // A registered string is the pointer that NvtxDomainRegisterStringA below returned.
  if (event->messageType == NVTX_MESSAGE_TYPE_ASCII)
    log_line(event->message.ascii);
  else if (event->messageType == NVTX_MESSAGE_TYPE_REGISTERED)
    log_line(reinterpret_cast<const char *>(event->message.registered));
}

int range_push(const char *message) {
  log_line(message);
  return 0;
}

int domain_range_push(nvtxDomainHandle_t, const nvtxEventAttributes_t *event) {
  log_attributes(event);
  return 0;
}

nvtxRangeId_t domain_range_start(nvtxDomainHandle_t, const nvtxEventAttributes_t *event) {
  log_attributes(event);
  return 0;
}

nvtxDomainHandle_t domain_create(const char *name) {
  return reinterpret_cast<nvtxDomainHandle_t>(const_cast<char *>(name));
}

nvtxStringHandle_t domain_register_string(nvtxDomainHandle_t, const char *text) {
  return reinterpret_cast<nvtxStringHandle_t>(const_cast<char *>(text));
}

template <typename Function>
void hook(NvtxFunctionTable table, unsigned int size, unsigned int id, Function *function) {
  if (table && id < size && table[id]) *table[id] = reinterpret_cast<NvtxFunctionPointer>(function);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int InitializeInjectionNvtx2(
    NvtxGetExportTableFunc_t get_export_table) {
  auto callbacks =
      static_cast<const NvtxExportTableCallbacks *>(get_export_table(NVTX_ETID_CALLBACKS));
  if (!callbacks) return 0;
  NvtxFunctionTable table = nullptr;
  unsigned int size = 0;
  if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size))
    hook(table, size, NVTX_CBID_CORE_RangePushA, range_push);
  if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &table, &size)) {
    hook(table, size, NVTX_CBID_CORE2_DomainRangePushEx, domain_range_push);
    hook(table, size, NVTX_CBID_CORE2_DomainRangeStartEx, domain_range_start);
    hook(table, size, NVTX_CBID_CORE2_DomainCreateA, domain_create);
    hook(table, size, NVTX_CBID_CORE2_DomainRegisterStringA, domain_register_string);
  }
  return 1;
}
