// gst-wav2lip tests: how far the CPU's network is from its definition, for each precision and
// region. The table of models/README.md and the test of its bounds come from it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "demo_inputs.h"
#include "engine.h"

namespace w2l::test {

struct Accuracy {
  Precision precision;
  bool amx;  // by AMX, else by whatever other CPUs have
  Region region;
  double largest_error = 0;  // of a value in 0..1
  int largest_levels = 0;    // of a byte of the picture
  double psnr = 0;           // in dB, of the values in 0..1
};

// Of all precisions, over the rows of the picture that count. AMX is emulated where there is none.
std::vector<Accuracy> measure_accuracy(const std::string &checkpoint, const NetworkInputs &inputs);

}  // namespace w2l::test
