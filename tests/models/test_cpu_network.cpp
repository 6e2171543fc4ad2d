// gst-wav2lip tests: the numbers that come out of the CPU network.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "../support/npy_reader.h"
#include "amx_check.h"
#include "cpu_network.h"
#include "cpu_precision.h"
#include "emulated_amx.h"
#include "network_plan.h"
#include "sample_checkpoints.h"
#include "sample_inputs.h"
#include "temporary_file.h"

namespace w2l {
namespace {

using Values = std::vector<float>;

// All values of some pictures.
Values values_of(const Rows &rows) {
  const auto *first = reinterpret_cast<const float *>(rows.data);
  EXPECT_EQ(rows.type, NumberType::Float);
  return {first, first + rows.bytes() / sizeof(float)};
}

// A network of formula weights, for as many samples as the reference recording has in a batch.
struct FormulaNetwork {
  static constexpr int kMost = 16;
  test::TemporaryFile file;
  std::shared_ptr<const CpuNetwork> network;
  std::unique_ptr<NetworkPlan> plan;

  FormulaNetwork(int divide, NumberType type, int threads = 1, const AmxKernels *amx = nullptr) {
    test::SampleOptions options;
    options.divide = divide;
    test::write_sample(file.path(), options);
    const Checkpoint checkpoint = Checkpoint::open(file.path());
    network = std::make_shared<const CpuNetwork>(checkpoint, Network::describe(checkpoint), type,
                                                 threads, amx);
    plan = std::make_unique<NetworkPlan>(network, kMost, threads);
  }

  // The answers' rows from first_row on.
  Values answer(const Rows &faces, const Rows &mels, int first_row = 0) const {
    const std::vector<FaceFeatures> features = plan->encode_faces(faces);
    const Rows rows = plan->answer(mels, pointers(features), first_row);
    EXPECT_EQ(rows.top, first_row);
    return values_of(rows);
  }

  static std::vector<const FaceFeatures *> pointers(const std::vector<FaceFeatures> &features) {
    std::vector<const FaceFeatures *> all;
    for (const FaceFeatures &one : features) all.push_back(&one);
    return all;
  }
};

// The first batch of the reference recording, (N, channels, height, width).
struct Golden {
  std::map<std::string, test::NpyArray> arrays;

  explicit Golden(const std::string &folder)
      : arrays(test::load_npz(folder + "/golden/e2e_25fps/net_batch0.npz")) {}

  int count() const { return static_cast<int>(arrays.at("face").shape[0]); }

  // The channels of a pixel side by side.
  Values channels_last(const char *name) const {
    const test::NpyArray &array = arrays.at(name);
    const auto channels = static_cast<std::size_t>(array.shape[1]);
    const auto pixels = static_cast<std::size_t>(array.shape[2] * array.shape[3]);
    Values values(array.bytes.size() / sizeof(float));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t image = i / (channels * pixels), channel = i / pixels % channels;
      float value;
      std::memcpy(&value, array.bytes.data() + i * sizeof value, sizeof value);
      values[(image * pixels + i % pixels) * channels + channel] = value;
    }
    return values;
  }

  // The whole crops, as the bytes that they were.
  std::vector<std::vector<std::uint8_t>> crops() const {
    const Values faces = channels_last("face");
    std::vector<std::vector<std::uint8_t>> crops(static_cast<std::size_t>(count()));
    for (std::size_t i = 0; i < faces.size(); ++i)
      if (i % 6 >= 3)
        crops[i / (faces.size() / crops.size())].push_back(
            static_cast<std::uint8_t>(std::lround(faces[i] * 255)));
    return crops;
  }
};

double psnr(const Values &actual, const Values &expected) {
  if (actual.size() != expected.size()) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double d = static_cast<double>(actual[i]) - static_cast<double>(expected[i]);
    sum += d * d;
  }
  return -10 * std::log10(sum / static_cast<double>(actual.size()));  // peak is 1
}

double largest_difference(const Values &a, const Values &b) {
  if (a.size() != b.size()) return 1;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

Values answer_to(const Golden &golden, const FormulaNetwork &formula) {
  const auto crops = golden.crops();
  const Values windows = golden.channels_last("mel");
  std::vector<const std::uint8_t *> faces;
  std::vector<const float *> mels;
  for (const auto &crop : crops) {
    mels.push_back(&windows[windows.size() / crops.size() * faces.size()]);
    faces.push_back(crop.data());
  }
  return formula.answer(formula.plan->face_input(faces), formula.plan->mel_input(mels));
}

TEST(CpuNetwork, AnswersInFp32AsTheReferenceDoes) {
  const char *folder = std::getenv("W2L_TEST_DATA");
  if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  const Golden golden(folder);
  const FormulaNetwork formula(1, NumberType::Float);
  const Values answer = answer_to(golden, formula), expected = golden.channels_last("pred");
  const double difference = largest_difference(answer, expected);
  RecordProperty("largest_difference", std::to_string(difference));
  EXPECT_LE(difference, 1e-5);
  EXPECT_GE(psnr(answer, expected), 110);
}

TEST(CpuNetwork, AnswersInBf16Within50Decibels) {
  const char *folder = std::getenv("W2L_TEST_DATA");
  if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  const Golden golden(folder);
  const FormulaNetwork formula(1, NumberType::Bf16);
  const double found = psnr(answer_to(golden, formula), golden.channels_last("pred"));
  RecordProperty("psnr", std::to_string(found));
  EXPECT_GE(found, 50);
}

TEST(CpuNetwork, AnswersByAmxWithin50Decibels) {
  const char *folder = std::getenv("W2L_TEST_DATA");
  if (!folder) GTEST_SKIP() << "W2L_TEST_DATA is not set";
  const Golden golden(folder);
  const FormulaNetwork formula(1, NumberType::Bf16, 2, &emulated_amx_kernels());
  const double found = psnr(answer_to(golden, formula), golden.channels_last("pred"));
  RecordProperty("psnr", std::to_string(found));
  EXPECT_GE(found, 50);
}

TEST(CpuNetwork, MasksTheLowerHalf) {
  const FormulaNetwork formula(16, NumberType::Float);
  const test::SampleInput input(3);
  const Rows faces = formula.plan->face_input({input.crop.data()});
  EXPECT_EQ(faces.type, NumberType::Byte);
  ASSERT_EQ(faces.bytes(), 96u * 96 * 6);
  for (std::size_t pixel = 0; pixel < 96 * 96; ++pixel)
    for (std::size_t c = 0; c < 3; ++c) {
      const auto value = static_cast<std::byte>(input.crop[pixel * 3 + c]);
      ASSERT_EQ(faces.data[pixel * 6 + c], pixel < 48 * 96 ? value : std::byte{0});
      ASSERT_EQ(faces.data[pixel * 6 + 3 + c], value);
    }
}

// Answers of `images` pictures, rows from `top` on.
Rows rows_of(Values &answer, int images, int top) {
  Rows rows;
  rows.images = images;
  rows.height = rows.width = 96;
  rows.top = top;
  rows.channels = rows.pixel_step = 3;
  rows.data = reinterpret_cast<std::byte *>(answer.data());
  EXPECT_EQ(rows.bytes(), answer.size() * sizeof(float));
  return rows;
}

TEST(CpuNetwork, TruncatesToBytesAsTheReferenceDoes) {
  const FormulaNetwork formula(16, NumberType::Float);
  // 254.99998, exactly 255, 0.999, just under and at 128 of 255, and a number that is none.
  const float values[] = {0.9999999f,      1.0f,         0.999f / 255, 128.0f / 255,
                          127.9999f / 255, std::nanf("")};
  const int bytes[] = {254, 255, 0, 128, 127, 0};
  std::vector<float> answer(96 * 96 * 3, 0.5f);
  std::copy(std::begin(values), std::end(values), answer.begin() + 48 * 96 * 3);
  const Rows rows = rows_of(answer, 1, 0);
  const std::vector<std::uint8_t> full = formula.network->picture(rows, 0, 0);
  const std::vector<std::uint8_t> lower = formula.network->picture(rows, 0, 48);
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
  const FormulaNetwork formula(4, NumberType::Float);
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
    const Values kept = values_of(
        plan.answer(plan.mel_input({speech->mel.data()}), FormulaNetwork::pointers(features), 0));
    const FormulaNetwork other(4, NumberType::Float);
    const Values fresh = other.answer(other.plan->face_input({first.crop.data()}),
                                      other.plan->mel_input({speech->mel.data()}));
    EXPECT_EQ(largest_difference(kept, fresh), 0);
  }
}

TEST(CpuNetwork, NeedsFewerRowsForTheLowerHalf) {
  const FormulaNetwork formula(16, NumberType::Float);
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

// Of three samples, rows from first_row on.
Values answer_below(const FormulaNetwork &formula, int first_row) {
  const std::vector<test::SampleInput> inputs = test::sample_inputs(3);
  std::vector<const std::uint8_t *> crops;
  std::vector<const float *> mels;
  for (const test::SampleInput &input : inputs) {
    crops.push_back(input.crop.data());
    mels.push_back(input.mel.data());
  }
  return formula.answer(formula.plan->face_input(crops), formula.plan->mel_input(mels), first_row);
}

// The lower rows of whole answers to three samples.
Values lower_half(const Values &full) {
  Values lower;
  const auto half = static_cast<std::ptrdiff_t>(full.size() / 6);
  for (std::ptrdiff_t i = 0; i < 3; ++i)
    lower.insert(lower.end(), full.begin() + (2 * i + 1) * half, full.begin() + (2 * i + 2) * half);
  return lower;
}

// Tiles begin elsewhere: the rows are equal within what each type rounds.
TEST(CpuNetwork, LowerRowsAreThoseOfTheWholeAnswer) {
  for (const int divide : {1, 4}) {
    const FormulaNetwork in_float(divide, NumberType::Float);
    const Values full = answer_below(in_float, 0), lower = lower_half(full);
    EXPECT_LE(largest_difference(answer_below(in_float, 48), lower), 1e-5) << "width / " << divide;
    const FormulaNetwork in_bf16(divide, NumberType::Bf16);
    EXPECT_GE(psnr(answer_below(in_bf16, 0), full), 50) << "width / " << divide;
    EXPECT_GE(psnr(answer_below(in_bf16, 48), lower), 50) << "width / " << divide;
  }
}

// It sums up each pixel by itself.
TEST(CpuNetwork, LowerRowsByAmxAreThoseOfTheWholeAnswer) {
  const FormulaNetwork formula(4, NumberType::Bf16, 1, &emulated_amx_kernels());
  EXPECT_EQ(answer_below(formula, 48), lower_half(answer_below(formula, 0)));
}

TEST(CpuNetwork, ComputesTheSameOnSeveralThreads) {
  for (const NumberType type : {NumberType::Float, NumberType::Bf16})
    for (const AmxKernels *amx :
         {static_cast<const AmxKernels *>(nullptr), &emulated_amx_kernels()}) {
      const FormulaNetwork alone(4, type, 1, amx), together(4, type, 3, amx);
      EXPECT_EQ(answer_below(together, 48), answer_below(alone, 48));
    }
}

// Else it would be no test of AMX, which gives other last bits.
TEST(CpuNetwork, ComputesByAmxInBf16Alone) {
  for (const NumberType type : {NumberType::Float, NumberType::Bf16}) {
    const FormulaNetwork without(4, type), with(4, type, 1, &emulated_amx_kernels());
    EXPECT_EQ(answer_below(with, 0) == answer_below(without, 0), type == NumberType::Float);
  }
}

TEST(CpuNetwork, TakesAnAnswerWithoutItsUpperRows) {
  const FormulaNetwork formula(16, NumberType::Float);
  Values answer(2 * 48 * 96 * 3, 0.0f);
  answer[48 * 96 * 3] = 1.0f;  // row 48 of the second picture
  const std::vector<std::uint8_t> bytes = formula.network->picture(rows_of(answer, 2, 48), 1, 48);
  ASSERT_EQ(bytes.size(), 96u * 96 * 3);
  EXPECT_EQ(bytes[48 * 96 * 3], 255);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 0), 96 * 96 * 3 - 1);
}

// As a CPU whose tiles lose their last row.
void run_wrong(const AmxLayer &layer, const AmxOutput &output, const AmxBlock &block,
               float *workspace) {
  emulated_amx_kernels().run(layer, output, block, workspace);
  std::fill_n(output.output.at(block.first_image, block.first_row + 2, 1), layer.out, Bf16{});
}

TEST(AmxCheck, RefusesACpuThatComputesWrong) {
  EXPECT_NO_THROW(check_amx(emulated_amx_kernels()));
  try {
    check_amx({run_wrong});
    FAIL() << "took wrong numbers";
  } catch (const Error &error) {
    EXPECT_EQ(error.code(), ErrorCode::UnusableDevice);
    EXPECT_NE(std::string(error.what()).find("W2L_MAX_ISA=avx512"), std::string::npos);
  }
}

TEST(CpuPrecision, TakesWhatCpusComputeIn) {
  EXPECT_EQ(resolve_cpu_precision(Precision::Fp32), Precision::Fp32);
  EXPECT_EQ(resolve_cpu_precision(Precision::Bf16), Precision::Bf16);
  EXPECT_THROW(resolve_cpu_precision(Precision::Tf32), Error);
  EXPECT_THROW(resolve_cpu_precision(Precision::Fp16), Error);
}

}  // namespace
}  // namespace w2l
