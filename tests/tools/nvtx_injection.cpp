// gst-wav2lip tests: an NVTX injection library that stands in for a profiler, no GPU needed. Tests
// see with it what NVIDIA Nsight Systems would see, and the benchmark when it happened.
// A process started with NVTX_INJECTION64_PATH=<this> appends
// - to the file that $W2L_NVTX_LOG names the name of every range it opens, one a line;
// - to the file that $W2L_NVTX_RANGES names every range of a scope when it ends, one a line, its
//   fields divided by tabs: thread, its name, start and end in ns of CLOCK_MONOTONIC, ns for which
//   the thread was on a CPU meanwhile, the range's name.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <nvtx3/nvToolsExt.h>

namespace {

// One write per line on a file opened for appending, so that lines of threads never mix.
class LineFile {
 public:
  explicit LineFile(const char *variable) {
    const char *path = std::getenv(variable);
    if (path) fd_ = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }
  bool is_open() const { return fd_ >= 0; }
  void write_line(const std::string &text) const {
    const std::string line = text + "\n";
    if (write(fd_, line.data(), line.size()) < 0) return;
  }

 private:
  int fd_ = -1;
};

const LineFile &name_file() {
  static const LineFile file("W2L_NVTX_LOG");
  return file;
}

const LineFile &range_file() {
  static const LineFile file("W2L_NVTX_RANGES");
  return file;
}

std::int64_t nanoseconds(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

struct OpenRange {
  std::string name;
  std::int64_t start, cpu_start;
};
// Scopes of all domains end in the opposite order of their beginning.
thread_local std::vector<OpenRange> open_ranges;

std::string thread_name() {
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

void write_range(const OpenRange &range) {
  const std::int64_t end = nanoseconds(CLOCK_MONOTONIC);
  const std::int64_t cpu = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - range.cpu_start;
  range_file().write_line(std::to_string(syscall(SYS_gettid)) + "\t" + thread_name() + "\t" +
                          std::to_string(range.start) + "\t" + std::to_string(end) + "\t" +
                          std::to_string(cpu) + "\t" + range.name);
}

void log_name(const char *text) {
  if (name_file().is_open() && text) name_file().write_line(text);
}

// A registered string is the pointer that domain_register_string below returned.
const char *message_of(const nvtxEventAttributes_t *event) {
  if (event && event->messageType == NVTX_MESSAGE_TYPE_ASCII) return event->message.ascii;
  if (event && event->messageType == NVTX_MESSAGE_TYPE_REGISTERED)
    return reinterpret_cast<const char *>(event->message.registered);
  return nullptr;
}

int range_push(const char *message) {
  log_name(message);
  if (range_file().is_open())
    open_ranges.push_back({message ? message : "", nanoseconds(CLOCK_MONOTONIC),
                           nanoseconds(CLOCK_THREAD_CPUTIME_ID)});
  return 0;
}

int range_pop() {
  if (open_ranges.empty()) return 0;
  write_range(open_ranges.back());
  open_ranges.pop_back();
  return 0;
}

int domain_range_push(nvtxDomainHandle_t, const nvtxEventAttributes_t *event) {
  return range_push(message_of(event));
}

int domain_range_pop(nvtxDomainHandle_t) {
  return range_pop();
}

nvtxRangeId_t domain_range_start(nvtxDomainHandle_t, const nvtxEventAttributes_t *event) {
  log_name(message_of(event));
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
  if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size)) {
    hook(table, size, NVTX_CBID_CORE_RangePushA, range_push);
    hook(table, size, NVTX_CBID_CORE_RangePop, range_pop);
  }
  if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &table, &size)) {
    hook(table, size, NVTX_CBID_CORE2_DomainRangePushEx, domain_range_push);
    hook(table, size, NVTX_CBID_CORE2_DomainRangePop, domain_range_pop);
    hook(table, size, NVTX_CBID_CORE2_DomainRangeStartEx, domain_range_start);
    hook(table, size, NVTX_CBID_CORE2_DomainCreateA, domain_create);
    hook(table, size, NVTX_CBID_CORE2_DomainRegisterStringA, domain_register_string);
  }
  return 1;
}
