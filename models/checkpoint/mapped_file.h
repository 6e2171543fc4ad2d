// gst-wav2lip: a checkpoint's bytes, mapped read-only, so that what is not read (an optimizer's
// moments are two thirds of a published file) never costs memory. Checkpoint owns one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "error.h"

namespace w2l {

// A part of the file, and every check of the bounds in one place.
struct ByteSpan {
  const std::uint8_t *data = nullptr;
  std::size_t size = 0;

  // False when the `count` bytes at `offset` do not lie inside.
  bool contains(std::uint64_t offset, std::uint64_t count) const {
    return offset <= size && count <= size - offset;
  }
};

// Little-endian numbers as files hold them, at any alignment.
template <typename T>
T load_little(const std::uint8_t *bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
  return static_cast<T>(value);
}

class MappedFile {
 public:
  // Throws Error(NotFound), Error(OpenRead) or, for an empty file, Error(Format).
  explicit MappedFile(const std::string &path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  ByteSpan bytes() const { return {data_, size_}; }

  // The range will be read soon, from front to back.
  void will_need(ByteSpan range) const;
  // The range was read: its pages no longer count as this process's memory.
  void release(ByteSpan range) const;

 private:
  void advise(ByteSpan range, int advice) const;

  const std::uint8_t *data_ = nullptr;
  std::size_t size_ = 0;
};

// Text from a file, made fit for one line of a message.
std::string printable(const std::string &text);

// Throws Error(code) with a message that starts with the quoted path.
[[noreturn]] void fail(ErrorCode code, const std::string &path, const std::string &what);

// Error(Format) for bytes that do not add up: "... is damaged: <what>; download it again".
[[noreturn]] void fail_damaged(const std::string &path, const std::string &what);

}  // namespace w2l
