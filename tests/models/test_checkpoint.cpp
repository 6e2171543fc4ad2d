// gst-wav2lip tests: the checkpoint reader on good files of every kind and on bad ones.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "checkpoint/checkpoint.h"
#include "checkpoint/convert.h"
#include "formula_weights.h"
#include "memory_use.h"
#include "sample_checkpoints.h"
#include "temporary_file.h"

namespace w2l {
namespace {

using test::CheckpointFile;
using test::PickleWriter;
using test::SampleOptions;
using test::Storage;
using test::TemporaryFile;

SampleOptions small() {
  SampleOptions options;
  options.divide = 16;
  return options;
}

// The error that opening the file ends in.
Error failure_of(const std::string &path) {
  try {
    Checkpoint::open(path);
  } catch (const Error &error) {
    return error;
  }
  return Error(ErrorCode::Failed, "no error at all");
}

#define EXPECT_FAILURE(path, expected_code, part)                                       \
  do {                                                                                  \
    const Error error = failure_of(path);                                               \
    EXPECT_EQ(error.code(), expected_code) << error.what();                             \
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what(); \
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);                 \
  } while (false)

// A legacy file around one pickle, given without its protocol header.
void write_pickle(const TemporaryFile &file, const PickleWriter &pickle,
                  const std::vector<Storage> &storages = {}) {
  CheckpointFile content;
  content.pickle = pickle;
  content.storages = storages;
  test::write_legacy(file.path(), content);
}

struct Layout {
  bool legacy, bare;
  const char *prefix;
};

class GoodFiles : public testing::TestWithParam<Layout> {};

TEST_P(GoodFiles, GiveEveryTensorOfTheFormulaBitForBit) {
  const TemporaryFile file;
  SampleOptions options = small();
  options.legacy = GetParam().legacy;
  options.bare = GetParam().bare;
  options.prefix = GetParam().prefix;
  options.with_optimizer = !options.bare;
  test::write_sample(file.path(), options);
  const Checkpoint checkpoint = Checkpoint::open(file.path());
  const auto specs = test::wav2lip96_tensors(16);
  ASSERT_EQ(specs.size(), 352u);
  EXPECT_EQ(checkpoint.tensors().size(), specs.size());
  for (const test::TensorSpec &spec : specs) {
    const CheckpointTensor *tensor = checkpoint.find(spec.name);
    ASSERT_NE(tensor, nullptr) << spec.name;
    EXPECT_EQ(tensor->shape, spec.shape) << spec.name;
    EXPECT_EQ(checkpoint.read(*tensor), test::formula_values(spec)) << spec.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, GoodFiles,
                         testing::Values(Layout{false, false, ""}, Layout{false, true, "module."},
                                         Layout{true, false, "module."}, Layout{true, true, ""}));

TEST(Checkpoint, FormulaIsTheOneOfTheReferenceRecordings) {
  // First values as /golden/formula_weights.py computes them.
  const auto specs = test::wav2lip96_tensors();
  EXPECT_EQ(specs.front().name, "face_encoder_blocks.0.0.conv_block.0.weight");
  EXPECT_EQ(specs.front().shape, (std::vector<std::int64_t>{16, 6, 7, 7}));
  EXPECT_EQ(specs.back().name, "output_block.1.bias");
  std::int64_t trained = 0;
  for (const test::TensorSpec &spec : specs)
    if (spec.kind != test::TensorKind::NormMean && spec.kind != test::TensorKind::NormVar &&
        spec.kind != test::TensorKind::Counter)
      trained += test::element_count(spec);
  EXPECT_EQ(trained, 36298035);
}

TEST(Checkpoint, ConvertsEveryFloatingPointType) {
  for (test::Dtype dtype : {test::Dtype::Float16, test::Dtype::BFloat16, test::Dtype::Float64}) {
    const TemporaryFile file;
    SampleOptions options = small();
    options.dtype = dtype;
    test::write_sample(file.path(), options);
    const Checkpoint checkpoint = Checkpoint::open(file.path());
    const test::TensorSpec spec = test::wav2lip96_tensors(16)[0];
    const std::vector<float> exact = test::formula_values(spec);
    const std::vector<float> read = checkpoint.read(*checkpoint.find(spec.name));
    ASSERT_EQ(read.size(), exact.size());
    // Half an ulp of the type, relative.
    const float tolerance = dtype == test::Dtype::Float16    ? 0x1p-11f
                            : dtype == test::Dtype::BFloat16 ? 0x1p-8f
                                                             : 0.0f;
    for (std::size_t i = 0; i < read.size(); ++i)
      EXPECT_LE(std::fabs(read[i] - exact[i]), tolerance * std::fabs(exact[i]) + 0x1p-25f);
  }
}

TEST(Checkpoint, HalfPrecisionIsExactForEveryBitPattern) {
  EXPECT_EQ(half_to_float(0x3C00), 1.0f);
  EXPECT_EQ(half_to_float(0xC000), -2.0f);
  EXPECT_EQ(half_to_float(0x7BFF), 65504.0f);
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24f);
  EXPECT_EQ(half_to_float(0x83FF), -1023 * 0x1p-24f);
  EXPECT_EQ(half_to_float(0x0400), 0x1p-14f);
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
  EXPECT_TRUE(std::isinf(half_to_float(0x7C00)));
  EXPECT_TRUE(std::isnan(half_to_float(0x7E00)));
}

// Tensors over one storage of 0..5.
class SharedStorage : public testing::Test {
 protected:
  void tensor(const char *name, std::int64_t offset, const std::vector<std::int64_t> &shape,
              const std::vector<std::int64_t> &strides) {
    p_.string(name).global("torch._utils", "_rebuild_tensor_v2").raw("((").string("storage");
    p_.global("torch", "FloatStorage").string("s").string("cpu").integer(6).raw("NtQ");
    p_.integer(offset).tuple(shape).tuple(strides).raw("\x89}tR");
  }

  void write() {
    p_.raw("u.");
    write_pickle(file_, p_, {{"s", test::Dtype::Float32, 6, [] {
                                return test::encode({0, 1, 2, 3, 4, 5}, test::Dtype::Float32);
                              }}});
  }

  std::vector<float> read(const char *name) const {
    const Checkpoint checkpoint = Checkpoint::open(file_.path());
    return checkpoint.read(*checkpoint.find(name));
  }

 private:
  TemporaryFile file_;
  PickleWriter p_ = PickleWriter().raw("}(");
};

TEST_F(SharedStorage, IsReadTransposedAndInParts) {
  tensor("plain", 0, {2, 3}, {3, 1});
  tensor("transposed", 0, {3, 2}, {1, 3});
  tensor("left", 0, {2, 1, 2}, {3, 2, 1});
  tensor("last", 5, {}, {});
  write();
  EXPECT_EQ(read("plain"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(read("transposed"), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(read("left"), (std::vector<float>{0, 1, 3, 4}));
  EXPECT_EQ(read("last"), (std::vector<float>{5}));
}

// Sanitizer builds see what would overflow.
TEST_F(SharedStorage, IsReadWhateverTheStridesThatNobodyFollows) {
  const std::int64_t huge = INT64_MAX;
  tensor("single", 0, {2, 2, 1, 1}, {3, 1, huge, 1});
  tensor("singles", 0, {1, 2, 1, 2, 1}, {huge, 3, huge, 1, huge});
  tensor("one", 4, {1, 1}, {huge, huge});
  tensor("empty", 0, {0, 2, 2}, {1, std::int64_t{1} << 62, 1});
  tensor("empty at the end", 0, {2, 1, 0}, {1, huge, huge});
  write();
  EXPECT_EQ(read("single"), (std::vector<float>{0, 1, 3, 4}));
  EXPECT_EQ(read("singles"), (std::vector<float>{0, 1, 3, 4}));
  EXPECT_EQ(read("one"), (std::vector<float>{4}));
  EXPECT_EQ(read("empty"), std::vector<float>());
  EXPECT_EQ(read("empty at the end"), std::vector<float>());
}

TEST(Checkpoint, ReadsLegacyViewsOfAStorageAndParameters) {
  const TemporaryFile file;
  PickleWriter p;
  p.raw("}").string("w").global("torch._utils", "_rebuild_parameter").raw("(");
  p.global("torch._utils", "_rebuild_tensor_v2").raw("((").string("storage");
  p.global("torch", "DoubleStorage").string("root").string("cuda:0").integer(6).raw("(");
  p.string("view").integer(2).integer(3).raw("ttQ");  // elements 2, 3, 4 of the root
  p.integer(1).tuple({2}).tuple({1}).raw("\x88").global("collections", "OrderedDict");
  p.raw(")RtR\x88").global("collections", "OrderedDict").raw(")RtRs.");
  write_pickle(file, p, {{"root", test::Dtype::Float64, 6, [] {
                            return test::encode({0, 1, 2, 3, 4, 5}, test::Dtype::Float64);
                          }}});
  const Checkpoint checkpoint = Checkpoint::open(file.path());
  EXPECT_EQ(checkpoint.read(*checkpoint.find("w")), (std::vector<float>{3, 4}));
}

TEST(Checkpoint, NeverTouchesTheOptimizersState) {
  const TemporaryFile file;
  SampleOptions options;  // full size: 416 MB, two thirds of it moments
  options.legacy = true;
  options.with_optimizer = true;
  test::write_sample(file.path(), options);
  test::reset_memory_peak();
  const double before = test::memory_mib("VmHWM");
  {
    const Checkpoint checkpoint = Checkpoint::open(file.path());
    for (const auto &[name, tensor] : checkpoint.tensors()) checkpoint.read(tensor);
  }
  // The largest tensor (18.9 MB) in the file and as floats, and the pickle's values.
  EXPECT_LT(test::memory_mib("VmHWM") - before, 100);
}

// Bad files, each with what its message must say.

TEST(CheckpointErrors, NameWhatTheFileIsInstead) {
  const TemporaryFile file;
  EXPECT_FAILURE("/nonexistent/wav2lip.pth", ErrorCode::NotFound, "does not exist");
  EXPECT_FAILURE("/", ErrorCode::OpenRead, "is not a file");
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "is empty");
  file.write("these are notes about my checkpoint\nand nothing else\n");
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "is not a checkpoint");
  file.write("<!DOCTYPE html><html>quota exceeded</html>");
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "is a web page");
  file.write("\x80\x02}.");
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "not one of torch.save");
}

TEST(CheckpointErrors, NameTorchScriptAsNotYetReadable) {
  const TemporaryFile file;
  SampleOptions options;
  options.kind = "torchscript";
  test::write_sample(file.path(), options);
  EXPECT_FAILURE(file.path(), ErrorCode::Unsupported, "TorchScript");
}

TEST(CheckpointErrors, RefuseWhatWouldRunCodeAndNameIt) {
  const TemporaryFile file;
  SampleOptions options;
  options.kind = "hostile";
  for (bool legacy : {false, true}) {
    options.legacy = legacy;
    test::write_sample(file.path(), options);
    EXPECT_FAILURE(file.path(), ErrorCode::Format, "wants to run \"posix.system\": refused");
  }
  // Not even in a torch.save file: protocol 0, and protocol 4 as pickle.dump writes it.
  file.write("cposix\nsystem\n(S'echo owned'\ntR.");
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "\"posix.system\"");
  file.write(
      std::string("\x80\x04\x95\x1a\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93", 29) +
      "\x94.");
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "\"posix.system\"");
  // An allowed name of an allowed module only; and no way to set attributes of anything else.
  write_pickle(file, PickleWriter().global("torch", "load").raw("."));
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "\"torch.load\"");
  write_pickle(file, PickleWriter().global("os", "device").raw("."));
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "\"os.device\"");
  write_pickle(file, PickleWriter().raw("}}b."));
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "sets attributes");
}

TEST(CheckpointErrors, KeepUnprintableNamesOutOfTheMessage) {
  const TemporaryFile file;
  write_pickle(file, PickleWriter().global("os\x1b[31m", "sys\ttem").raw("."));
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "\"os?[31m.sys?tem\"");
}

// A state_dict with one tensor whose geometry is the parameter.
void write_geometry(const TemporaryFile &file, std::int64_t count, std::int64_t offset,
                    const std::vector<std::int64_t> &shape,
                    const std::vector<std::int64_t> &strides) {
  PickleWriter p;
  p.raw("}").string("w").global("torch._utils", "_rebuild_tensor_v2").raw("((").string("storage");
  p.global("torch", "FloatStorage").string("s").string("cpu").integer(count).raw("NtQ");
  p.integer(offset).tuple(shape).tuple(strides).raw("\x89}tRs.");
  write_pickle(file, p, {{"s", test::Dtype::Float32, 6, nullptr}});
}

TEST(CheckpointErrors, RefuseTensorsThatReachOutsideTheirStorage) {
  const TemporaryFile file;
  const std::int64_t huge = INT64_MAX;
  write_geometry(file, 6, 0, {2, 3}, {3, 1});
  EXPECT_NO_THROW(Checkpoint::open(file.path()));
  const char *outside = "reaches outside its storage";
  write_geometry(file, 6, 1, {2, 3}, {3, 1});
  EXPECT_FAILURE(file.path(), ErrorCode::Format, outside);
  write_geometry(file, 6, 0, {2, 3}, {huge, 1});
  EXPECT_FAILURE(file.path(), ErrorCode::Format, outside);
  write_geometry(file, 6, 0, {huge, huge, huge}, {0, 0, 0});
  EXPECT_FAILURE(file.path(), ErrorCode::Format, outside);
  write_geometry(file, 6, 0, {7}, {0});  // more elements than the storage has
  EXPECT_FAILURE(file.path(), ErrorCode::Format, outside);
  write_geometry(file, 6, 0, {-1}, {1});
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "negative");
  write_geometry(file, 6, 0, {2, 3}, {1});
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "differ in length");
  write_geometry(file, huge, 0, {1}, {1});  // a storage that no file can hold
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "impossibly large");
  write_geometry(file, 7, 0, {1}, {1});
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "is damaged");
}

TEST(CheckpointErrors, RefuseTwoTensorsOfOneName) {
  const TemporaryFile file;
  CheckpointFile content;
  content.pickle.raw("}(").string("w");
  test::append_tensor(content, false, {"0", test::Dtype::Float32, 1, nullptr}, {1});
  content.pickle.string("module.w");
  test::append_tensor(content, false, {"1", test::Dtype::Float32, 1, nullptr}, {1});
  content.pickle.raw("u.");
  test::write_zip(file.path(), content);
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "two tensors \"w\"");
}

// A state_dict with one tensor.
void write_named(const TemporaryFile &file, bool legacy, const std::string &name,
                 const std::string &key) {
  CheckpointFile content;
  content.pickle.raw("}").string(name);
  test::append_tensor(content, legacy, {key, test::Dtype::Float32, 1, nullptr}, {1});
  content.pickle.raw("s.");
  if (legacy)
    test::write_legacy(file.path(), content);
  else
    test::write_zip(file.path(), content);
}

TEST(CheckpointErrors, RefuseNamesThatTakeLongToCompare) {
  const TemporaryFile file;
  const std::string longest(256, 'n'), longer(257, 'n');
  for (const bool legacy : {false, true}) {
    write_named(file, legacy, longest, longest);
    EXPECT_NE(Checkpoint::open(file.path()).find(longest), nullptr);
    write_named(file, legacy, longer, "0");
    EXPECT_FAILURE(file.path(), ErrorCode::Format, "the name of a tensor is too long");
    write_named(file, legacy, "w", longer);
    EXPECT_FAILURE(file.path(), ErrorCode::Format, "the name of a storage is too long");
  }
}

TEST(CheckpointErrors, RefuseZipFilesThatTorchNeverWrites) {
  const TemporaryFile file;
  const std::string pickle = PickleWriter().raw("}.").bytes();
  test::write_zip_entries(file.path(), {{"archive/data.pkl", pickle, 8}});
  EXPECT_FAILURE(file.path(), ErrorCode::Unsupported, "compressed");
  test::write_zip_entries(file.path(),
                          {{"archive/data.pkl", pickle, 0}, {"b/data.pkl", pickle, 0}});
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "two entries \"data.pkl\"");
  test::write_zip_entries(file.path(), {{"word/document.xml", "<a/>", 0}});
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "no data.pkl");
  CheckpointFile content;
  content.pickle.raw("}.");
  test::write_zip(file.path(), content, "big");
  EXPECT_FAILURE(file.path(), ErrorCode::Unsupported, "big-endian");
}

TEST(CheckpointErrors, StayCheapForPicklesThatGrow) {
  // A million values, a million groups, and one long tuple called again and again.
  const TemporaryFile file;
  const auto repeated = [](const std::string &text, int times) {
    std::string result;
    for (int i = 0; i < times; ++i) result += text;
    return result;
  };
  test::reset_memory_peak();
  const double before = test::memory_mib("VmHWM");
  write_pickle(file, PickleWriter().raw(repeated("]", 2000000)));
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "too many values");
  write_pickle(file, PickleWriter().raw(repeated("(", 2000000)));
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "too many groups");
  write_pickle(file, PickleWriter().raw("]q" + std::string(1, '\0') +
                                        repeated(std::string("h\0", 2), 2000000)));
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "too many values");
  PickleWriter calls;
  calls.global("torch", "Size")
      .raw("q" + std::string(1, '\0') + "(" + repeated("N", 1000) + "tq\1");
  write_pickle(file, calls.raw(repeated(std::string("h\0h\1R", 5), 1000)));
  EXPECT_FAILURE(file.path(), ErrorCode::Format, "calls with too many values");
  EXPECT_LT(test::memory_mib("VmHWM") - before, 150);
}

// Whatever the bytes: an Error or a checkpoint, never a crash (sanitizer builds look closer).
void expect_survives(const TemporaryFile &file, const std::string &bytes) {
  file.write(bytes);
  try {
    const Checkpoint checkpoint = Checkpoint::open(file.path());
    for (const auto &[name, tensor] : checkpoint.tensors()) checkpoint.read(tensor);
  } catch (const Error &error) {
    EXPECT_NE(error.code(), ErrorCode::Failed) << error.what();
  }
}

// Three tensors, an optimizer's entry: each kind of thing that checkpoints have, in 1-2 KB.
std::string tiny_checkpoint(bool legacy) {
  CheckpointFile content;
  PickleWriter &p = content.pickle;
  p.raw("}(").string("state_dict").global("collections", "OrderedDict").raw(")R(");
  p.string("module.a");
  test::append_tensor(content, legacy, {"0", test::Dtype::Float32, 6, nullptr}, {2, 3});
  p.string("module.b");
  test::append_tensor(content, legacy, {"1", test::Dtype::Float16, 4, nullptr}, {4});
  p.raw("u}").string("_metadata").raw("}sb").string("optimizer").raw("}(").integer(1L << 40);
  p.raw("}").string("exp_avg");
  test::append_tensor(content, legacy, {"2", test::Dtype::Float32, 6, nullptr}, {6});
  p.raw("su").string("lr").real(1e-4).raw("u.");
  const TemporaryFile file;
  if (legacy)
    test::write_legacy(file.path(), content);
  else
    test::write_zip(file.path(), content);
  return file.read();
}

class Mutations : public testing::TestWithParam<bool> {};

TEST_P(Mutations, CutAnywhereAreAnError) {
  const TemporaryFile file;
  const std::string whole = tiny_checkpoint(GetParam());
  file.write(whole);
  ASSERT_EQ(Checkpoint::open(file.path()).tensors().size(), 2u);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    file.write(whole.substr(0, size));
    EXPECT_THROW(Checkpoint::open(file.path()), Error) << "cut to " << size << " bytes";
  }
}

TEST_P(Mutations, OfAnyByteNeverCrash) {
  const TemporaryFile file;
  const std::string whole = tiny_checkpoint(GetParam());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (unsigned char change : {0x01, 0x80, 0xFF, 0x5A}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ change);
      expect_survives(file, bytes);
    }
  }
}

TEST_P(Mutations, OfManyBytesNeverCrash) {
  const TemporaryFile file;
  const std::string whole = tiny_checkpoint(GetParam());
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = whole;
    for (int edit = 0; edit < 4; ++edit) {
      const auto draw = [&](int which) {
        return test::formula_uniform("mutation", round * 12 + edit * 3 + which);
      };
      const auto at = static_cast<std::size_t>(draw(0) * static_cast<double>(bytes.size()));
      const char byte = "\x00\xff(.}]RQbtu\x80"[static_cast<int>(draw(1) * 12)];
      if (draw(2) < 0.6)
        bytes[at] = byte;
      else if (draw(2) < 0.8)
        bytes.insert(at, 1, byte);
      else
        bytes.erase(at, 1);
    }
    expect_survives(file, bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Mutations, testing::Bool());

}  // namespace
}  // namespace w2l
