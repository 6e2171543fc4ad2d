// gst-wav2lip tests: the app's parts that need no running pipeline.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "demo.h"
#include "media_probe.h"
#include "output_file.h"
#include "pipeline_text.h"
#include "progress.h"
#include "temporary_folder.h"
#include "user_error.h"

namespace lipsync {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using w2l::test::TemporaryFolder;

TEST(LaunchQuoted, EscapesWhatAShellOrALaunchLineWouldRead) {
  EXPECT_EQ(launch_quoted("/a b/c.mp4"), "\"/a b/c.mp4\"");
  EXPECT_EQ(launch_quoted("a\"b\\c$d`e"), "\"a\\\"b\\\\c\\$d\\`e\"");
}

TEST(FileUri, EscapesEverythingButPlainLettersAndSlashes) {
  EXPECT_EQ(file_uri("/a b/$c!'.mp4"), "file:///a%20b/%24c%21%27.mp4");
  EXPECT_EQ(file_uri("/a/../b.mp4"), "file:///b.mp4");
}

// Column counts: 1 + 80 a second; frame i starts at int(i * 80 / fps).
TEST(FramesForAudio, EndsWithTheFirstWindowThatOverflows) {
  EXPECT_EQ(frames_for_audio(10.0, 25), 247);  // 801 columns; 246 * 3.2 = 787, 787 + 16 > 801
  EXPECT_EQ(frames_for_audio(3.0, 25), 72);
  EXPECT_EQ(frames_for_audio(4.0, 25), 97);
  EXPECT_EQ(frames_for_audio(0.15, 25), 2);  // 13 columns count as 16
  EXPECT_EQ(frames_for_audio(10.0, 30000 / 1001.0), 296);
}

TEST(ProgressLine, ShowsShareSpeedAndTimeLeft) {
  EXPECT_EQ(progress_line(125, 250, 5.0, 10),
            "[#####-----]  50%  125/250 frames  25.0 fps  00:05 left");
  EXPECT_EQ(progress_line(0, 250, 0.0, 0), "  0%  0/250 frames  0.0 fps  --:-- left");
  EXPECT_EQ(progress_line(300, 250, 10.0, 0), "100%  300/250 frames  30.0 fps  00:00 left");
  EXPECT_EQ(progress_line(50, 0, 2.0, 10), "50 frames  25.0 fps");
  EXPECT_EQ(progress_line(1, 7201, 1.0, 0), "  0%  1/7201 frames  1.0 fps  2:00:00 left");
}

// What W2L_DEMO_DIR names while it lives; the files' names are all that matters here.
class DemoFolder : public TemporaryFolder {
 public:
  DemoFolder() {
    for (const char *file : {"demo-face.mp4", "demo-speech.wav", "wav2lip-demo.pth"})
      std::ofstream(*this / file) << "x";
    setenv("W2L_DEMO_DIR", path().c_str(), 1);
  }
  ~DemoFolder() { unsetenv("W2L_DEMO_DIR"); }
};

TEST(UseDemo, TakesThePlaceOfEverythingThatIsNotGiven) {
  const DemoFolder folder;
  Options options = parse_options({});
  const DemoNotes notes = use_demo(&options);
  EXPECT_EQ(options.face, folder / "demo-face.mp4");
  EXPECT_EQ(options.audio, folder / "demo-speech.wav");
  EXPECT_EQ(options.checkpoint_path, folder / "wav2lip-demo.pth");
  EXPECT_EQ(notes.notice,
            "writing lipsync-demo.mp4 with the bundled demo's face, speech and network");
  EXPECT_EQ(notes.warning, "") << "the demo's face is drawn";
}

TEST(UseDemo, OwnFaceWithTheDemosNetworkIsWarnedOf) {
  const DemoFolder folder;
  Options options = parse_options({"--face", "f.mp4", "--audio", "a.wav"});
  const DemoNotes notes = use_demo(&options);
  EXPECT_EQ(options.face, "f.mp4");
  EXPECT_EQ(options.audio, "a.wav");
  EXPECT_EQ(options.checkpoint_path, folder / "wav2lip-demo.pth");
  EXPECT_EQ(notes.notice, "");
  EXPECT_THAT(notes.warning, HasSubstr("is for drawn faces"));
  EXPECT_THAT(notes.warning, HasSubstr("--checkpoint_path wav2lip_gan.pth or wav2lip.pth"));
}

TEST(UseDemo, SaysWhatItTakes) {
  const DemoFolder folder;
  const struct {
    std::vector<std::string> arguments;
    const char *notice;
    bool warned;
  } table[] = {
      {{"--face", "f.mp4"},
       "writing results/result_voice.mp4 with the bundled demo's speech and network",
       true},
      {{"--audio", "a.wav"},
       "writing results/result_voice.mp4 with the bundled demo's face and network",
       false},
      {{"--face", "f.mp4", "--checkpoint_path", "m.pth"},
       "writing results/result_voice.mp4 with the bundled demo's speech",
       false},
      {{"--checkpoint_path", "m.pth", "--outfile", "o.mp4"},
       "writing o.mp4 with the bundled demo's face and speech",
       false},
      {{"--face", "f.mp4", "--audio", "a.wav", "--checkpoint_path", "m.pth"}, "", false},
  };
  for (const auto &row : table) {
    Options options = parse_options(row.arguments);
    const DemoNotes notes = use_demo(&options);
    EXPECT_EQ(notes.notice, row.notice);
    EXPECT_EQ(!notes.warning.empty(), row.warned) << row.notice;
  }
}

TEST(UseDemo, FilesThatAreNotThereAreNamedWithTheRemedy) {
  const DemoFolder folder;
  fs::remove(folder / "demo-speech.wav");
  fs::remove(folder / "wav2lip-demo.pth");
  Options options = parse_options({});
  try {
    use_demo(&options);
    FAIL() << "accepted";
  } catch (const UserError &error) {
    EXPECT_EQ(error.status(), kExitUsage);
    EXPECT_EQ(std::string(error.what()),
              "the demo's demo-speech.wav and wav2lip-demo.pth cannot be found in \"" +
                  folder.path() +
                  "\": give --audio and --checkpoint_path, or name the demo's folder in "
                  "W2L_DEMO_DIR");
  }
}

TEST(UseDemo, FilesThatAreNotNeededMayBeMissing) {
  const DemoFolder folder;
  for (const std::string &name : folder.names()) fs::remove(folder / name);
  Options options =
      parse_options({"--face", "f.mp4", "--audio", "a.wav", "--checkpoint_path", "m.pth"});
  EXPECT_NO_THROW(use_demo(&options));
}

TEST(UseDemo, WithoutTheVariableTheInstalledDemoIsMeant) {
  unsetenv("W2L_DEMO_DIR");
  Options options;
  try {
    use_demo(&options);  // it may be installed here
  } catch (const UserError &) {
  }
  EXPECT_THAT(options.checkpoint_path, HasSubstr("/share/gst-wav2lip/demo/wav2lip-demo.pth"));
}

TEST(OutputFile, AppearsOnlyWhenCommitted) {
  TemporaryFolder folder;
  OutputFile output(folder / "o.mp4", {});
  EXPECT_THAT(folder.names(), IsEmpty());  // the check for a writable folder leaves nothing
  output.create();
  std::ofstream(output.partial()) << "film";
  EXPECT_FALSE(fs::exists(folder / "o.mp4"));
  output.commit();
  EXPECT_EQ(fs::file_size(folder / "o.mp4"), 4u);
}

TEST(OutputFile, LeavesAnOlderFileUntilCommitted) {
  TemporaryFolder folder;
  std::ofstream(folder / "o.mp4") << "old";
  {
    OutputFile output(folder / "o.mp4", {});
    output.create();
    std::ofstream(output.partial()) << "half a film";
  }
  EXPECT_THAT(folder.names(), ElementsAre("o.mp4"));
  EXPECT_EQ(fs::file_size(folder / "o.mp4"), 3u);
}

TEST(OutputFile, LeavesNothingBehindWhenCommitted) {
  TemporaryFolder folder;
  {
    OutputFile output(folder / "o.mp4", {});
    output.create();
    output.commit();
  }
  EXPECT_THAT(folder.names(), ElementsAre("o.mp4"));
}

std::string refusal(const std::string &path, const std::vector<std::string> &inputs = {}) {
  try {
    OutputFile output(path, inputs);
  } catch (const UserError &error) {
    return error.what();
  }
  return "accepted";
}

TEST(OutputFile, RefusesWhatCannotBeWritten) {
  TemporaryFolder folder;
  std::ofstream(folder / "in.mp4") << "x";
  fs::create_symlink(folder / "in.mp4", folder / "link.mp4");
  fs::create_directory(folder / "dir.mp4");
  EXPECT_THAT(refusal(folder / "o.avi"), HasSubstr("must end with .mp4"));
  EXPECT_THAT(refusal(folder / "none/o.mp4"), HasSubstr("does not exist"));
  EXPECT_THAT(refusal(folder / "in.mp4/o.mp4"), HasSubstr("does not exist or is none"));
  EXPECT_THAT(refusal(folder / "dir.mp4"), HasSubstr("is a folder"));
  ASSERT_EQ(mkfifo((folder / "pipe.mp4").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder / "pipe.mp4"), HasSubstr("is a pipe or a device"));
  EXPECT_THAT(refusal("/proc/o.mp4"), HasSubstr("cannot be written"));
  EXPECT_THAT(refusal(folder / "link.mp4", {folder / "in.mp4"}), HasSubstr("is an input file"));
}

TEST(OutputFile, MakesTheDefaultFolderAndRemovesItWithAFailedRun) {
  TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder / "");
  {
    OutputFile output("results/result_voice.mp4", {});
    output.create();
    EXPECT_TRUE(fs::is_directory("results"));
  }
  EXPECT_THAT(folder.names(), IsEmpty());
  fs::current_path(before);
}

}  // namespace
}  // namespace lipsync
