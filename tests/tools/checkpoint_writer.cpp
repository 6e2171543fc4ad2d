// gst-wav2lip tests: writes checkpoint files as torch.save does. See checkpoint_writer.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "checkpoint_writer.h"

#include <array>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace w2l::test {
namespace {

template <typename T>
std::string little(T value, int bytes = sizeof(T)) {
  std::string text;
  for (int i = 0; i < bytes; ++i)
    text.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
  return text;
}

std::uint16_t to_half(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const std::uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
  if (magnitude >= 0x47800000) return static_cast<std::uint16_t>(sign | 0x7C00);  // too large
  if (magnitude < 0x38800000) {  // subnormal: let the FPU round in steps of 2^-24
    float absolute;
    std::memcpy(&absolute, &magnitude, 4);
    const float shifted = absolute + 0.5f;  // ulp of 0.5..1 is 2^-24
    std::uint32_t rounded;
    std::memcpy(&rounded, &shifted, 4);
    return static_cast<std::uint16_t>(sign | (rounded - 0x3F000000));
  }
  const std::uint32_t odd = magnitude >> 13 & 1;
  return static_cast<std::uint16_t>(sign | ((magnitude + 0xFFF + odd - 0x38000000) >> 13));
}

std::uint16_t to_bfloat16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

class Crc32 {
 public:
  Crc32() {
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
      table_[i] = c;
    }
  }
  std::uint32_t operator()(const char *data, std::size_t size) const {
    std::uint32_t crc = 0xFFFFFFFFu;
    for (std::size_t i = 0; i < size; ++i)
      crc = table_[(crc ^ static_cast<unsigned char>(data[i])) & 0xFF] ^ crc >> 8;
    return ~crc;
  }

 private:
  std::array<std::uint32_t, 256> table_;
};

std::vector<std::uint8_t> bytes_of(const Storage &storage) {
  if (storage.data) return storage.data();
  return std::vector<std::uint8_t>(static_cast<std::size_t>(storage.count) *
                                   byte_size(storage.dtype));
}

// Files of 4 GiB and more would need zip64, which no test writes through this.
class ZipWriter {
 public:
  explicit ZipWriter(const std::string &path) : out_(path, std::ios::binary), path_(path) {}

  void add(const std::string &name, const char *data, std::size_t size, int method) {
    const std::uint32_t crc = crc_(data, size);
    const std::uint64_t start = out_.tellp();
    // torch pads the extra field so that the data starts at a multiple of 64.
    const std::size_t header = 30 + name.size() + 4;
    const std::size_t padding = (64 - (start + header) % 64) % 64;
    const std::string common = little<std::uint16_t>(0) + little<std::uint16_t>(method) +
                               little<std::uint32_t>(0) + little(crc) +
                               little<std::uint32_t>(size) + little<std::uint32_t>(size) +
                               little<std::uint16_t>(name.size());
    out_ << "PK\3\4" << little<std::uint16_t>(20) << common << little<std::uint16_t>(padding + 4)
         << name << "FB" << little<std::uint16_t>(padding) << std::string(padding, 'Z');
    out_.write(data, static_cast<std::streamsize>(size));
    directory_ += "PK\1\2" + little<std::uint16_t>(20) + little<std::uint16_t>(20) + common +
                  little<std::uint16_t>(0) + little<std::uint16_t>(0) + little<std::uint16_t>(0) +
                  little<std::uint16_t>(0) + little<std::uint32_t>(0) +
                  little<std::uint32_t>(start) + name;
    ++count_;
  }

  void finish() {
    const std::uint64_t start = out_.tellp();
    out_ << directory_ << "PK\5\6" << little<std::uint32_t>(0) << little<std::uint16_t>(count_)
         << little<std::uint16_t>(count_) << little<std::uint32_t>(directory_.size())
         << little<std::uint32_t>(start) << little<std::uint16_t>(0);
    out_.close();
    if (!out_) throw std::runtime_error("cannot write " + path_);
  }

 private:
  std::ofstream out_;
  std::string path_, directory_;
  int count_ = 0;
  Crc32 crc_;
};

}  // namespace

PickleWriter &PickleWriter::raw(const std::string &bytes) {
  bytes_ += bytes;
  return *this;
}

PickleWriter &PickleWriter::global(const std::string &module, const std::string &name) {
  return raw("c" + module + "\n" + name + "\n");
}

PickleWriter &PickleWriter::string(const std::string &text) {
  return raw("X" + little<std::uint32_t>(text.size()) + text);
}

PickleWriter &PickleWriter::integer(std::int64_t value) {
  if (value >= 0 && value < 256) return raw("K" + little<std::uint8_t>(value));
  if (value >= 0 && value < 65536) return raw("M" + little<std::uint16_t>(value));
  if (value >= INT32_MIN && value <= INT32_MAX) return raw("J" + little<std::int32_t>(value));
  return raw("\x8a\x08" + little(value));
}

PickleWriter &PickleWriter::real(double value) {
  std::uint64_t bits;
  std::memcpy(&bits, &value, 8);
  const std::string text = little(bits);
  return raw("G" + std::string(text.rbegin(), text.rend()));
}

PickleWriter &PickleWriter::tuple(const std::vector<std::int64_t> &values) {
  raw("(");
  for (std::int64_t value : values) integer(value);
  return raw("t");
}

int byte_size(Dtype dtype) {
  switch (dtype) {
    case Dtype::Float16:
    case Dtype::BFloat16:
      return 2;
    case Dtype::Float32:
      return 4;
    case Dtype::Float64:
    case Dtype::Int64:
      return 8;
  }
  return 0;
}

const char *storage_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::Float32:
      return "FloatStorage";
    case Dtype::Float16:
      return "HalfStorage";
    case Dtype::BFloat16:
      return "BFloat16Storage";
    case Dtype::Float64:
      return "DoubleStorage";
    case Dtype::Int64:
      return "LongStorage";
  }
  return "";
}

std::vector<std::uint8_t> encode(const std::vector<float> &values, Dtype dtype) {
  const std::size_t size = static_cast<std::size_t>(byte_size(dtype));
  std::vector<std::uint8_t> bytes(values.size() * size);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint8_t *out = bytes.data() + i * size;
    const double real = values[i];
    const std::int64_t whole = static_cast<std::int64_t>(real);
    const std::uint16_t half =
        dtype == Dtype::Float16 ? to_half(values[i]) : to_bfloat16(values[i]);
    switch (dtype) {
      case Dtype::Float32:
        std::memcpy(out, &values[i], 4);
        break;
      case Dtype::Float16:
      case Dtype::BFloat16:
        std::memcpy(out, &half, 2);
        break;
      case Dtype::Float64:
        std::memcpy(out, &real, 8);
        break;
      case Dtype::Int64:
        std::memcpy(out, &whole, 8);
        break;
    }
  }
  return bytes;
}

void append_tensor(CheckpointFile &file, bool legacy, const Storage &storage,
                   const std::vector<std::int64_t> &shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i];
  }
  PickleWriter &p = file.pickle;
  p.global("torch._utils", "_rebuild_tensor_v2").raw("((").string("storage");
  p.global("torch", storage_name(storage.dtype)).string(storage.key).string("cpu");
  p.integer(storage.count).raw(legacy ? "NtQ" : "tQ").integer(0);
  p.tuple(shape).tuple(strides).raw("\x89").global("collections", "OrderedDict").raw(")RtR");
  file.storages.push_back(storage);
}

void write_legacy(const std::string &path, const CheckpointFile &file) {
  std::ofstream out(path, std::ios::binary);
  // Magic number 0x1950a86a20f9469cfc6c, format version 1001, and what kind of machine wrote it.
  out << PickleWriter().raw("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.").bytes()
      << PickleWriter().integer(1001).raw(".").bytes();
  out << PickleWriter()
             .raw("}(")
             .string("protocol_version")
             .integer(1001)
             .string("little_endian")
             .raw("\x88")
             .string("type_sizes")
             .raw("}(")
             .string("short")
             .integer(2)
             .string("int")
             .integer(4)
             .string("long")
             .integer(4)
             .raw("uu.")
             .bytes();
  out << file.pickle.bytes();
  PickleWriter keys;
  keys.raw("](");
  for (const Storage &storage : file.storages) keys.string(storage.key);
  out << keys.raw("e.").bytes();
  for (const Storage &storage : file.storages) {
    out << little(storage.count);
    const std::int64_t size = storage.count * byte_size(storage.dtype);
    if (storage.data) {
      const std::vector<std::uint8_t> bytes = storage.data();
      out.write(reinterpret_cast<const char *>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
    } else if (size > 0) {
      out.seekp(size - 1, std::ios::cur);
      out.put(0);
    }
  }
  out.close();
  if (!out) throw std::runtime_error("cannot write " + path);
}

void write_zip(const std::string &path, const CheckpointFile &file, const std::string &byteorder) {
  ZipWriter zip(path);
  const std::string &pickle = file.pickle.bytes();
  zip.add("archive/data.pkl", pickle.data(), pickle.size(), 0);
  zip.add("archive/byteorder", byteorder.data(), byteorder.size(), 0);
  for (const Storage &storage : file.storages) {
    const std::vector<std::uint8_t> bytes = bytes_of(storage);
    zip.add("archive/data/" + storage.key, reinterpret_cast<const char *>(bytes.data()),
            bytes.size(), 0);
  }
  zip.add("archive/version", "3\n", 2, 0);
  zip.finish();
}

void write_zip_entries(const std::string &path, const std::vector<ZipEntry> &entries) {
  ZipWriter zip(path);
  for (const ZipEntry &entry : entries)
    zip.add(entry.name, entry.bytes.data(), entry.bytes.size(), entry.method);
  zip.finish();
}

}  // namespace w2l::test
