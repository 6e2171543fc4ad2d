// gst-wav2lip tests: the numbers that come out of the CPU network.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "../support/npy_reader.h"
#include "cpu_network.h"
#include "cpu_precision.h"
#include "network_plan.h"
#include "sample_checkpoints.h"
#include "sample_inputs.h"
#include "temporary_file.h"

namespace w2l {
namespace {

// A network of formula weights, for as many samples as the reference recording has in a batch.
struct FormulaNetwork {
  static constexpr int kMost = 16;
  test::TemporaryFile file;
  std::shared_ptr<const CpuNetwork> network;
  std::unique_ptr<NetworkPlan> plan;

  FormulaNetwork(int divide, at::ScalarType dtype) {
    test::SampleOptions options;
    options.divide = divide;
    test::write_sample(file.path(), options);
    const Checkpoint checkpoint = Checkpoint::open(file.path());
    network = std::make_shared<const CpuNetwork>(checkpoint, Network::describe(checkpoint), dtype);
    plan = std::make_unique<NetworkPlan>(network, kMost);
  }

  at::Tensor answer(const at::Tensor &faces, const at::Tensor &mels, int first_row = 0) const {
    const std::vector<FaceFeatures> features = plan->encode_faces(faces);
    return plan->answer(mels, pointers(features), first_row).clone();
  }

  static std::vector<const FaceFeatures *> pointers(const std::vector<FaceFeatures> &features) {
    std::vector<const FaceFeatures *> all;
    for (const FaceFeatures &one : features) all.push_back(&one);
    return all;
  }
};

// The first batch of the reference recording.
struct Golden {
  std::map<std::string, test::NpyArray> arrays;
  at::Tensor face, mel, pred;

  explicit Golden(const std::string &folder)
      : arrays(test::load_npz(folder + "/golden/e2e_25fps/net_batch0.npz")),
        face(tensor("face")),
        mel(tensor("mel")),
        pred(tensor("pred")) {}

  at::Tensor tensor(const char *name) {
    test::NpyArray &array = arrays.at(name);
    return at::from_blob(array.bytes.data(), array.shape, at::kFloat).clone();
  }
};

double squared_error(const at::Tensor &a, const at::Tensor &b) {
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  double sum = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const double d = static_cast<double>(x.data_ptr<float>()[i]) - y.data_ptr<float>()[i];
    sum += d * d;
  }
  return sum / static_cast<double>(x.numel());
}

double psnr(const at::Tensor &actual, const at::Tensor &expected) {
  return -10 * std::log10(squared_error(actual, expected));  // peak is 1
}

double largest_difference(const at::Tensor &a, const at::Tensor &b) {
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  double largest = 0;
  for (std::int64_t i = 0; i < x.numel(); ++i)
    largest = std::max(
        largest, std::fabs(static_cast<double>(x.data_ptr<float>()[i]) - y.data_ptr<float>()[i]));
  return largest;
}

at::Tensor channels_last(const at::Tensor &x, at::ScalarType dtype) {
  return x.to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
}

TEST(CpuNetwork, AnswersInFp32AsTheReferenceDoes) {
  const char *folder = std::getenv("W2L_TEST_DATA");
  if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  c10::InferenceMode inference;
  Golden golden(folder);
  const FormulaNetwork formula(1, at::kFloat);
  const at::Tensor answer =
      formula.answer(channels_last(golden.face, at::kFloat), channels_last(golden.mel, at::kFloat));
  ASSERT_EQ(answer.sizes(), golden.pred.sizes());
  const double difference = largest_difference(answer, golden.pred);
  RecordProperty("largest_difference", std::to_string(difference));
  EXPECT_LE(difference, 1e-5);
  EXPECT_GE(psnr(answer, golden.pred), 110);
}

TEST(CpuNetwork, AnswersInBf16Within50Decibels) {
  const char *folder = std::getenv("W2L_TEST_DATA");
  if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  c10::InferenceMode inference;
  Golden golden(folder);
  const FormulaNetwork formula(1, at::kBFloat16);
  const at::Tensor answer = formula.answer(channels_last(golden.face, at::kBFloat16),
                                           channels_last(golden.mel, at::kBFloat16));
  EXPECT_EQ(answer.scalar_type(), at::kFloat);
  RecordProperty("psnr", std::to_string(psnr(answer, golden.pred)));
  EXPECT_GE(psnr(answer, golden.pred), 50);
}

#ifdef __x86_64__
TEST(CpuNetwork, RunsEveryLayerOnAFusedOperator) {
  c10::InferenceMode inference;
  EXPECT_TRUE(FormulaNetwork(1, at::kFloat).network->fused());
  EXPECT_TRUE(FormulaNetwork(4, at::kFloat).network->fused());
  EXPECT_TRUE(FormulaNetwork(1, at::kBFloat16).network->fused());
}
#endif

TEST(CpuNetwork, MasksTheLowerHalfAndScalesTo01) {
  c10::InferenceMode inference;
  const FormulaNetwork formula(16, at::kFloat);
  const test::SampleInput input(3);
  const at::Tensor faces = formula.plan->face_input({input.crop.data()});
  ASSERT_EQ(faces.sizes(), (std::vector<std::int64_t>{1, 6, 96, 96}));
  const at::Tensor plain = faces.contiguous();
  const float *in = plain.data_ptr<float>();
  for (int channel = 0; channel < 3; ++channel) {
    for (int pixel = 0; pixel < 96 * 96; ++pixel) {
      const float value = static_cast<float>(input.crop[pixel * 3 + channel] / 255.0);
      ASSERT_EQ(in[channel * 96 * 96 + pixel], pixel < 48 * 96 ? value : 0.0f);
      ASSERT_EQ(in[(channel + 3) * 96 * 96 + pixel], value);
    }
  }
}

TEST(CpuNetwork, TruncatesToBytesAsTheReferenceDoes) {
  c10::InferenceMode inference;
  const FormulaNetwork formula(16, at::kFloat);
  // 254.99998, exactly 255, 0.999, just under and at 128 of 255, and a number that is none.
  const float values[] = {0.9999999f,      1.0f,         0.999f / 255, 128.0f / 255,
                          127.9999f / 255, std::nanf("")};
  const int bytes[] = {254, 255, 0, 128, 127, 0};
  std::vector<float> answer(96 * 96 * 3, 0.5f);
  std::copy(std::begin(values), std::end(values), answer.begin() + 48 * 96 * 3);
  const at::Tensor tensor =
      at::from_blob(answer.data(), {1, 96, 96, 3}, at::kFloat).permute({0, 3, 1, 2});
  const std::vector<std::uint8_t> full = formula.network->picture(tensor, 0, 0);
  const std::vector<std::uint8_t> lower = formula.network->picture(tensor, 0, 48);
  ASSERT_EQ(full.size(), 96u * 96 * 3);
  EXPECT_EQ(full[0], 127);
  EXPECT_EQ(lower[0], 0);
  EXPECT_EQ(lower[48 * 96 * 3 - 1], 0);
  for (std::size_t i = 0; i < std::size(values); ++i) {
    EXPECT_EQ(full[48 * 96 * 3 + i], bytes[i]) << values[i];
    EXPECT_EQ(lower[48 * 96 * 3 + i], bytes[i]) << values[i];
  }
}

TEST(CpuNetwork, FeaturesOfAFaceCanBeUsedAgain) {
  c10::InferenceMode inference;
  const FormulaNetwork formula(4, at::kFloat);
  NetworkPlan &plan = *formula.plan;
  const test::SampleInput first(1), second(2);
  const std::vector<FeatureShape> &shapes = formula.network->feature_shapes();
  ASSERT_EQ(shapes.size(), 7u);
  EXPECT_EQ(shapes.front().channels, 4);
  EXPECT_EQ(shapes.front().height, 96);
  EXPECT_EQ(shapes.back().channels, 128);
  EXPECT_EQ(shapes.back().width, 1);
  const std::vector<FaceFeatures> features =
      plan.encode_faces(plan.face_input({first.crop.data()}));
  for (const test::SampleInput *speech : {&first, &second}) {
    const at::Tensor kept =
        plan.answer(plan.mel_input(speech->mel.data(), 1), FormulaNetwork::pointers(features), 0)
            .clone();
    const FormulaNetwork other(4, at::kFloat);
    const at::Tensor fresh = other.answer(other.plan->face_input({first.crop.data()}),
                                          other.plan->mel_input(speech->mel.data(), 1));
    EXPECT_EQ(largest_difference(kept, fresh), 0);
  }
}

TEST(CpuNetwork, NeedsFewerRowsForTheLowerHalf) {
  c10::InferenceMode inference;
  const FormulaNetwork formula(16, at::kFloat);
  const std::vector<int> rows = formula.network->first_rows(48);
  const std::vector<int> expected = {48, 48, 47, 46, 45,  // 96x96, from the answer back
                                     22, 21, 20,          // 48x48
                                     10, 9,  8,           // 24x24
                                     4,  3,  2,           // 12x12
                                     1,  0,  0,           // 6x6
                                     0,  0,  0};          // 3x3 and 1x1
  EXPECT_EQ(rows, expected);
  EXPECT_EQ(formula.network->first_rows(0), std::vector<int>(expected.size(), 0));
  EXPECT_EQ(formula.network->feature_tops(48), (std::vector<int>{47, 22, 10, 4, 1, 0, 0}));
  EXPECT_EQ(formula.network->feature_tops(0), std::vector<int>(7, 0));
}

// The lower rows of an answer.
at::Tensor below(const at::Tensor &answer, std::int64_t first_row) {
  const std::int64_t count = 96 - first_row;
  return answer.narrow(2, answer.size(2) - count, count);
}

// Of three samples, rows from first_row on.
at::Tensor answer_below(const FormulaNetwork &formula, int first_row) {
  const std::vector<test::SampleInput> inputs = test::sample_inputs(3);
  std::vector<const std::uint8_t *> crops;
  std::vector<float> mels;
  for (const test::SampleInput &input : inputs) {
    crops.push_back(input.crop.data());
    mels.insert(mels.end(), input.mel.begin(), input.mel.end());
  }
  const at::Tensor answer = formula.answer(formula.plan->face_input(crops),
                                           formula.plan->mel_input(mels.data(), 3), first_row);
  EXPECT_GE(answer.size(2), 96 - first_row);
  return below(answer, first_row);
}

// Tiles, and oneDNN's sums, begin elsewhere: the rows are equal within what each type rounds.
TEST(CpuNetwork, LowerRowsAreThoseOfTheWholeAnswer) {
  c10::InferenceMode inference;
  for (const int divide : {1, 4}) {
    const FormulaNetwork in_float(divide, at::kFloat);
    const at::Tensor full = answer_below(in_float, 0), lower = below(full, 48);
    EXPECT_LE(largest_difference(answer_below(in_float, 48), lower), 1e-5) << "width / " << divide;
    const FormulaNetwork in_bf16(divide, at::kBFloat16);
    EXPECT_GE(psnr(answer_below(in_bf16, 0), full), 50) << "width / " << divide;
    EXPECT_GE(psnr(answer_below(in_bf16, 48), lower), 50) << "width / " << divide;
  }
}

TEST(CpuNetwork, TakesAnAnswerWithoutItsUpperRows) {
  c10::InferenceMode inference;
  const FormulaNetwork formula(16, at::kFloat);
  std::vector<float> answer(2 * 50 * 96 * 3, 0.0f);
  answer[(50 + 2) * 96 * 3] = 1.0f;  // row 48 of the second picture
  const at::Tensor tensor =
      at::from_blob(answer.data(), {2, 50, 96, 3}, at::kFloat).permute({0, 3, 1, 2});
  const std::vector<std::uint8_t> bytes = formula.network->picture(tensor, 1, 48);
  ASSERT_EQ(bytes.size(), 96u * 96 * 3);
  EXPECT_EQ(bytes[48 * 96 * 3], 255);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 0), 96 * 96 * 3 - 1);
}

TEST(CpuPrecision, TakesWhatCpusComputeIn) {
  EXPECT_EQ(resolve_cpu_precision(Precision::Fp32), Precision::Fp32);
  EXPECT_EQ(resolve_cpu_precision(Precision::Bf16), Precision::Bf16);
  EXPECT_THROW(resolve_cpu_precision(Precision::Tf32), Error);
  EXPECT_THROW(resolve_cpu_precision(Precision::Fp16), Error);
}

}  // namespace
}  // namespace w2l
