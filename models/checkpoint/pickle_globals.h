// gst-wav2lip: the only names that a checkpoint's pickle may refer to, and what each one means.
// The unpickler looks them up; a name that is not here is refused.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <iterator>
#include <string_view>

#include "pickle.h"

namespace w2l::pickle {

enum class Role {
  OrderedDict,
  RebuildTensor,
  RebuildParameter,
  Size,
  Device,
  StorageType,
  DtypeName,
};

struct Global {
  const char *module;
  const char *name;
  Role role;
  Dtype dtype;
};

inline constexpr Global kGlobals[] = {
    {"collections", "OrderedDict", Role::OrderedDict, {}},
    {"torch._utils", "_rebuild_tensor_v2", Role::RebuildTensor, {}},
    {"torch._utils", "_rebuild_tensor", Role::RebuildTensor, {}},
    {"torch._utils", "_rebuild_parameter", Role::RebuildParameter, {}},
    {"torch", "Size", Role::Size, {}},
    {"torch", "device", Role::Device, {}},
    {"torch", "FloatStorage", Role::StorageType, Dtype::Float32},
    {"torch", "HalfStorage", Role::StorageType, Dtype::Float16},
    {"torch", "BFloat16Storage", Role::StorageType, Dtype::BFloat16},
    {"torch", "DoubleStorage", Role::StorageType, Dtype::Float64},
    {"torch", "LongStorage", Role::StorageType, Dtype::Int64},
    {"torch", "IntStorage", Role::StorageType, Dtype::Int32},
    {"torch", "ShortStorage", Role::StorageType, Dtype::Int16},
    {"torch", "CharStorage", Role::StorageType, Dtype::Int8},
    {"torch", "ByteStorage", Role::StorageType, Dtype::UInt8},
    {"torch", "BoolStorage", Role::StorageType, Dtype::Bool},
    {"torch", "float32", Role::DtypeName, Dtype::Float32},
    {"torch", "float16", Role::DtypeName, Dtype::Float16},
    {"torch", "bfloat16", Role::DtypeName, Dtype::BFloat16},
    {"torch", "float64", Role::DtypeName, Dtype::Float64},
    {"torch", "int64", Role::DtypeName, Dtype::Int64},
    {"torch", "int32", Role::DtypeName, Dtype::Int32},
    {"torch", "int16", Role::DtypeName, Dtype::Int16},
    {"torch", "int8", Role::DtypeName, Dtype::Int8},
    {"torch", "uint8", Role::DtypeName, Dtype::UInt8},
    {"torch", "bool", Role::DtypeName, Dtype::Bool},
};

inline constexpr std::uint32_t kNoGlobal = static_cast<std::uint32_t>(std::size(kGlobals));

// Index into kGlobals, or kNoGlobal.
std::uint32_t find_global(std::string_view module, std::string_view name);

}  // namespace w2l::pickle
