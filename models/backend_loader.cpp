// gst-wav2lip: finds and opens the backend libraries. See backend_loader.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backend_loader.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace w2l {
namespace {

std::string how_to_get(const std::string &name) {
  return name == "w2l-cpu" ? "build or install gst-wav2lip again"
                           : "install gst-wav2lip again, or use device=cpu";
}

std::string file_name(const std::string &name) {
  return "lib" + name + ".so";
}

std::string find_backend(const std::string &name) {
  for (const std::string &folder : backend_folders()) {
    std::string path = folder + "/" + file_name(name);
    if (access(path.c_str(), F_OK) == 0) return path;
  }
  return {};
}

std::string joined(const std::vector<std::string> &parts) {
  std::string text;
  for (const std::string &part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

}  // namespace

Device parse_device(const std::string &text) {
  if (text == "auto") return {Device::Kind::Auto, 0};
  if (text == "cpu") return {Device::Kind::Cpu, 0};
  if (text == "cuda") return {Device::Kind::Cuda, 0};
  const std::string prefix = "cuda:";
  if (text.compare(0, prefix.size(), prefix) == 0) {
    const std::string digits = text.substr(prefix.size());
    // Three digits are more GPUs than any machine has and never overflow.
    if (!digits.empty() && digits.size() <= 3 &&
        digits.find_first_not_of("0123456789") == std::string::npos)
      return {Device::Kind::Cuda, std::atoi(digits.c_str())};
  }
  throw Error(ErrorCode::Unsupported,
              "device \"" + text + "\" is unknown; use auto, cpu, cuda or cuda:N");
}

std::vector<std::string> backend_folders() {
  const char *path = std::getenv("W2L_BACKEND_PATH");
  if (!path) return {W2L_BACKENDS_DIR};
  std::vector<std::string> folders;
  std::istringstream list(path);
  for (std::string folder; std::getline(list, folder, ':');)
    if (!folder.empty()) folders.push_back(folder);
  return folders;
}

bool backend_installed(const std::string &name) {
  return !find_backend(name).empty();
}

const Backend &load_backend(const std::string &name) {
  const std::string path = find_backend(name);
  if (path.empty())
    throw Error(ErrorCode::NoLibrary,
                "backend " + file_name(name) + " is not installed (looked in " +
                    joined(backend_folders()) + "); " + how_to_get(name));
  // LOCAL keeps its symbols away from those of other plugins in the process. The handle is never
  // closed: threads of OpenMP's pool do not survive an unload.
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *cause = dlerror();
    throw Error(ErrorCode::NoLibrary, "cannot open backend " + path + ": " +
                                          (cause ? cause : "unknown cause") + "; " +
                                          how_to_get(name));
  }
  using Entry = const Backend *(*)();
  auto entry = reinterpret_cast<Entry>(dlsym(handle, "w2l_backend"));
  const Backend *backend = entry ? entry() : nullptr;
  if (!backend)
    throw Error(ErrorCode::NoLibrary,
                path + " is not a gst-wav2lip backend (no w2l_backend in it); install it again");
  if (backend->abi_version != Backend::kAbiVersion)
    throw Error(ErrorCode::NoLibrary,
                path + " has interface version " + std::to_string(backend->abi_version) + ", but " +
                    std::to_string(Backend::kAbiVersion) +
                    " is needed; install backend and plugins of the same gst-wav2lip");
  return *backend;
}

}  // namespace w2l
