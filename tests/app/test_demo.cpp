// gst-wav2lip tests: the bundled demo as a newcomer starts it, with the real network. The mouth of
// the decoded film must do what the phonemes of the speech ask for, when they ask for it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <vector>

#include "app_fixture.h"
#include "mouth.h"

namespace w2l::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr int kReach = 10;  // frames
constexpr double kFramesPerSecond = 25;
constexpr std::size_t kFrames = 180;  // windows of the speech

// demo-truth.json, for each frame of the film.
struct Truth {
  std::vector<double> openings;
  std::vector<Mouth> mouths;

  static Truth read() {
    std::ifstream file(variable("W2L_DEMO_DIR") + "/demo-truth.json");
    const Json json = Json::parse(file);
    Truth truth;
    truth.openings = json["opening"].get<std::vector<double>>();
    for (const Json &mouth : json["mouth"]) truth.mouths.push_back({mouth[0], mouth[1], mouth[2]});
    return truth;
  }
};

// Where between the frames the correlation is largest: frames that the picture is late, from the
// parabola through the best delay and its neighbours.
double peak(const std::vector<double> &by_delay) {
  const auto best = std::max_element(by_delay.begin() + 1, by_delay.end() - 1);
  const double before = best[-1], at = best[0], after = best[1];
  const double between = (before - after) / (2 * (before - 2 * at + after));
  return static_cast<double>(best - by_delay.begin()) - kReach + between;
}

bool has_yunet() {
  std::error_code none;
  for (const auto &entry : std::filesystem::directory_iterator(variable("W2L_MODEL_PATH"), none))
    if (entry.path().extension() == ".onnx") return true;
  return false;
}

class Demo : public App {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    run_ = new Finished(run({"env", "-C", folder_->path(), variable("W2L_APP")},
                            {"W2L_BACKEND_PATH=" + variable("W2L_CPU_BACKEND")}));
  }
  static void TearDownTestSuite() {
    delete run_;
    delete folder_;
  }
  void SetUp() override {
    ASSERT_EQ(run_->status, 0) << run_->err;
  }

  // The stats of w2linfer after the program has run the demo's network with these arguments.
  static Json infer_stats(const std::vector<std::string> &arguments) {
    std::vector<std::string> command = {"env",    "-C", folder_->path(), variable("W2L_APP"),
                                        "--json", "-",  "--outfile",     "other.mp4",
                                        "--box",  "40", "200",           "60",
                                        "260"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Finished other = run(command, {"W2L_BACKEND_PATH=" + variable("W2L_CPU_BACKEND")});
    EXPECT_EQ(other.status, 0) << other.err;
    return Json::parse(other.out)["stages"]["w2linfer"];
  }

  static std::string film() { return *folder_ / "lipsync-demo.mp4"; }

  inline static TemporaryFolder *folder_ = nullptr;
  inline static Finished *run_ = nullptr;
};

TEST_F(Demo, IsOneCommandAndOneFileInTheCurrentFolder) {
  EXPECT_THAT(run_->err, HasSubstr("writing lipsync-demo.mp4 with the bundled demo's"));
  EXPECT_EQ(lines(run_->err), 1) << run_->err;
  EXPECT_EQ(lines(run_->out), 1) << run_->out;
  EXPECT_THAT(folder_->names(), ElementsAre("lipsync-demo.mp4"));
}

TEST_F(Demo, MouthFollowsTheSpeechWithinHalfAFrame) {
  const Truth truth = Truth::read();
  std::vector<double> openings;
  each_rgb_frame(film(), [&](const GstVideoFrame &picture) {
    openings.push_back(opening(picture, truth.mouths.at(openings.size())));
  });
  EXPECT_EQ(openings.size(), kFrames);

  std::vector<double> by_delay;
  for (int delay = -kReach; delay <= kReach; ++delay)
    by_delay.push_back(correlation(openings, truth.openings, delay));
  SCOPED_TRACE("by delay: " + ::testing::PrintToString(by_delay));
  EXPECT_GE(by_delay[kReach], 0.7);
  // The measure itself: the same film is far from fitting another moment of the speech.
  EXPECT_LT(by_delay.front(), 0.35);
  EXPECT_LT(by_delay.back(), 0.35);

  const Media media = decode(film(), false);
  const Media speech = decode(variable("W2L_DEMO_DIR") + "/demo-speech.wav");
  const double sound_late =
      media.audio_start + lag(media.samples, speech.samples) - media.frames.front().start;
  EXPECT_NEAR(sound_late, 0, 0.02);
  EXPECT_NEAR(peak(by_delay) / kFramesPerSecond - sound_late, 0, 0.5 / kFramesPerSecond);
}

TEST_F(Demo, BothDetectorsFindTheFaceInEveryFrame) {
  for (const char *detector : {"yunet", "haar"}) {
    if (detector == std::string("yunet") && !has_yunet()) continue;
    const Finished found = run({"env", "-C", folder_->path(), variable("W2L_APP"), "--detector",
                                detector, "--outfile", "found.mp4", "--on-missing", "error"},
                               {"W2L_BACKEND_PATH=" + variable("W2L_CPU_BACKEND")});
    EXPECT_EQ(found.status, 0) << detector << ": " << found.err;
    const std::string count = std::to_string(kFrames);
    EXPECT_THAT(found.out, HasSubstr(count + " frames (" + count + " lip-synced)")) << detector;
  }
}

// Laps of more frames than are in the network at once, so that each crop is kept when it comes
// again.
TEST_F(Demo, ALoopedVideoIsEncodedOnce) {
  constexpr int kLap = 30, kLaps = 3;
  launch("videotestsrc pattern=snow num-buffers=" + std::to_string(kLap) +
         " ! video/x-raw,width=320,height=240 ! pngenc ! multifilesink location=\"" +
         *folder_ / "lap%02d.png" + "\"");
  launch("multifilesrc location=\"" + *folder_ / "lap%02d.png" + "\" loop=true stop-index=" +
         std::to_string(kLap - 1) + " num-buffers=" + std::to_string(kLap * kLaps) +
         " caps=image/png,framerate=25/1 ! pngdec ! videoconvert ! video/x-raw,format=I420 ! "
         "avimux ! filesink location=\"" +
         *folder_ / "loop.avi" + "\"");
  const std::string video = *folder_ / "loop.avi";
  const Json kept = infer_stats({"--face", video, "--audio", inputs().audio_4s()});
  EXPECT_EQ(kept["patched"], kLap * kLaps);
  EXPECT_EQ(kept["repeated-crops"], kLap * (kLaps - 1));
  const Json off =
      infer_stats({"--face", video, "--audio", inputs().audio_4s(), "--feature-cache-size", "0"});
  EXPECT_EQ(off["patched"], kLap * kLaps);
  EXPECT_EQ(off["repeated-crops"], 0);
}

// With several threads, each may be the first to meet it.
TEST_F(Demo, AStillPictureIsEncodedOnce) {
  const Json stats =
      infer_stats({"--face", inputs().picture(), "--audio", inputs().audio_2s(), "--threads", "1"});
  EXPECT_GT(stats["patched"], 40);
  EXPECT_EQ(stats["repeated-crops"], stats["patched"].get<int>() - 1);
}

}  // namespace
}  // namespace w2l::test

int main(int argc, char **argv) {
  return w2l::test::run_all_tests(argc, argv);
}
