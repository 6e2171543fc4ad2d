// gst-wav2lip tests: CpuNetwork against ReferenceNetwork. See accuracy.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "accuracy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "amx_kernels.h"
#include "cpu_network.h"
#include "emulated_amx.h"
#include "network_plan.h"
#include "parallel_jobs.h"
#include "plain_network.h"

namespace w2l::test {
namespace {

// uint8(truncate(x * 255)), as in pictures.
int level(double value) {
  return static_cast<int>(std::clamp(value * 255, 0.0, 255.0));
}

using Pictures = std::vector<std::vector<double>>;  // in 0..1, edge x edge x 3 each

void compare(const Rows &answer, const Pictures &expected, Accuracy &to) {
  double sum = 0;
  std::size_t count = 0;
  for (int i = 0; i < answer.images; ++i) {
    const auto *values = reinterpret_cast<const float *>(answer.image(i));
    const std::vector<double> &picture = expected[static_cast<std::size_t>(i)];
    const std::size_t size = answer.image_bytes() / sizeof(float), above = picture.size() - size;
    for (std::size_t j = 0; j < size; ++j) {
      const auto x = static_cast<double>(values[j]);
      const double y = picture[above + j];
      to.largest_error = std::max(to.largest_error, std::fabs(x - y));
      to.largest_levels = std::max(to.largest_levels, std::abs(level(x) - level(y)));
      sum += (x - y) * (x - y);
    }
    count += size;
  }
  to.psnr = -10 * std::log10(sum / static_cast<double>(count));  // the peak is 1
}

Pictures expected_pictures(const std::string &path, const NetworkInputs &inputs,
                           const std::vector<const std::uint8_t *> &crops) {
  const PlainNetwork network(path);
  const std::size_t mel_size = inputs.mels.size() / crops.size();
  Pictures pictures(crops.size());
  run_jobs(usable_cpus(), inputs.count, [&](int i) {
    const auto index = static_cast<std::size_t>(i);
    pictures[index] = network.answer(crops[index], &inputs.mels[index * mel_size]);
  });
  return pictures;
}

std::vector<const std::uint8_t *> crops_of(const NetworkInputs &inputs, int edge) {
  std::vector<const std::uint8_t *> crops;
  for (int i = 0; i < inputs.count; ++i)
    crops.push_back(&inputs.crops[static_cast<std::size_t>(i * edge * edge * 3)]);
  return crops;
}

std::vector<const float *> mels_of(const NetworkInputs &inputs) {
  const std::size_t count = static_cast<std::size_t>(inputs.count);
  std::vector<const float *> mels;
  for (std::size_t i = 0; i < count; ++i)
    mels.push_back(&inputs.mels[i * (inputs.mels.size() / count)]);
  return mels;
}

}  // namespace

std::vector<Accuracy> measure_accuracy(const std::string &path, const NetworkInputs &inputs) {
  const Checkpoint checkpoint = Checkpoint::open(path);
  const Network description = Network::describe(checkpoint);
  const int edge = description.family().crop_size;
  const std::vector<const std::uint8_t *> crops = crops_of(inputs, edge);
  const std::vector<const float *> mels = mels_of(inputs);
  const Pictures expected = expected_pictures(path, inputs, crops);
  std::vector<Accuracy> results;
  const AmxKernels *amx = best_amx_kernels() ? best_amx_kernels() : &emulated_amx_kernels();
  const std::pair<NumberType, const AmxKernels *> ways[] = {
      {NumberType::Float, nullptr}, {NumberType::Bf16, nullptr}, {NumberType::Bf16, amx}};
  for (const auto &[type, kernels] : ways) {
    const auto network =
        std::make_shared<const CpuNetwork>(checkpoint, description, type, usable_cpus(), kernels);
    const NetworkPlan plan(network, inputs.count, usable_cpus());
    const std::vector<FaceFeatures> features = plan.encode_faces(plan.face_input(crops));
    std::vector<const FaceFeatures *> all;
    for (const FaceFeatures &one : features) all.push_back(&one);
    const Precision precision = type == NumberType::Bf16 ? Precision::Bf16 : Precision::Fp32;
    for (const Region region : {Region::Full, Region::Lower}) {
      results.push_back({precision, kernels != nullptr, region});
      compare(plan.answer(plan.mel_input(mels), all, region == Region::Lower ? edge / 2 : 0),
              expected, results.back());
    }
  }
  return results;
}

}  // namespace w2l::test
