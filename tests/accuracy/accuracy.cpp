// gst-wav2lip tests: CpuNetwork against ReferenceNetwork. See accuracy.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "accuracy.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>

#include "cpu_network.h"
#include "network_plan.h"
#include "reference_network.h"

namespace w2l::test {
namespace {

// uint8(truncate(x * 255)), as in pictures.
int level(double value) {
  return static_cast<int>(std::clamp(value * 255, 0.0, 255.0));
}

// `answer` may lack rows at the top.
void compare(const at::Tensor &answer, const at::Tensor &expected, int first_row, Accuracy &to) {
  const std::int64_t rows = expected.size(2) - first_row;
  const auto lower = [rows](const at::Tensor &picture) {
    return picture.narrow(2, picture.size(2) - rows, rows).to(at::kDouble).contiguous();
  };
  const at::Tensor a = lower(answer), b = lower(expected);
  double sum = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const double x = a.data_ptr<double>()[i], y = b.data_ptr<double>()[i];
    to.largest_error = std::max(to.largest_error, std::fabs(x - y));
    to.largest_levels = std::max(to.largest_levels, std::abs(level(x) - level(y)));
    sum += (x - y) * (x - y);
  }
  to.psnr = -10 * std::log10(sum / static_cast<double>(a.numel()));  // the peak is 1
}

std::vector<const std::uint8_t *> crops_of(const NetworkInputs &inputs, int edge) {
  std::vector<const std::uint8_t *> crops;
  for (int i = 0; i < inputs.count; ++i)
    crops.push_back(&inputs.crops[static_cast<std::size_t>(i * edge * edge * 3)]);
  return crops;
}

}  // namespace

std::vector<Accuracy> measure_accuracy(const std::string &path, const NetworkInputs &inputs) {
  c10::InferenceMode inference;
  const Checkpoint checkpoint = Checkpoint::open(path);
  const Network description = Network::describe(checkpoint);
  at::Tensor expected;
  std::vector<Accuracy> results;
  for (const Precision precision : {Precision::Fp32, Precision::Bf16}) {
    NetworkPlan plan(
        std::make_shared<const CpuNetwork>(
            checkpoint, description, precision == Precision::Bf16 ? at::kBFloat16 : at::kFloat),
        inputs.count);
    const std::vector<const std::uint8_t *> crops =
        crops_of(inputs, description.family().crop_size);
    if (precision == Precision::Fp32)
      expected =
          ReferenceNetwork(checkpoint, description)
              .answer(plan.face_input(crops), plan.mel_input(inputs.mels.data(), inputs.count));
    for (const Region region : {Region::Full, Region::Lower}) {
      const int first_row = region == Region::Lower ? description.family().crop_size / 2 : 0;
      const std::vector<FaceFeatures> features = plan.encode_faces(plan.face_input(crops));
      std::vector<const FaceFeatures *> all;
      for (const FaceFeatures &one : features) all.push_back(&one);
      const at::Tensor answer =
          plan.answer(plan.mel_input(inputs.mels.data(), inputs.count), all, first_row);
      results.push_back({precision, region});
      compare(answer, expected, first_row, results.back());
    }
  }
  return results;
}

}  // namespace w2l::test
