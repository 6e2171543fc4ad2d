// gst-wav2lip tests: w2l-make-checkpoint, writes a checkpoint with formula weights.
// Tests, benchmarks and people without an official checkpoint call it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "sample_checkpoints.h"

namespace {

constexpr char kUsage[] =
    "usage: w2l-make-checkpoint --out FILE [--format zip|legacy] [--divide N]\n"
    "         [--dtype fp32|fp16|bf16|fp64] [--with-optimizer] [--bare] [--prefix module.]\n"
    "         [--kind wav2lip|s3fd|hostile|unknown|torchscript]\n";

struct Arguments {
  std::string out;
  w2l::test::SampleOptions sample;
};

w2l::test::Dtype parse_dtype(const std::string &text) {
  using w2l::test::Dtype;
  if (text == "fp32") return Dtype::Float32;
  if (text == "fp16") return Dtype::Float16;
  if (text == "bf16") return Dtype::BFloat16;
  if (text == "fp64") return Dtype::Float64;
  throw std::invalid_argument("unknown --dtype " + text);
}

bool parse_format(const std::string &text) {
  if (text != "zip" && text != "legacy") throw std::invalid_argument("unknown --format " + text);
  return text == "legacy";
}

Arguments parse(int argc, char **argv) {
  Arguments result;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--with-optimizer") {
      result.sample.with_optimizer = true;
      continue;
    }
    if (flag == "--bare") {
      result.sample.bare = true;
      continue;
    }
    if (i + 1 >= argc) throw std::invalid_argument("unknown flag, or no value for " + flag);
    const std::string value = argv[++i];
    if (flag == "--out")
      result.out = value;
    else if (flag == "--format")
      result.sample.legacy = parse_format(value);
    else if (flag == "--divide")
      result.sample.divide = std::atoi(value.c_str());
    else if (flag == "--dtype")
      result.sample.dtype = parse_dtype(value);
    else if (flag == "--prefix")
      result.sample.prefix = value;
    else if (flag == "--kind")
      result.sample.kind = value;
    else
      throw std::invalid_argument("unknown flag " + flag);
  }
  if (result.out.empty()) throw std::invalid_argument("--out FILE is missing");
  return result;
}

}  // namespace

int main(int argc, char **argv) {
  try {
    const Arguments arguments = parse(argc, argv);
    w2l::test::write_sample(arguments.out, arguments.sample);
  } catch (const std::invalid_argument &error) {
    std::fprintf(stderr, "w2l-make-checkpoint: %s\n%s", error.what(), kUsage);
    return 2;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "w2l-make-checkpoint: %s\n", error.what());
    return 1;
  }
  return 0;
}
