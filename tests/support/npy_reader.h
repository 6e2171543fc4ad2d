// gst-wav2lip: reads the .npy and .npz files of the reference recordings, for tests only.
// Little-endian machines; C order; link zlib where .npz is read.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace w2l::test {

struct NpyArray {
  std::vector<std::int64_t> shape;
  std::string type;  // "<f4", "<i8", ...
  std::string bytes;

  std::size_t size() const {
    std::size_t count = 1;
    for (std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    return count;
  }

  // The elements; throws when they are not of type T. The letter is numpy's kind: f, i or u.
  template <typename T>
  std::vector<T> values(char kind) const {
    if (type != std::string("<") + kind + std::to_string(sizeof(T)) &&
        type != std::string("|") + kind + std::to_string(sizeof(T)))
      throw std::runtime_error("npy: array holds " + type + ", another type was asked for");
    std::vector<T> result(size());
    if (bytes.size() != result.size() * sizeof(T))
      throw std::runtime_error("npy: data has the wrong length");
    std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
  std::vector<float> floats() const { return values<float>('f'); }
};

inline std::string read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Unsigned little-endian number of `width` bytes at `offset`.
inline std::uint64_t little_endian(const std::string &data, std::size_t offset, int width) {
  if (offset + width > data.size()) throw std::runtime_error("npy: file is truncated");
  std::uint64_t value = 0;
  for (int i = width - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(data[offset + i]);
  return value;
}

// What follows `'key':` in the header, which is the text of a Python dict.
inline std::string npy_header_value(const std::string &header, const std::string &key) {
  const std::size_t at = header.find("'" + key + "':");
  if (at == std::string::npos) throw std::runtime_error("npy: header lacks " + key);
  return header.substr(header.find_first_not_of(' ', at + key.size() + 3));
}

inline NpyArray parse_npy(const std::string &data) {
  if (data.compare(0, 6, "\x93NUMPY") != 0) throw std::runtime_error("npy: wrong magic");
  const int length_width = little_endian(data, 6, 1) == 1 ? 2 : 4;
  const std::size_t begin = 8 + length_width;
  const std::size_t length = little_endian(data, 8, length_width);
  if (begin + length > data.size()) throw std::runtime_error("npy: file is truncated");
  const std::string header = data.substr(begin, length);

  NpyArray array;
  const std::string type = npy_header_value(header, "descr");
  array.type = type.substr(1, type.find('\'', 1) - 1);
  if (npy_header_value(header, "fortran_order").compare(0, 5, "False") != 0)
    throw std::runtime_error("npy: Fortran order is not supported");
  const std::string shape = npy_header_value(header, "shape");
  for (const char *p = shape.c_str() + 1; *p && *p != ')';) {
    char *end = nullptr;
    const long long extent = std::strtoll(p, &end, 10);
    if (end == p) break;
    array.shape.push_back(extent);
    p = end + std::strspn(end, ", ");
  }
  array.bytes = data.substr(begin + length);
  return array;
}

inline NpyArray load_npy(const std::string &path) {
  return parse_npy(read_file(path));
}

inline std::string inflate_raw(const char *input, std::size_t input_size, std::size_t size) {
  std::string output(size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::runtime_error("npz: no zlib");
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(input));
  stream.avail_in = static_cast<uInt>(input_size);
  stream.next_out = reinterpret_cast<Bytef *>(&output[0]);
  stream.avail_out = static_cast<uInt>(size);
  const int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (status != Z_STREAM_END || stream.avail_out != 0) throw std::runtime_error("npz: bad deflate");
  return output;
}

// All arrays of an archive by name, without the ".npy". Goes by the central directory, since local
// headers may lack the sizes; zip64 archives are not supported.
inline std::map<std::string, NpyArray> load_npz(const std::string &path) {
  const std::string data = read_file(path);
  const std::size_t end = data.rfind("PK\x05\x06");
  if (end == std::string::npos) throw std::runtime_error("npz: " + path + " is not a zip archive");

  std::map<std::string, NpyArray> arrays;
  std::size_t entry = little_endian(data, end + 16, 4);
  for (std::uint64_t left = little_endian(data, end + 10, 2); left > 0; --left) {
    const std::uint64_t method = little_endian(data, entry + 10, 2);
    const std::size_t packed = little_endian(data, entry + 20, 4);
    const std::size_t size = little_endian(data, entry + 24, 4);
    const std::size_t name_length = little_endian(data, entry + 28, 2);
    const std::size_t local = little_endian(data, entry + 42, 4);
    const std::string name = data.substr(entry + 46, name_length);
    const std::size_t begin =
        local + 30 + little_endian(data, local + 26, 2) + little_endian(data, local + 28, 2);
    if (begin + packed > data.size()) throw std::runtime_error("npz: file is truncated");
    if (method != 0 && method != 8) throw std::runtime_error("npz: unknown compression");
    arrays[name.substr(0, name.rfind(".npy"))] = parse_npy(
        method == 0 ? data.substr(begin, size) : inflate_raw(data.data() + begin, packed, size));
    entry +=
        46 + name_length + little_endian(data, entry + 30, 2) + little_endian(data, entry + 32, 2);
  }
  return arrays;
}

}  // namespace w2l::test
