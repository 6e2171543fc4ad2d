// gst-wav2lip tests: w2l-accuracy, prints the table of models/README.md. tests/accuracy/run starts
// it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "accuracy.h"
#include "instruction_limit.h"
#include "sample_checkpoints.h"
#include "temporary_file.h"

namespace {

constexpr int kFrames = 8;

void print(const char *name, const std::string &checkpoint,
           const w2l::test::NetworkInputs &inputs) {
  for (const w2l::test::Accuracy &row : w2l::test::measure_accuracy(checkpoint, inputs))
    std::printf("| %s | %s%s | %s | %.1e | %d | %.1f |\n", name, w2l::to_string(row.precision),
                row.amx ? ", AMX" : "", row.region == w2l::Region::Lower ? "lower" : "full",
                row.largest_error, row.largest_levels, row.psnr);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: w2l-accuracy FOLDER (with the demo's files)\n");
    return 2;
  }
  try {
    w2l::limit_instructions(std::getenv("W2L_MAX_ISA"));
    const std::string folder = argv[1];
    const w2l::test::NetworkInputs inputs = w2l::test::demo_inputs(folder, kFrames);
    const w2l::test::TemporaryFile formula;
    w2l::test::write_sample(formula.path(), {});
    std::printf("| weights | precision | region | largest error | in levels | PSNR, dB |\n");
    std::printf("|---|---|---|---|---|---|\n");
    print("formula", formula.path(), inputs);
    print("demo", folder + "/wav2lip-demo.pth", inputs);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "w2l-accuracy: %s\n", error.what());
    return 1;
  }
  return 0;
}
