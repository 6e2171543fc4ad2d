// gst-wav2lip tests: what a GPU does in a program, without a profiler: an injection library for
// NVIDIA's driver that asks CUPTI for each kernel and copy, those in graphs too.
// A process started with CUDA_INJECTION64_PATH=<this>, W2L_CUPTI_LIBRARY=<libcupti.so.13> and
// W2L_GPU_ACTIVITIES=<file> writes a line for each, its fields divided by tabs: kernel or copy,
// start and end in ns, the name.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cupti.h>
#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>

namespace {

constexpr std::size_t kBufferBytes = 8 << 20;
constexpr std::size_t kRecordAlignment = 8;

// CUPTI's functions: it is opened, not linked, since it comes with PyTorch or with a CUDA toolkit.
struct Cupti {
  decltype(&cuptiActivityRegisterCallbacks) register_callbacks = nullptr;
  decltype(&cuptiActivityEnable) enable = nullptr;
  decltype(&cuptiActivityFlushAll) flush_all = nullptr;
  decltype(&cuptiActivityGetNextRecord) next_record = nullptr;

  bool open(const char *path) {
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (!library) return false;
    const auto find = [library](const char *name, auto *function) {
      *function = reinterpret_cast<std::decay_t<decltype(*function)>>(dlsym(library, name));
      return *function != nullptr;
    };
    return find("cuptiActivityRegisterCallbacks", &register_callbacks) &&
           find("cuptiActivityEnable", &enable) && find("cuptiActivityFlushAll", &flush_all) &&
           find("cuptiActivityGetNextRecord", &next_record);
  }
};

// The callbacks get no argument of ours. Never destroyed: they may run until the process ends.
struct Recorder {
  Cupti cupti;
  std::FILE *file = nullptr;
};
Recorder &recorder() {
  static Recorder &instance = *new Recorder;
  return instance;
}

void replace(std::string *text, const std::string &part, const std::string &by) {
  for (std::size_t at = text->find(part); at != std::string::npos; at = text->find(part, at))
    text->replace(at, part.size(), by);
}

// "_ZN3w2l8convolveILi1EEEvNS_8ConvArgsE" -> "convolve": the types in it are not its name.
std::string function_name(const char *mangled) {
  if (!mangled) return "unknown";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
  std::string name = demangled ? demangled.get() : mangled;
  replace(&name, "(anonymous namespace)::", "");
  name.erase(std::min(name.size(), name.find_first_of("<(")));
  const std::size_t before = name.find_last_of(" :");
  return before == std::string::npos ? name : name.substr(before + 1);
}

void write_line(const char *kind, std::uint64_t start, std::uint64_t end, const std::string &name) {
  std::fprintf(recorder().file, "%s\t%llu\t%llu\t%s\n", kind,
               static_cast<unsigned long long>(start), static_cast<unsigned long long>(end),
               name.c_str());
}

void write_record(const CUpti_Activity *record) {
  switch (record->kind) {
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL: {
      const auto *kernel = reinterpret_cast<const CUpti_ActivityKernel10 *>(record);
      write_line("kernel", kernel->start, kernel->end, function_name(kernel->name));
      break;
    }
    case CUPTI_ACTIVITY_KIND_MEMCPY: {
      const auto *copy = reinterpret_cast<const CUpti_ActivityMemcpy6 *>(record);
      write_line("copy", copy->start, copy->end, "memcpy");
      break;
    }
    case CUPTI_ACTIVITY_KIND_MEMSET: {
      const auto *set = reinterpret_cast<const CUpti_ActivityMemset4 *>(record);
      write_line("copy", set->start, set->end, "memset");
      break;
    }
    default:
      break;
  }
}

void CUPTIAPI give_buffer(std::uint8_t **buffer, std::size_t *size, std::size_t *max_records) {
  *buffer = static_cast<std::uint8_t *>(std::aligned_alloc(kRecordAlignment, kBufferBytes));
  *size = *buffer ? kBufferBytes : 0;
  *max_records = 0;
}

void CUPTIAPI take_buffer(CUcontext, std::uint32_t, std::uint8_t *buffer, std::size_t,
                          std::size_t valid) {
  CUpti_Activity *record = nullptr;
  while (recorder().cupti.next_record(buffer, valid, &record) == CUPTI_SUCCESS)
    write_record(record);
  std::free(buffer);
}

void finish() {
  recorder().cupti.flush_all(1);  // what is not complete yet as well
  std::fflush(recorder().file);
}

}  // namespace

// Called by the driver when it is initialized.
extern "C" __attribute__((visibility("default"))) int InitializeInjection() {
  const char *path = std::getenv("W2L_GPU_ACTIVITIES");
  Cupti &cupti = recorder().cupti;
  if (!path || !cupti.open(std::getenv("W2L_CUPTI_LIBRARY"))) return 0;
  recorder().file = std::fopen(path, "w");
  if (!recorder().file) return 0;
  bool ready = cupti.register_callbacks(give_buffer, take_buffer) == CUPTI_SUCCESS;
  for (CUpti_ActivityKind kind : {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY,
                                  CUPTI_ACTIVITY_KIND_MEMSET})
    ready = ready && cupti.enable(kind) == CUPTI_SUCCESS;
  if (ready) std::atexit(finish);
  return ready;
}
