// gst-wav2lip: facts about the types and names in a checkpoint's pickle, and look-up in its values.
// See pickle.h and pickle_globals.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pickle_globals.h"

namespace w2l::pickle {

std::size_t byte_size(Dtype dtype) {
  switch (dtype) {
    case Dtype::Float64:
    case Dtype::Int64:
      return 8;
    case Dtype::Float32:
    case Dtype::Int32:
      return 4;
    case Dtype::Float16:
    case Dtype::BFloat16:
    case Dtype::Int16:
      return 2;
    case Dtype::Int8:
    case Dtype::UInt8:
    case Dtype::Bool:
      break;
  }
  return 1;
}

const char *to_string(Dtype dtype) {
  for (const Global &global : kGlobals)
    if (global.role == Role::DtypeName && global.dtype == dtype) return global.name;
  return "unknown";
}

const Value *Object::find(const Value &dict, std::string_view key) const {
  for (std::size_t i = dict.items.size() / 2; i-- > 0;) {
    const Value &name = values[dict.items[2 * i]];
    if (name.kind == Kind::String && name.text == key) return &values[dict.items[2 * i + 1]];
  }
  return nullptr;
}

std::uint32_t find_global(std::string_view module, std::string_view name) {
  std::uint32_t index = 0;
  for (const Global &global : kGlobals) {
    if (module == global.module && name == global.name) break;
    ++index;
  }
  return index;
}

}  // namespace w2l::pickle
