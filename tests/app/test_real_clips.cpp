// gst-wav2lip tests: the whole app with the real network code (a quarter of its width, weights
// from a formula) on the recorded clips of W2L_TEST_DATA; skips without them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <filesystem>

#include "app_fixture.h"

namespace w2l::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

struct Clip {
  const char *name;
  const char *face;   // below assets/
  const char *audio;  // below assets/
  int width, height;
  std::size_t frames;
  double fps;
  bool has_face;
  Rect mouth;       // must change
  Rect background;  // must not
};

void PrintTo(const Clip &clip, std::ostream *stream) {
  *stream << clip.name;
}

// Expected frames: all of the video's, or the windows of the audio when that ends first.
const Clip kClips[] = {
    {"LongerAudio720p",
     "video/h00_frontal_1280x720_25fps.mp4",
     "audio/en_jfk_16k_mono.wav",
     1280,
     720,
     125,
     25,
     true,
     {560, 480, 660, 530},
     {0, 0, 300, 300}},
    {"German22k",
     "video/h00_frontal_640x360_25fps.mp4",
     "audio/de_thorsten_sample03_22k.wav",
     640,
     360,
     120,
     25,
     true,
     {280, 235, 340, 270},
     {0, 0, 150, 150}},
    {"Silence",
     "video/h00_frontal_640x360_25fps.mp4",
     "audio/odd_silence_3s.wav",
     640,
     360,
     72,
     25,
     true,
     {280, 235, 340, 270},
     {0, 0, 150, 150}},
    {"SeventhOfASecond",
     "video/h00_frontal_640x360_25fps.mp4",
     "audio/odd_0.15s.wav",
     640,
     360,
     2,
     25,
     true,
     {280, 235, 340, 270},
     {0, 0, 150, 150}},
    {"FloatStereo48k",
     "video/h06_29.97fps_640x360.mp4",
     "audio/odd_48k_stereo_float.wav",
     640,
     360,
     116,
     30000 / 1001.0,
     true,
     {310, 180, 370, 215},
     {0, 0, 150, 150}},
    {"OddSizeVp9",
     "video/h04_odd_853x479_vp9.webm",
     "audio/en_ljspeech_LJ001-0001_22k.wav",
     852,
     478,
     75,
     25,
     true,
     {370, 320, 440, 355},
     {0, 0, 200, 200}},
    {"PhoneRotated",
     "video/h05_phone_rotated_1280x720.mp4",
     "audio/odd_silence_3s.wav",
     720,
     1280,
     72,
     25,
     true,
     {300, 335, 390, 395},
     {0, 0, 150, 150}},
    {"TwoFaces",
     "video/h01_two_faces_side_by_side_1280x720.mp4",
     "audio/odd_silence_3s.wav",
     1280,
     720,
     72,
     25,
     true,
     {},
     {}},
    {"NoFace",
     "video/h03_no_face_at_all_640x360.mp4",
     "audio/odd_silence_3s.wav",
     640,
     360,
     50,
     25,
     false,
     {},
     {0, 0, 640, 360}},
    {"StillPicture",
     "still/astronaut_512.png",
     "audio/odd_silence_3s.wav",
     512,
     512,
     72,
     25,
     true,
     {200, 150, 240, 175},
     {0, 300, 100, 500}},
};

class RealClips : public App, public ::testing::WithParamInterface<Clip> {
 protected:
  void SetUp() override {
    if (variable("W2L_TEST_DATA").empty()) GTEST_SKIP() << "SKIP: W2L_TEST_DATA is not set";
  }

  static std::string asset(const std::string &name) {
    return variable("W2L_TEST_DATA") + "/assets/" + name;
  }

  static const std::string &checkpoint() {
    static const std::string path = [] {
      const std::string file = inputs().make("small.pth");
      const Finished made =
          run({variable("W2L_MAKE_CHECKPOINT"), "--out", file, "--format", "zip", "--divide", "4"});
      EXPECT_EQ(made.status, 0) << made.err;
      return file;
    }();
    return path;
  }

  static std::vector<std::string> cpu_backend() {
    static const std::string path = "W2L_BACKEND_PATH=" + variable("W2L_CPU_BACKEND");
    return {path};
  }

  Finished real_app(const std::string &face, const std::string &audio,
                    const std::vector<std::string> &more = {}) const {
    return run(command(face, audio, more, checkpoint()), cpu_backend());
  }
};

TEST_P(RealClips, BecomeACompleteFileInSync) {
  const Clip &clip = GetParam();
  const Finished run = real_app(asset(clip.face), asset(clip.audio), {"--json", "-"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(folder_.names(), ElementsAre("out.mp4"));
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["patched"].get<int>() > 0, clip.has_face);

  const Media media = decode(output());
  EXPECT_EQ(media.width, clip.width);
  EXPECT_EQ(media.height, clip.height);
  EXPECT_EQ(media.orientation, "") << "players would turn the video again";
  ASSERT_EQ(media.frames.size(), clip.frames);
  const double frame = 1 / clip.fps;
  EXPECT_NEAR(media.frames.back().end - media.frames.front().start, clip.frames * frame, frame);
  EXPECT_LT(std::abs(media.audio_start - media.frames.front().start), frame / 2);
  // What was on the sound track of the file stays where it was; of silence nothing can be said.
  const Media speech = decode(asset(clip.audio));
  if (std::string(clip.audio).find("silence") == std::string::npos) {
    EXPECT_NEAR(lag(media.samples, speech.samples), 0, 0.002);
  }

  if (clip.background.right == 0) return;
  Media before = decode(asset(clip.face));
  if (before.orientation == "rotate-90") turn_clockwise(&before);
  crop(&before, clip.width, clip.height);
  for (std::size_t i : {std::size_t{0}, clip.frames / 2, clip.frames - 1}) {
    const Frame &original = before.frames[std::min(i, before.frames.size() - 1)];
    EXPECT_LT(difference(original, media.frames[i], clip.width, clip.background), 4) << i;
    if (clip.has_face) {
      EXPECT_GT(difference(original, media.frames[i], clip.width, clip.mouth), 8) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Clips, RealClips, ::testing::ValuesIn(kClips),
                         [](const auto &info) { return std::string(info.param.name); });

using RealFiles = RealClips;

TEST_F(RealFiles, WrongCheckpointsAreNamedForWhatTheyAre) {
  const std::string video = asset("video/h00_frontal_640x360_25fps.mp4");
  const std::string audio = asset("audio/odd_silence_3s.wav");
  const std::string folder = inputs().make("");
  for (const char *kind : {"s3fd", "hostile"})
    ASSERT_EQ(run({variable("W2L_MAKE_CHECKPOINT"), "--out", folder + kind, "--kind", kind}).status,
              0);
  std::filesystem::copy_file(checkpoint(), folder + "cut",
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(folder + "cut", 1000000);
  std::ofstream random(folder + "random", std::ios::binary);
  for (unsigned state = 1, i = 0; i < 100000; ++i, state = state * 1664525 + 1013904223)
    random.put(static_cast<char>(state >> 24));
  random.close();

  const struct {
    const char *file, *says;
  } table[] = {
      {"s3fd", "is a face detector, not a Wav2Lip checkpoint"},
      {"hostile", "refused"},
      {"cut", "cut short"},
      {"random", "is not a checkpoint"},
  };
  for (const auto &row : table) {
    const Finished run = real_app(video, audio, {"--checkpoint_path", folder + row.file});
    EXPECT_EQ(run.status, 1);
    EXPECT_THAT(run.err, HasSubstr(row.says));
    EXPECT_EQ(lines(run.err), 1) << run.err;
    EXPECT_THAT(folder_.names(), IsEmpty());
  }
}

TEST_F(RealFiles, CudaWithoutItsBackendSaysSo) {
  const Finished run = real_app(asset("video/h00_frontal_640x360_25fps.mp4"),
                                asset("audio/odd_silence_3s.wav"), {"--device", "cuda"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("cuda"));
  EXPECT_EQ(lines(run.err), 1) << run.err;
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(RealFiles, FaceOnSomeFramesOnlyLeavesTheOthersAlone) {
  const Finished run = real_app(asset("video/h03_face_black_pattern_face_640x360.mp4"),
                                asset("audio/odd_silence_3s.wav"), {"--json", "-"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["frames"], 72);
  EXPECT_GT(json["patched"], 40);
  EXPECT_LT(json["patched"], 72);
  EXPECT_THAT(run.err, HasSubstr("they are unchanged"));
  EXPECT_EQ(lines(run.err), 2) << run.err;
}

TEST_F(RealFiles, BoxOfATurnedPhoneClipIsOfTheUprightPicture) {
  const Finished run =
      real_app(asset("video/h05_phone_rotated_1280x720.mp4"), asset("audio/odd_0.15s.wav"),
               {"--box", "300", "900", "100", "600", "--json", "-"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(Json::parse(run.out)["patched"], 2);
}

TEST_F(RealFiles, SoundTrackOfAVideoIsAudioToo) {
  const Finished run = real_app(asset("video/h00_frontal_640x360_25fps.mp4"),
                                asset("video/h08_audio_longer_than_video_640x360.mp4"));
  ASSERT_EQ(run.status, 0) << run.err;
  const Media media = decode(output(), false);
  EXPECT_EQ(media.frames.size(), 125u);
  const Media speech = decode(asset("video/h08_audio_longer_than_video_640x360.mp4"), false);
  EXPECT_NEAR(lag(media.samples, speech.samples), 0, 0.002);
}

}  // namespace
}  // namespace w2l::test

int main(int argc, char **argv) {
  return w2l::test::run_all_tests(argc, argv);
}
