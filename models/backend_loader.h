// gst-wav2lip: finds and opens the backend libraries (libw2l-cpu.so, libw2l-cuda.so) on demand.
// open_engine() calls it; nothing here knows CUDA.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "engine.h"

namespace w2l {

// A device string taken apart: "cuda:1" is {Cuda, 1}, "cuda" is {Cuda, 0}.
struct Device {
  enum class Kind { Auto, Cpu, Cuda };
  Kind kind = Kind::Auto;
  int index = 0;
};

// Throws Error(Unsupported) that lists the valid devices.
Device parse_device(const std::string &text);

// Folders where backends are looked for: those of $W2L_BACKEND_PATH (separated by colons) when it
// is set, and only those; else the one this build installs into.
std::vector<std::string> backend_folders();

// Opens lib<name>.so. Throws Error(NoLibrary) when it is not there, when a library that it needs
// is not there, or when it belongs to another version. A backend once opened stays open.
const Backend &load_backend(const std::string &name);

// Whether lib<name>.so lies in one of the folders.
bool backend_installed(const std::string &name);

}  // namespace w2l
