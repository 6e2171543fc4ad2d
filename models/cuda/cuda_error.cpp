// gst-wav2lip: what the CUDA runtime's error codes mean to a user. See cuda_error.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda_error.h"

namespace w2l {
namespace {

struct Meaning {
  int code;  // a cudaError_t
  ErrorCode error;
  const char *what;
  const char *fix;
};

constexpr char kNewDriver[] = "install a newer NVIDIA driver, or use device=cpu";
constexpr char kOtherDevice[] = "use another device, or device=cpu";
constexpr char kLost[] = "start again; if it comes again, use device=cpu";
constexpr char kBroken[] = "check the GPU with nvidia-smi, start again, or use device=cpu";

constexpr Meaning kMeanings[] = {
    {2, ErrorCode::OutOfMemory, "is out of memory",
     "close other programs that use it, use a smaller feature-cache-size, or use device=cpu"},
    {34, ErrorCode::NoDevice, "has no NVIDIA driver, but a stub of it",
     "take the folder with the stub of libcuda.so.1 from LD_LIBRARY_PATH, or use device=cpu"},
    {35, ErrorCode::UnusableDevice, "has too old an NVIDIA driver", kNewDriver},
    {36, ErrorCode::UnusableDevice, "has too old an NVIDIA driver", kNewDriver},
    {46, ErrorCode::Failed, "is used by another program alone",
     "close that program, or use device=cpu"},
    {98, ErrorCode::UnusableDevice, "is a GPU that this build has no code for", kOtherDevice},
    {100, ErrorCode::NoDevice, "is not there: this computer has no NVIDIA GPU, or hides it",
     "look at nvidia-smi and CUDA_VISIBLE_DEVICES, or use device=cpu"},
    {101, ErrorCode::NoDevice, "is not there", kOtherDevice},
    {200, ErrorCode::UnusableDevice, "is a GPU that this build has no code for", kOtherDevice},
    {209, ErrorCode::UnusableDevice, "is a GPU that this build has no code for", kOtherDevice},
    {214, ErrorCode::Failed, "has an error in its memory (ECC)", kBroken},
    {218, ErrorCode::UnusableDevice, "is a GPU that this build has no code for", kOtherDevice},
    {220, ErrorCode::Failed, "has an error of its NVLink", kBroken},
    {221, ErrorCode::UnusableDevice, "is a GPU that this build has no code for", kOtherDevice},
    {222, ErrorCode::UnusableDevice, "has too old an NVIDIA driver", kNewDriver},
    {223, ErrorCode::UnusableDevice, "is a GPU that this build has no code for", kOtherDevice},
    {700, ErrorCode::Failed, "stopped at an illegal address", kLost},
    {702, ErrorCode::Failed, "took too long and was stopped",
     "use a smaller batch-size, a GPU without a display, or device=cpu"},
    {715, ErrorCode::Failed, "stopped at an illegal instruction", kLost},
    {716, ErrorCode::Failed, "stopped at a misaligned address", kLost},
    {719, ErrorCode::Failed, "stopped", kLost},
    {802, ErrorCode::UnusableDevice, "is not ready",
     "start nvidia-fabricmanager, or use device=cpu"},
    {803, ErrorCode::UnusableDevice, "has an NVIDIA driver of two versions",
     "start the computer again, so that the installed one is used, or use device=cpu"},
    {804, ErrorCode::UnusableDevice, "has too old an NVIDIA driver", kNewDriver},
};

std::string dotted(int major, int minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

// The driver that runs programs of a CUDA version, as NVIDIA's table of compatibility has it.
int least_driver(int runtime) {
  const int major = runtime / 1000;
  return major >= 13 ? 580 : major == 12 ? 525 : 450;
}

// Several lines, or a full stop at the end, would not be one line of a message.
std::string one_line(std::string text) {
  text = text.substr(0, text.find('\n'));
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text;
}

Error error_of(const Meaning &meaning, const std::string &device) {
  return Error(meaning.error, device + " " + meaning.what + "; " + meaning.fix);
}

}  // namespace

Error cuda_error(int code, const std::string &text, const std::string &device) {
  for (const Meaning &meaning : kMeanings)
    if (meaning.code == code) return error_of(meaning, device);
  return Error(ErrorCode::Failed, device + " failed: " + one_line(text) + " (CUDA error " +
                                      std::to_string(code) + "); " + kBroken);
}

Error old_driver_error(int version, int runtime, const std::string &device) {
  const std::string needed = "driver " + std::to_string(least_driver(runtime)) + " or later";
  if (version == 0)
    return Error(ErrorCode::NoDevice, device +
                                          " has no NVIDIA driver (libcuda.so.1 is missing); "
                                          "install " +
                                          needed + ", or use device=cpu");
  return Error(ErrorCode::UnusableDevice, device + " has an NVIDIA driver for CUDA " +
                                              dotted(version / 1000, version % 1000 / 10) +
                                              ", which is too old; install " + needed +
                                              ", or use device=cpu");
}

Error no_such_device_error(int count, const std::string &device) {
  if (count == 0) return cuda_error(100, "", device);
  const std::string all = count == 1 ? "the only GPU is cuda:0"
                                     : "the GPUs are cuda:0 to cuda:" + std::to_string(count - 1);
  return Error(ErrorCode::NoDevice,
               device + " is not there: " + all + "; use one that is, or device=cpu");
}

Error old_device_error(int capability, const std::string &name, const std::string &device) {
  return Error(ErrorCode::UnusableDevice, device + " (" + name + ") has compute capability " +
                                              dotted(capability / 10, capability % 10) + ", but " +
                                              dotted(kLeastCapability / 10, kLeastCapability % 10) +
                                              " is needed; " + kOtherDevice);
}

}  // namespace w2l
