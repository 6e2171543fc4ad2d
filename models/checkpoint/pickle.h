// gst-wav2lip: a restricted unpickler. It builds numbers, strings, containers and descriptions of
// tensors, and nothing else: a pickle is a program, and anything in it that would call other code
// is an error that names it. Checkpoint calls it on bytes that nobody vouches for.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mapped_file.h"

namespace w2l::pickle {

// Of names of globals, keys of storages and names of tensors. A file may repeat one name a hundred
// thousand times for a few bytes each: comparing long ones would take minutes.
constexpr std::size_t kMaxName = 256;

enum class Dtype { Float32, Float16, BFloat16, Float64, Int64, Int32, Int16, Int8, UInt8, Bool };

std::size_t byte_size(Dtype dtype);
const char *to_string(Dtype dtype);

// What a persistent id says about a storage. Its bytes are found by the key.
struct Storage {
  Dtype dtype = Dtype::Float32;
  std::string_view key;
  std::int64_t count = 0;  // elements under that key
  // The part that this storage is, in elements: all of it, or (legacy files only) a view.
  std::int64_t view_offset = 0;
  std::int64_t view_count = 0;
};

// In elements of the storage. Checked against it: every element lies inside.
struct Tensor {
  std::uint32_t storage = 0;  // index into Object::storages
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

enum class Kind : std::uint8_t {
  None,
  Bool,
  Int,
  LongInt,  // longer than 64 bits: `text` holds its little-endian bytes
  Float,
  String,
  Tuple,
  List,
  Dict,
  Global,   // `index`: which of the allowed ones
  Storage,  // `index` into Object::storages
  Tensor,   // `index` into Object::tensors
};

using Ref = std::uint32_t;  // index into Object::values

struct Value {
  Kind kind = Kind::None;
  bool ordered = false;  // a Dict that was made as an OrderedDict
  std::uint32_t index = 0;
  std::int64_t integer = 0;  // of Int and Bool
  double real = 0;
  std::string_view text;   // into the file
  std::vector<Ref> items;  // of containers; a Dict's keys and values alternate
};

// Values refer to each other by index, may be shared and may form cycles: walk with care.
struct Object {
  std::vector<Value> values;
  std::vector<Storage> storages;
  std::vector<Tensor> tensors;
  Ref root = 0;
  std::size_t size = 0;  // bytes of the pickle, its final '.' included

  const Value &operator[](Ref ref) const { return values[ref]; }
  // The last value under a string key of a Dict; nullptr when it has none.
  const Value *find(const Value &dict, std::string_view key) const;
};

// Reads one pickle from the front of `bytes`. `path` is for messages. Throws Error(Format).
Object parse(ByteSpan bytes, const std::string &path);

}  // namespace w2l::pickle
