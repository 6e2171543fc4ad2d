// gst-wav2lip tests: runs gst-lipsync-1.0 as its users do and looks at what it leaves.
// The programs and backends come from the environment, which meson sets.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "media_file.h"
#include "subprocess.h"
#include "temporary_folder.h"

namespace w2l::test {

inline std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

// Inputs that every checkout can make: 3 s of moving 320x240 video and a speech-like sound that
// is never silent and never repeats, so that its delay can be measured.
class Inputs {
 public:
  Inputs() {
    launch(
        "videotestsrc num-buffers=75 pattern=smpte75 ! "
        "capsfilter caps=video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! "
        "x264enc pass=qual quantizer=16 ! h264parse ! mp4mux ! filesink location=\"" +
        video() + "\"");
    sound(audio_4s(), 4);
    sound(audio_2s(), 2);
    launch(
        "videotestsrc num-buffers=1 pattern=smpte ! "
        "capsfilter caps=video/x-raw,width=321,height=241 ! pngenc ! filesink location=\"" +
        picture() + "\"");
    std::ofstream(fake_checkpoint()) << "fake\n";
  }

  std::string video() const { return folder_ / "face clip.mp4"; }  // a blank to trip over
  std::string audio_4s() const { return folder_ / "speech4.wav"; }
  std::string audio_2s() const { return folder_ / "speech2.wav"; }
  std::string picture() const { return folder_ / "picture.png"; }
  std::string fake_checkpoint() const { return folder_ / "fake.pth"; }
  std::string make(const std::string &name) const { return folder_ / name; }

 private:
  void sound(const std::string &path, int seconds) const {
    launch("audiotestsrc wave=pink-noise samplesperbuffer=1600 num-buffers=" +
           std::to_string(seconds * 10) +
           " ! capsfilter caps=audio/x-raw,format=S16LE,rate=16000,channels=1 ! wavenc ! "
           "filesink location=\"" +
           path + "\"");
  }

  TemporaryFolder folder_;
};

class App : public ::testing::Test {
 protected:
  static const Inputs &inputs() {
    static const Inputs instance;
    return instance;
  }

  std::string output(const std::string &name = "out.mp4") const { return folder_ / name; }

  // The fake engine unless `checkpoint` is another file.
  std::vector<std::string> command(const std::string &face, const std::string &audio,
                                   const std::vector<std::string> &more = {},
                                   std::string checkpoint = "") const {
    if (checkpoint.empty()) checkpoint = inputs().fake_checkpoint();
    std::vector<std::string> result{
        variable("W2L_APP"), "--face",  face, "--audio", audio, "--outfile", output(),
        "--checkpoint_path", checkpoint};
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }

  Finished app(const std::string &face, const std::string &audio,
               const std::vector<std::string> &more = {}) const {
    return run(command(face, audio, more), fake_backend());
  }

  static std::vector<std::string> fake_backend() {
    static const std::string path = "W2L_BACKEND_PATH=" + variable("W2L_FAKE_BACKEND");
    return {path};
  }

  // Starts a program in the test's folder, with a demo that is made of the generated inputs.
  Finished run_with_demo(std::vector<std::string> arguments) const {
    namespace fs = std::filesystem;
    const TemporaryFolder demo;
    fs::copy_file(inputs().video(), demo / "demo-face.mp4");
    fs::copy_file(inputs().audio_2s(), demo / "demo-speech.wav");
    fs::copy_file(inputs().fake_checkpoint(), demo / "wav2lip-demo.pth");
    arguments.insert(arguments.begin(), {"env", "-C", folder_.path()});
    return run(arguments, {fake_backend().front(), "W2L_DEMO_DIR=" + demo.path()});
  }

  // A box in the middle of the generated clip: --box TOP BOTTOM LEFT RIGHT and the same as Rect.
  static std::vector<std::string> box() { return {"--box", "60", "180", "100", "220"}; }
  static constexpr Rect kInsideBox{125, 130, 195, 170};  // well inside the pasted lower half
  static constexpr Rect kOutsideBox{0, 0, 320, 48};

  TemporaryFolder folder_;
};

inline int lines(const std::string &text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

// For main(): meson's status for "skipped" when every test of the program was.
inline int run_all_tests(int argc, char **argv) {
  ::testing::InitGoogleTest(&argc, argv);
  gst_init(nullptr, nullptr);
  const int status = RUN_ALL_TESTS();
  const auto *unit = ::testing::UnitTest::GetInstance();
  constexpr int kSkipped = 77;
  return status == 0 && unit->skipped_test_count() == unit->test_to_run_count() ? kSkipped : status;
}

}  // namespace w2l::test
