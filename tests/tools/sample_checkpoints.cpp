// gst-wav2lip tests: ready-made checkpoint files. See sample_checkpoints.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sample_checkpoints.h"

#include <cstdint>
#include <stdexcept>

#include "formula_weights.h"

namespace w2l::test {
namespace {

Storage formula_storage(const TensorSpec &spec, Dtype dtype, int key) {
  if (spec.kind == TensorKind::Counter) dtype = Dtype::Int64;
  return {std::to_string(key), dtype, element_count(spec),
          [spec, dtype] { return encode(formula_values(spec), dtype); }};
}

Storage zero_storage(std::int64_t count, int key) {
  return {std::to_string(key), Dtype::Float32, count, nullptr};
}

// An OrderedDict with the attribute _metadata, as nn.Module.state_dict() makes it.
void append_state_dict(CheckpointFile &file, const SampleOptions &options,
                       const std::vector<TensorSpec> &specs) {
  PickleWriter &p = file.pickle;
  p.global("collections", "OrderedDict").raw(")R(");
  for (const TensorSpec &spec : specs) {
    p.string(options.prefix + spec.name);
    const int key = static_cast<int>(file.storages.size());
    append_tensor(file, options.legacy, formula_storage(spec, options.dtype, key), spec.shape);
  }
  p.raw("u}").string("_metadata").global("collections", "OrderedDict").raw(")Rsb");
}

void append_optimizer(CheckpointFile &file, const SampleOptions &options,
                      const std::vector<TensorSpec> &specs) {
  PickleWriter &p = file.pickle;
  p.raw("}(").string("state").raw("}(");
  std::vector<std::int64_t> ids;
  for (const TensorSpec &spec : specs) {
    if (spec.kind == TensorKind::Counter || spec.kind == TensorKind::NormMean ||
        spec.kind == TensorKind::NormVar)
      continue;
    // Old versions of Adam number parameters by their address: more than 32 bits.
    const std::int64_t id = 140123456789000 + static_cast<std::int64_t>(ids.size()) * 72;
    ids.push_back(id);
    p.integer(id).raw("}(").string("step").integer(250000);
    for (const char *moment : {"exp_avg", "exp_avg_sq"}) {
      p.string(moment);
      const int key = static_cast<int>(file.storages.size());
      append_tensor(file, options.legacy, zero_storage(element_count(spec), key), spec.shape);
    }
    p.raw("u");
  }
  p.raw("u").string("param_groups").raw("](}(").string("lr").real(1e-4).string("betas");
  p.real(0.9).real(0.999).raw("\x86").string("amsgrad").raw("\x89").string("params").raw("](");
  for (std::int64_t id : ids) p.integer(id);
  p.raw("eueu");
}

CheckpointFile wav2lip(const SampleOptions &options) {
  const std::vector<TensorSpec> specs = wav2lip96_tensors(options.divide);
  CheckpointFile file;
  if (options.bare) {
    append_state_dict(file, options, specs);
    file.pickle.raw(".");
    return file;
  }
  PickleWriter &p = file.pickle;
  p.raw("}(").string("state_dict");
  append_state_dict(file, options, specs);
  p.string("optimizer");
  if (options.with_optimizer)
    append_optimizer(file, options, specs);
  else
    p.raw("N");
  p.string("global_step").integer(250000).string("global_epoch").integer(12).raw("u.");
  return file;
}

// Some of the tensors of the S3FD face detector, which users pass by mistake.
CheckpointFile s3fd(const SampleOptions &options) {
  const std::vector<TensorSpec> specs = {
      {"conv1_1.weight", {64, 3, 3, 3}, TensorKind::ConvWeight, 27, false},
      {"conv1_1.bias", {64}, TensorKind::ConvBias, 0, false},
      {"conv3_3_norm.weight", {256}, TensorKind::NormWeight, 0, false},
      {"conv3_3_norm_mbox_conf.weight", {4, 256, 3, 3}, TensorKind::ConvWeight, 2304, false},
      {"conv3_3_norm_mbox_conf.bias", {4}, TensorKind::ConvBias, 0, false},
  };
  CheckpointFile file;
  append_state_dict(file, options, specs);
  file.pickle.raw(".");
  return file;
}

CheckpointFile unknown(const SampleOptions &options) {
  CheckpointFile file;
  append_state_dict(file, options,
                    {{"classifier.weight", {10, 8}, TensorKind::ConvWeight, 8, false}});
  file.pickle.raw(".");
  return file;
}

// What would run a command in a reader that trusts the file.
CheckpointFile hostile() {
  CheckpointFile file;
  file.pickle.global("posix", "system").raw("(").string("echo owned").raw("tR.");
  return file;
}

}  // namespace

void write_sample(const std::string &path, const SampleOptions &options) {
  if (options.divide < 1 || 16 % options.divide != 0)
    throw std::invalid_argument("--divide must be 1, 2, 4, 8 or 16");
  if (options.kind == "torchscript") {
    write_zip_entries(path, {{"archive/data.pkl", PickleWriter().raw("}.").bytes(), 0},
                             {"archive/code/__torch__/models.py", "class Wav2Lip(Module):\n", 0},
                             {"archive/constants.pkl", PickleWriter().raw(").").bytes(), 0},
                             {"archive/version", "3\n", 0}});
    return;
  }
  CheckpointFile file;
  if (options.kind == "wav2lip")
    file = wav2lip(options);
  else if (options.kind == "s3fd")
    file = s3fd(options);
  else if (options.kind == "unknown")
    file = unknown(options);
  else if (options.kind == "hostile")
    file = hostile();
  else
    throw std::invalid_argument("unknown --kind " + options.kind);
  if (options.legacy)
    write_legacy(path, file);
  else
    write_zip(path, file);
}

}  // namespace w2l::test
