// gst-wav2lip: copies the elements of a strided tensor out of a file. See convert.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "convert.h"

#include <cmath>
#include <cstring>

namespace w2l {
namespace {

template <typename To, typename From>
To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

struct FromFloat32 {
  using Bits = std::uint32_t;
  static float convert(Bits bits) { return bit_cast<float>(bits); }
};

struct FromFloat16 {
  using Bits = std::uint16_t;
  static float convert(Bits bits) { return half_to_float(bits); }
};

struct FromBFloat16 {
  using Bits = std::uint16_t;
  static float convert(Bits bits) { return bit_cast<float>(std::uint32_t{bits} << 16); }
};

struct FromFloat64 {
  using Bits = std::uint64_t;
  static float convert(Bits bits) { return static_cast<float>(bit_cast<double>(bits)); }
};

struct FromInt64 {
  using Bits = std::uint64_t;
  static float convert(Bits bits) { return static_cast<float>(static_cast<std::int64_t>(bits)); }
};

// Nobody goes along a dimension of one element. Its stride means nothing: it may be one that
// overflows.
void drop_single_dimensions(std::vector<std::int64_t> &shape, std::vector<std::int64_t> &strides) {
  std::size_t rank = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1) continue;
    shape[rank] = shape[d];
    strides[rank++] = strides[d];
  }
  shape.resize(rank);
  strides.resize(rank);
}

// Makes one dimension of two as long as the last one follows itself without a gap.
void merge_last_dimensions(std::vector<std::int64_t> &shape, std::vector<std::int64_t> &strides) {
  for (std::size_t d = shape.size(); d-- > 1 && strides[d - 1] == strides[d] * shape[d];) {
    shape[d - 1] *= shape[d];
    strides[d - 1] = strides[d];
    shape.pop_back();
    strides.pop_back();
  }
}

template <typename Source>
void read_line(const std::uint8_t *in, std::int64_t count, std::int64_t step, float *out) {
  using Bits = typename Source::Bits;
  const auto stride = step * static_cast<std::int64_t>(sizeof(Bits));
  if (step == 1)  // a loop that compilers vectorise
    for (std::int64_t i = 0; i < count; ++i)
      out[i] = Source::convert(load_little<Bits>(in + i * std::int64_t{sizeof(Bits)}));
  else
    for (std::int64_t i = 0; i < count; ++i)
      out[i] = Source::convert(load_little<Bits>(in + i * stride));
}

// Odometer over the shape; the innermost dimension is a plain loop.
template <typename Source>
void gather_as(ByteSpan bytes, std::vector<std::int64_t> shape, std::vector<std::int64_t> strides,
               std::vector<float> &values) {
  using Bits = typename Source::Bits;
  if (values.empty()) return;  // nobody has checked the strides then
  drop_single_dimensions(shape, strides);
  merge_last_dimensions(shape, strides);
  const std::size_t rank = shape.size();
  const std::int64_t inner = rank ? shape[rank - 1] : 1, step = rank ? strides[rank - 1] : 1;
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t start = 0;
  for (std::size_t done = 0; done < values.size();) {
    const std::uint8_t *in = bytes.data + static_cast<std::size_t>(start) * sizeof(Bits);
    read_line<Source>(in, inner, step, &values[done]);
    done += static_cast<std::size_t>(inner);
    for (std::size_t d = rank > 1 ? rank - 1 : 0; d-- > 0;) {
      start += strides[d];
      if (++index[d] < shape[d]) break;
      start -= shape[d] * strides[d];
      index[d] = 0;
    }
  }
}

}  // namespace

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16;
  const std::uint32_t exponent = bits >> 10 & 0x1F, mantissa = bits & 0x3FF;
  if (exponent == 0) {  // zero and subnormals: multiples of 2^-24
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

bool gather(pickle::Dtype dtype, ByteSpan bytes, const std::vector<std::int64_t> &shape,
            const std::vector<std::int64_t> &strides, std::vector<float> &values) {
  switch (dtype) {
    case pickle::Dtype::Float32:
      gather_as<FromFloat32>(bytes, shape, strides, values);
      return true;
    case pickle::Dtype::Float16:
      gather_as<FromFloat16>(bytes, shape, strides, values);
      return true;
    case pickle::Dtype::BFloat16:
      gather_as<FromBFloat16>(bytes, shape, strides, values);
      return true;
    case pickle::Dtype::Float64:
      gather_as<FromFloat64>(bytes, shape, strides, values);
      return true;
    case pickle::Dtype::Int64:
      gather_as<FromInt64>(bytes, shape, strides, values);
      return true;
    default:
      return false;
  }
}

}  // namespace w2l
