// gst-wav2lip tests: how a network is recognised in a checkpoint, and how its weights are folded.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "formula_weights.h"
#include "network/network.h"
#include "sample_checkpoints.h"
#include "temporary_file.h"

namespace w2l {
namespace {

using test::TensorKind;
using test::TensorSpec;

// Writes the tensors as a bare state_dict.
void write_tensors(const test::TemporaryFile &file, const std::vector<TensorSpec> &specs) {
  test::CheckpointFile content;
  content.pickle.raw("}(");
  for (const TensorSpec &spec : specs) {
    content.pickle.string(spec.name);
    test::append_tensor(
        content, false,
        {std::to_string(content.storages.size()), test::Dtype::Float32, test::element_count(spec),
         [spec] { return test::encode(test::formula_values(spec), test::Dtype::Float32); }},
        spec.shape);
  }
  content.pickle.raw("u.");
  test::write_zip(file.path(), content);
}

TensorSpec &find(std::vector<TensorSpec> &specs, const std::string &name) {
  return *std::find_if(specs.begin(), specs.end(),
                       [&](const TensorSpec &spec) { return spec.name == name; });
}

Error failure_of(const std::vector<TensorSpec> &specs) {
  const test::TemporaryFile file;
  write_tensors(file, specs);
  try {
    Network::describe(Checkpoint::open(file.path()));
  } catch (const Error &error) {
    return error;
  }
  return Error(ErrorCode::Failed, "no error at all");
}

#define EXPECT_FAILURE(specs, expected_code, part)                                      \
  do {                                                                                  \
    const Error error = failure_of(specs);                                              \
    EXPECT_EQ(error.code(), expected_code) << error.what();                             \
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what(); \
  } while (false)

TEST(Network, ReadsChannelCountsFromTheShapes) {
  for (int divide : {4, 16}) {
    const test::TemporaryFile file;
    write_tensors(file, test::wav2lip96_tensors(divide));
    const Network network = Network::describe(Checkpoint::open(file.path()));
    EXPECT_STREQ(network.family().name, "wav2lip-96");
    const std::vector<Layer> decoder = network.part(Part::Decoder);
    ASSERT_EQ(decoder.size(), 18u);
    // Block 3's first layer takes block 2's result and the mirrored feature.
    EXPECT_EQ(decoder[6].in, (512 + 256) / divide);
    EXPECT_EQ(decoder[6].out, 384 / divide);
    EXPECT_EQ(network.part(Part::Output).back().out, 3);
  }
}

TEST(Network, CountsWhatTrainingTrains) {
  const test::TemporaryFile file;
  write_tensors(file, test::wav2lip96_tensors());
  EXPECT_EQ(Network::describe(Checkpoint::open(file.path())).parameters(), 36298035);
}

TEST(Network, NamesTheFirstMissingTensor) {
  for (const char *name : {"face_encoder_blocks.0.0.conv_block.0.weight",
                           "audio_encoder.9.conv_block.1.running_var", "output_block.1.bias"}) {
    std::vector<TensorSpec> specs = test::wav2lip96_tensors(16);
    specs.erase(specs.begin() + (&find(specs, name) - specs.data()));
    EXPECT_FAILURE(specs, ErrorCode::Format, std::string("tensor \"") + name + "\" is missing");
  }
}

TEST(Network, NamesTheFirstTensorOfAWrongShape) {
  std::vector<TensorSpec> specs = test::wav2lip96_tensors(16);
  find(specs, "face_decoder_blocks.4.0.conv_block.0.weight").shape = {31, 16, 3, 3};
  EXPECT_FAILURE(
      specs, ErrorCode::Format,
      "\"face_decoder_blocks.4.0.conv_block.0.weight\" has the shape (31, 16, 3, 3), but "
      "(32, 16, 3, 3) is needed");
  specs = test::wav2lip96_tensors(16);
  find(specs, "face_encoder_blocks.2.1.conv_block.0.weight").shape = {5, 4, 3, 3};
  EXPECT_FAILURE(specs, ErrorCode::Format, "face_encoder_blocks.2.1.conv_block.0.weight");
  specs = test::wav2lip96_tensors(16);
  find(specs, "audio_encoder.0.conv_block.1.bias").shape = {3};
  EXPECT_FAILURE(specs, ErrorCode::Format, "(3), but (2) is needed");
}

TEST(Network, RecognisesAFaceDetector) {
  EXPECT_FAILURE(
      (std::vector<TensorSpec>{{"conv1_1.weight", {4, 3, 3, 3}, TensorKind::ConvWeight, 27},
                               {"conv3_3_norm.weight", {4}, TensorKind::NormWeight}}),
      ErrorCode::Unsupported,
      "is a face detector, not a Wav2Lip checkpoint; pass wav2lip.pth or wav2lip_gan.pth");
}

TEST(Network, RecognisesFamiliesThatAreNotBuilt) {
  std::vector<TensorSpec> specs = test::wav2lip96_tensors(16);
  specs.push_back(
      {"face_encoder_blocks.7.0.conv_block.0.weight", {2, 2, 3, 3}, TensorKind::ConvWeight, 9});
  EXPECT_FAILURE(specs, ErrorCode::Unsupported, "face_encoder_blocks.7.0.conv_block.0.weight");
  specs.back() = {"face_encoder_blocks.0.0.act.weight", {1}, TensorKind::ConvBias};
  EXPECT_FAILURE(specs, ErrorCode::Unsupported, "another family");
}

TEST(Network, RefusesAnyOtherDictionary) {
  EXPECT_FAILURE(
      (std::vector<TensorSpec>{{"classifier.weight", {2, 2}, TensorKind::ConvWeight, 2}}),
      ErrorCode::Format, "is not a Wav2Lip checkpoint: tensor");
}

TEST(Network, FoldsBatchNormIntoTheConvolution) {
  const test::TemporaryFile file;
  std::vector<TensorSpec> specs = test::wav2lip96_tensors(16);
  write_tensors(file, specs);
  const Checkpoint checkpoint = Checkpoint::open(file.path());
  const Network network = Network::describe(checkpoint);
  for (const Layer &layer : {network.part(Part::AudioEncoder)[3], network.part(Part::Decoder)[3]}) {
    const LayerWeights folded = Network::read(checkpoint, layer);
    const std::string name = layer.row->name;
    const auto raw = [&](const char *rest, std::int64_t i) {
      return static_cast<double>(test::formula_values(
          find(specs, name + ".conv_block." + rest))[static_cast<std::size_t>(i)]);
    };
    const bool transposed = layer.row->kind == LayerKind::Transposed;
    for (std::int64_t out = 0; out < layer.out; ++out) {
      const double scale = raw("1.weight", out) / std::sqrt(raw("1.running_var", out) + 1e-5);
      const std::int64_t in = layer.in - 1, tap = 5;  // one weight of each channel will do
      const std::int64_t at = (transposed ? in * layer.out + out : out * layer.in + in) * 9 + tap;
      EXPECT_FLOAT_EQ(folded.weight[static_cast<std::size_t>(at)],
                      static_cast<float>(raw("0.weight", at) * scale));
      EXPECT_FLOAT_EQ(folded.bias[static_cast<std::size_t>(out)],
                      static_cast<float>((raw("0.bias", out) - raw("1.running_mean", out)) * scale +
                                         raw("1.bias", out)));
    }
  }
}

TEST(Network, TablesAgreeWithTheReferenceRecordings) {
  const char *folder = std::getenv("W2L_TEST_DATA");
  if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  std::ifstream in(std::string(folder) + "/golden/wav2lip96_tensors.json");
  const nlohmann::json golden = nlohmann::json::parse(in);
  const std::vector<TensorSpec> specs = test::wav2lip96_tensors();
  ASSERT_EQ(golden.size(), specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    EXPECT_EQ(golden[i]["name"], specs[i].name);
    EXPECT_EQ(golden[i]["shape"], specs[i].shape) << specs[i].name;
    EXPECT_EQ(golden[i].value("fan_in", 0.0), specs[i].fan_in) << specs[i].name;
    EXPECT_EQ(golden[i].value("residual", false), specs[i].residual) << specs[i].name;
  }
}

}  // namespace
}  // namespace w2l
