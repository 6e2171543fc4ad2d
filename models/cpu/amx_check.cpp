// gst-wav2lip: a convolution by AMX and its twin. See amx_check.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "amx_check.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include "amx_conv.h"
#include "error.h"

namespace w2l {
namespace {

// Two tiles of channels and a third one alone, and more than two of pixels, not full; several
// steps.
constexpr int kIn = 40, kOut = 40, kEdge = 6;
constexpr ConvGeometry kGeometry = {3, 1, 1, 1};

// Spread over -1 to 1 without any pattern that an error could repeat.
float number(std::size_t index) {
  return std::sin(static_cast<float>(index) * 12.9898f);
}

std::vector<float> numbers(std::size_t count, float scale) {
  std::vector<float> list(count);
  for (std::size_t i = 0; i < count; ++i) list[i] = scale * number(i);
  return list;
}

}  // namespace

void check_amx(const AmxKernels &kernels) {
  constexpr std::size_t kPixels = kEdge * kEdge;
  const std::vector<float> weight = numbers(kOut * kIn * 9, 0.1f), bias = numbers(kOut, 1);
  std::vector<Bf16> input(kPixels * kIn), expected(kPixels * kOut), actual = expected;
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = to_bf16(number(i));

  GeneralConv<Bf16> conv;
  conv.images = 1;
  conv.height = conv.width = conv.out_height = conv.out_width = kEdge;
  conv.input = {input.data(), 0, kEdge * kIn, kIn};
  conv.activation = Activation::None;
  conv.output = {expected.data(), 0, kEdge * kOut, kOut};
  direct_conv(kGeometry, conv, kIn, kOut, weight.data(), bias.data());
  conv.output.data = actual.data();
  const AmxConv<Bf16> amx(kGeometry, kIn, kOut, {kEdge, kEdge, kEdge}, weight.data(), bias.data(),
                          kernels);
  const auto workspace = hwy::AllocateAligned<float>(amx.workspace_size());
  if (!workspace) throw std::bad_alloc();
  amx.run(conv, 0, amx.blocks(conv), workspace.get());

  // Weights and results are rounded to 8 bits, and results are of the order of 1.
  constexpr float kMost = 0.05f;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(std::fabs(to_float(actual[i]) - to_float(expected[i])) <= kMost))
      throw Error(ErrorCode::UnusableDevice,
                  "this CPU's AMX computes wrong numbers; set W2L_MAX_ISA=avx512 to do without it, "
                  "and report the CPU and what virtual machine it is in");
}

}  // namespace w2l
