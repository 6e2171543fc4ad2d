// gst-wav2lip: owners of what a Driver gives out. They must not outlive it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>

#include "driver.h"

namespace w2l {

struct DeviceMemoryRelease {
  Driver *driver;
  void operator()(std::byte *memory) const noexcept { driver->release(memory); }
};
struct HostMemoryRelease {
  Driver *driver;
  void operator()(std::byte *memory) const noexcept { driver->release_host(memory); }
};
struct HandleDestroy {
  Driver *driver;
  template <typename Handle>
  void operator()(Handle *handle) const noexcept {
    driver->destroy(handle);
  }
};

using DeviceMemory = std::unique_ptr<std::byte[], DeviceMemoryRelease>;
using HostMemory = std::unique_ptr<std::byte[], HostMemoryRelease>;
using StreamHandle = std::unique_ptr<Driver::Stream, HandleDestroy>;
using EventHandle = std::unique_ptr<Driver::Event, HandleDestroy>;
using GraphHandle = std::unique_ptr<Driver::Graph, HandleDestroy>;

// Null for no bytes.
inline DeviceMemory device_memory(Driver &driver, std::size_t bytes) {
  return {bytes ? static_cast<std::byte *>(driver.allocate(bytes)) : nullptr, {&driver}};
}
inline HostMemory host_memory(Driver &driver, std::size_t bytes) {
  return {static_cast<std::byte *>(driver.allocate_host(bytes)), {&driver}};
}
inline StreamHandle make_stream(Driver &driver) {
  return {driver.make_stream(), {&driver}};
}
inline EventHandle make_event(Driver &driver) {
  return {driver.make_event(), {&driver}};
}

}  // namespace w2l
