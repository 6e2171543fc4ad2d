// gst-wav2lip tests: a GPU that computes wrong is found when the engine opens.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "conv_scene.h"
#include "fake_driver.h"
#include "kernel_check.h"

namespace w2l {
namespace {

// Does what it is told a little differently.
class WrongDriver final : public test::FakeDriver {
 public:
  std::function<void(ConvArgs &)> change_convolution = [](ConvArgs &) {};
  std::function<void(FaceArgs &)> change_faces = [](FaceArgs &) {};
  std::function<void(MelArgs &)> change_mels = [](MelArgs &) {};
  std::function<void(AnswerArgs &)> change_answers = [](AnswerArgs &) {};

  void convolve(Stream *stream, const ConvArgs &args) override {
    ConvArgs changed = args;
    change_convolution(changed);
    FakeDriver::convolve(stream, changed);
  }
  void write_faces(Stream *stream, const FaceArgs &args) override {
    FaceArgs changed = args;
    change_faces(changed);
    FakeDriver::write_faces(stream, changed);
  }
  void write_mels(Stream *stream, const MelArgs &args) override {
    MelArgs changed = args;
    change_mels(changed);
    FakeDriver::write_mels(stream, changed);
  }
  void write_answers(Stream *stream, const AnswerArgs &args) override {
    AnswerArgs changed = args;
    change_answers(changed);
    FakeDriver::write_answers(stream, changed);
  }
};

std::string complaint(Driver &driver, Number number = Number::Fp16) {
  try {
    check_kernels(driver, number, "cuda:3");
  } catch (const Error &error) {
    EXPECT_EQ(error.code(), ErrorCode::UnusableDevice);
    return error.what();
  }
  return "";
}

TEST(KernelCheck, PassesWhatIsRightAndGivesEverythingBack) {
  for (const Number number : kAllNumbers) {
    test::FakeDriver driver;
    check_kernels(driver, number, "cuda:0");
    EXPECT_EQ(driver.objects_alive(), 0u);
  }
}

TEST(KernelCheck, FindsWhatAConvolutionLeavesOut) {
  const std::function<void(ConvArgs &)> changes[] = {
      [](ConvArgs &args) { args.relu = false; },
      [](ConvArgs &args) { args.residual = false; },
      [](ConvArgs &args) { args.output.image_index = nullptr; },
      [](ConvArgs &args) { args.first_row = 0; },
      [](ConvArgs &args) { args.padding_height = args.padding_width = 0; },
      [](ConvArgs &args) { args.images = 1; },
  };
  for (const Number number : kAllNumbers)
    for (const auto &change : changes) {
      WrongDriver driver;
      driver.change_convolution = change;
      EXPECT_NE(complaint(driver, number).find("wrong convolutions"), std::string::npos)
          << &change - changes;
    }
}

TEST(KernelCheck, FindsWrongKernelsOfEachOtherKind) {
  WrongDriver faces, mels, answers;
  faces.change_faces = [](FaceArgs &args) { args.images = 1; };
  EXPECT_NE(complaint(faces).find("wrong faces"), std::string::npos);
  mels.change_mels = [](MelArgs &args) { args.images = 1; };
  EXPECT_NE(complaint(mels).find("wrong speech"), std::string::npos);
  answers.change_answers = [](AnswerArgs &args) { ++args.first_row; };
  EXPECT_NE(complaint(answers).find("wrong pictures"), std::string::npos);
}

// Each crop that is not square read as if it were turned: within its bytes.
TEST(KernelCheck, FindsFacesThatAreResizedWrong) {
  int turned = 0;
  for (std::size_t image = 0; image < 6; ++image) {
    WrongDriver driver;
    std::vector<CropPlace> places;
    driver.change_faces = [&](FaceArgs &args) {
      places.assign(args.places, args.places + args.images);
      std::swap(places.at(image).width, places.at(image).height);
      args.places = places.data();
    };
    const bool found = complaint(driver).find("wrong faces") != std::string::npos;
    EXPECT_EQ(found, places[image].width != places[image].height) << image;
    turned += found;
  }
  EXPECT_GE(turned, 3);  // enlarged, reduced, a line
}

TEST(KernelCheck, SaysWhichGpuItIsAndWhatToDo) {
  WrongDriver driver;
  driver.change_mels = [](MelArgs &args) { args.images = 1; };
  const std::string text = complaint(driver);
  EXPECT_EQ(text, "cuda:3 (" + driver.info().name +
                      ") computes wrong speech: install a newer NVIDIA driver and gst-wav2lip, or "
                      "use device=cpu");
}

}  // namespace
}  // namespace w2l
