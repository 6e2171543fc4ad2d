// gst-wav2lip tests: the engine of libw2l-cpu.so on two made-up frames; or one instruction, to see
// that an emulator refuses what its CPU has not got. The tests of this folder start it, natively
// and in an emulated CPU.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine.h"
#include "sample_inputs.h"

namespace {

void execute(const std::string &set) {
  if (set == "sse2")
    asm volatile("pxor %%xmm0, %%xmm0" ::: "xmm0");
  else if (set == "avx2")
    asm volatile("vpxor %%ymm0, %%ymm0, %%ymm0" ::: "xmm0");
  else if (set == "avx512")
    asm volatile("vpxord %%zmm16, %%zmm16, %%zmm16" ::: "memory");
  else
    throw std::invalid_argument("unknown instruction set " + set);
}

w2l::Precision parse_precision(const std::string &text) {
  using w2l::Precision;
  for (Precision precision : {Precision::Auto, Precision::Fp32, Precision::Bf16})
    if (text == w2l::to_string(precision)) return precision;
  throw std::invalid_argument("unknown precision " + text);
}

std::vector<std::vector<std::uint8_t>> run(w2l::Engine &engine, w2l::Region region) {
  const auto inputs = w2l::test::sample_inputs(2);
  return engine.collect(engine.submit(w2l::test::samples_of(inputs), region, nullptr)).images;
}

// Prints the precision when it is about to run, and writes all whole pictures, one after the other.
void answer(const std::string &checkpoint, const std::string &precision, const std::string &out) {
  w2l::EngineConfig config;
  config.model = checkpoint;
  config.device = "cpu";
  config.precision = parse_precision(precision);
  config.threads = 1;
  const auto engine = w2l::open_engine(config);
  std::printf("%s\n", w2l::to_string(engine->info().precision));
  run(*engine, w2l::Region::Lower);
  const auto images = run(*engine, w2l::Region::Full);
  std::ofstream file(out, std::ios::binary | std::ios::trunc);
  for (const auto &image : images)
    file.write(reinterpret_cast<const char *>(image.data()),
               static_cast<std::streamsize>(image.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + out);
}

}  // namespace

int main(int argc, char **argv) {
  try {
    if (argc == 3 && std::strcmp(argv[1], "--execute") == 0) {
      execute(argv[2]);
    } else if (argc == 4) {
      answer(argv[1], argv[2], argv[3]);
    } else {
      std::fprintf(stderr, "usage: w2l-run-engine CHECKPOINT PRECISION OUT | --execute SET\n");
      return 2;
    }
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
