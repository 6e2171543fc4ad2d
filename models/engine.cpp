// gst-wav2lip: opens engines and shares them: one instance for each config. See engine.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <tuple>
#include <utility>

#include "backend_loader.h"

namespace w2l {
namespace {

// Tells a file from another one that was later put under the same name.
struct FileIdentity {
  std::string real_path;
  std::uint64_t device, inode, size;
  // Of the last change of any kind: the time of modification is one that programs put back.
  std::int64_t seconds, nanoseconds;
};

bool operator==(const FileIdentity &a, const FileIdentity &b) {
  return std::tie(a.real_path, a.device, a.inode, a.size, a.seconds, a.nanoseconds) ==
         std::tie(b.real_path, b.device, b.inode, b.size, b.seconds, b.nanoseconds);
}

// Throws Error(NotFound) or Error(OpenRead).
FileIdentity check_readable(const std::string &path) {
  const std::string quoted = "\"" + path + "\"";
  if (path.empty())
    throw Error(ErrorCode::NotFound, "no checkpoint given; set the path of wav2lip.pth");
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      throw Error(ErrorCode::NotFound, "checkpoint " + quoted + " does not exist; check the path");
    throw Error(ErrorCode::OpenRead, "cannot read checkpoint " + quoted + ": " +
                                         std::strerror(errno) + "; check the path");
  }
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorCode::OpenRead, quoted + " is " +
                                         (S_ISDIR(status.st_mode) ? "a folder" : "not a file") +
                                         "; give the path of a checkpoint such as wav2lip.pth");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    throw Error(ErrorCode::OpenRead, "cannot read checkpoint " + quoted + ": " +
                                         std::strerror(errno) + "; check its permissions");
  close(fd);
  char real[PATH_MAX];
  return {realpath(path.c_str(), real) ? real : path,
          static_cast<std::uint64_t>(status.st_dev),
          static_cast<std::uint64_t>(status.st_ino),
          static_cast<std::uint64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_ctim.tv_sec),
          static_cast<std::int64_t>(status.st_ctim.tv_nsec)};
}

struct Registry {
  struct Entry {
    EngineConfig config;
    FileIdentity file;
    std::weak_ptr<Engine> engine;
  };
  // Held while an engine opens, so that two users of one config never load it twice.
  std::mutex mutex;
  std::vector<Entry> entries;

  std::shared_ptr<Engine> find(const EngineConfig &config, const FileIdentity &file) {
    std::shared_ptr<Engine> found;
    auto keep = entries.begin();
    for (Entry &entry : entries) {
      std::shared_ptr<Engine> engine = entry.engine.lock();
      if (!engine) continue;
      if (entry.config == config && entry.file == file) found = std::move(engine);
      if (&*keep != &entry) *keep = std::move(entry);
      ++keep;
    }
    entries.erase(keep, entries.end());
    return found;
  }
};

Registry &registry() {
  static Registry instance;
  return instance;
}

std::shared_ptr<Engine> open_on_cpu(EngineConfig config) {
  config.device = "cpu";
  return load_backend("w2l-cpu").open(config);
}

std::string cuda_name(int index) {
  return "cuda:" + std::to_string(index);
}

std::shared_ptr<Engine> open_on_cuda(EngineConfig config, int index) {
  config.device = cuda_name(index);
  if (!backend_installed("w2l-cuda"))
    throw Error(ErrorCode::NoDevice, "device " + config.device +
                                         ": no CUDA backend (libw2l-cuda.so) is installed; use "
                                         "device=cpu");
  return load_backend("w2l-cuda").open(config);
}

// An engine that was not the first choice.
class SecondChoice final : public Engine {
 public:
  SecondChoice(std::shared_ptr<Engine> engine, std::string reason)
      : engine_(std::move(engine)), info_(engine_->info()) {
    info_.fallback = std::move(reason);
  }

  const EngineInfo &info() const override { return info_; }
  Ticket submit(const std::vector<Sample> &batch, Region region,
                std::function<void()> on_done) override {
    return engine_->submit(batch, region, std::move(on_done));
  }
  Answers collect(Ticket ticket) override { return engine_->collect(ticket); }
  void discard(Ticket ticket) override { engine_->discard(ticket); }

 private:
  const std::shared_ptr<Engine> engine_;
  EngineInfo info_;
};

// The GPU, or the CPU where that is not there or not of use. Memory that is short or a checkpoint
// that is damaged is for the user to know: nothing is hidden by a slower device.
std::shared_ptr<Engine> open_on_any(const EngineConfig &config) {
  if (!backend_installed("w2l-cuda")) return open_on_cpu(config);
  std::string reason;
  try {
    return open_on_cuda(config, 0);
  } catch (const Error &error) {
    switch (error.code()) {
      case ErrorCode::NoDevice:  // as most computers
        return open_on_cpu(config);
      case ErrorCode::UnusableDevice:
      case ErrorCode::NoLibrary:
        if (!backend_installed("w2l-cpu")) throw;
        reason = error.what();
        break;
      default:
        throw;
    }
  }
  try {
    return std::make_shared<SecondChoice>(open_on_cpu(config), reason);
  } catch (const Error &error) {
    throw Error(error.code(),
                std::string(error.what()) + " (the GPU is passed over: " + reason + ")");
  }
}

std::shared_ptr<Engine> open_on(const Device &device, const EngineConfig &config) {
  switch (device.kind) {
    case Device::Kind::Cpu:
      return open_on_cpu(config);
    case Device::Kind::Cuda:
      return open_on_cuda(config, device.index);
    case Device::Kind::Auto:
      break;
  }
  return open_on_any(config);
}

}  // namespace

const char *to_string(Precision precision) {
  switch (precision) {
    case Precision::Auto:
      return "auto";
    case Precision::Fp32:
      return "fp32";
    case Precision::Tf32:
      return "tf32";
    case Precision::Bf16:
      return "bf16";
    case Precision::Fp16:
      return "fp16";
  }
  return "unknown";
}

bool operator==(const EngineConfig &a, const EngineConfig &b) {
  return std::tie(a.model, a.device, a.precision, a.threads, a.feature_cache_bytes) ==
         std::tie(b.model, b.device, b.precision, b.threads, b.feature_cache_bytes);
}

std::shared_ptr<Engine> open_engine(const EngineConfig &config) {
  const Device device = parse_device(config.device);
  if (config.threads < 0)
    throw Error(ErrorCode::Unsupported,
                "threads " + std::to_string(config.threads) + " is negative; use 0 for all cores");
  EngineConfig key = config;
  const FileIdentity file = check_readable(config.model);
  key.model = file.real_path;  // two spellings of one file are one engine
  if (device.kind == Device::Kind::Cuda) key.device = cuda_name(device.index);  // or of one GPU
  Registry &shared = registry();
  std::lock_guard<std::mutex> lock(shared.mutex);
  if (std::shared_ptr<Engine> engine = shared.find(key, file)) return engine;
  std::shared_ptr<Engine> engine = open_on(device, config);
  shared.entries.push_back({key, file, engine});
  return engine;
}

}  // namespace w2l
