// gst-wav2lip tests: writes checkpoint files as torch.save does, old (legacy) and new (zip), and
// the malformed relatives of them that the reader must refuse. No Torch needed.
// The checkpoint maker and the reader's tests call it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace w2l::test {

// Emits protocol-2 pickle opcodes one after the other.
class PickleWriter {
 public:
  PickleWriter &raw(const std::string &bytes);
  PickleWriter &global(const std::string &module, const std::string &name);
  PickleWriter &string(const std::string &text);
  PickleWriter &integer(std::int64_t value);
  PickleWriter &real(double value);
  PickleWriter &tuple(const std::vector<std::int64_t> &values);
  const std::string &bytes() const { return bytes_; }

 private:
  std::string bytes_ = "\x80\x02";
};

enum class Dtype { Float32, Float16, BFloat16, Float64, Int64 };
int byte_size(Dtype dtype);
const char *storage_name(Dtype dtype);  // "FloatStorage"

// Rounds to nearest even; Int64 truncates.
std::vector<std::uint8_t> encode(const std::vector<float> &values, Dtype dtype);

struct Storage {
  std::string key;
  Dtype dtype;
  std::int64_t count;                               // of elements
  std::function<std::vector<std::uint8_t>()> data;  // empty function: zeros (a hole in the file)
};

// A whole file: an object whose pickle refers to storages by key.
struct CheckpointFile {
  PickleWriter pickle;  // complete, with the final '.'
  std::vector<Storage> storages;
};

// Appends the opcodes of a contiguous tensor over one storage of its own, and that storage.
// Legacy files have one more entry in the storage's id than zip files.
void append_tensor(CheckpointFile &file, bool legacy, const Storage &storage,
                   const std::vector<std::int64_t> &shape);

struct ZipEntry {
  std::string name;
  std::string bytes;
  int method = 0;  // 0 = stored; others are only claimed
};

// Each throws std::runtime_error when the file cannot be written.
void write_legacy(const std::string &path, const CheckpointFile &file);
void write_zip(const std::string &path, const CheckpointFile &file,
               const std::string &byteorder = "little");
void write_zip_entries(const std::string &path, const std::vector<ZipEntry> &entries);

}  // namespace w2l::test
