// gst-wav2lip tests: the command line, GStreamer-free.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "options.h"
#include "user_error.h"

namespace lipsync {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Arguments = std::vector<std::string>;

Options parse(Arguments more) {
  Arguments all{"--face", "f.mp4", "--audio", "a.wav", "--checkpoint_path", "m.pth"};
  all.insert(all.end(), more.begin(), more.end());
  return parse_options(all);
}

std::string refusal(Arguments more) {
  try {
    parse(more);
  } catch (const UserError &error) {
    EXPECT_EQ(error.status(), kExitUsage);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "accepted";
}

TEST(Options, DefaultsAreTheReferences) {
  const Options options = parse({});
  EXPECT_EQ(options.outfile, "results/result_voice.mp4");
  EXPECT_THAT(options.pads, ElementsAre(0, 10, 0, 0));
  EXPECT_FALSE(options.box.has_value());
  EXPECT_FALSE(options.still);
  EXPECT_EQ(options.fps, 25.0);
  EXPECT_EQ(options.resize_factor, 1);
  EXPECT_FALSE(options.rotate);
  EXPECT_FALSE(options.nosmooth);
  EXPECT_EQ(options.wav2lip_batch_size, 0);
}

TEST(Options, FourIntegersKeepTheReferencesOrderTopBottomLeftRight) {
  const Options options = parse({"--pads", "1", "2", "3", "4", "--box", "10", "20", "30", "40"});
  EXPECT_THAT(options.pads, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(*options.box, ElementsAre(10, 20, 30, 40));
}

TEST(Options, ABoxOfMinusOnesIsNone) {
  EXPECT_FALSE(parse({"--box", "-1", "-1", "-1", "-1"}).box.has_value());
}

TEST(Options, ValuesMayFollowAnEqualsSign) {
  const Options options = parse({"--fps=29.97", "--pads=0,20,0,0", "--outfile=a=b.mp4"});
  EXPECT_EQ(options.fps, 29.97);
  EXPECT_THAT(options.pads, ElementsAre(0, 20, 0, 0));
  EXPECT_EQ(options.outfile, "a=b.mp4");
}

TEST(Options, DashAndUnderscoreAreTheSameInFlags) {
  const Options options = parse({"--resize-factor", "2", "--on_missing", "error"});
  EXPECT_EQ(options.resize_factor, 2);
  EXPECT_EQ(options.on_missing, "error");
}

TEST(Options, StaticTakesPythonsBooleanOrNothing) {
  EXPECT_TRUE(parse({"--static"}).still);
  EXPECT_TRUE(parse({"--static", "True", "--nosmooth"}).still);
  EXPECT_TRUE(parse({"--static", "--nosmooth"}).nosmooth);
  EXPECT_FALSE(parse({"--static", "False"}).still);
}

TEST(Options, EachMistakeIsNamedWithItsRemedy) {
  const struct {
    Arguments arguments;
    const char *says;
  } table[] = {
      {{"--bogus", "1"}, "unknown flag --bogus: see --help"},
      {{"--pads", "1", "2", "3"}, "--pads needs TOP BOTTOM LEFT RIGHT"},
      {{"--pads", "1", "2", "3", "x"}, "--pads x: give a whole number"},
      {{"--pads", "0", "-10", "0", "0"}, "--pads -10: give a whole number from 0 to 65535"},
      {{"--box", "50", "40", "0", "9"}, "--box 50 40 0 9 is inverted or empty"},
      {{"--box", "0", "9", "5", "5"}, "inverted or empty"},
      {{"--box", "-1", "9", "0", "5"}, "give four pixels from 0 on"},
      {{"--fps", "0"}, "--fps 0: give frames per second"},
      {{"--fps", "nan"}, "--fps nan"},
      {{"--resize_factor", "0"}, "--resize_factor 0: give a whole number from 1"},
      {{"--wav2lip_batch_size", "999"}, "from 0 to 128"},
      {{"--feature-cache-size", "-1"}, "from 0 to 65536"},
      {{"--device", "gpu"}, "--device gpu: give auto, cpu, cuda or cuda:N"},
      {{"--device", "cuda:"}, "--device cuda:"},
      {{"--precision", "int8"}, "--precision int8: give one of auto, fp32"},
      {{"--detector", "mtcnn"}, "--detector mtcnn: give one of auto, yunet, haar"},
      {{"--on-missing", "skip"}, "--on-missing skip: give one of pass, error"},
      {{"--region", "mouth"}, "--region mouth: give one of lower, full"},
      {{"--crf", "51"}, "--crf 51: give a whole number from 0 to 50"},
      {{"--rotate=1"}, "--rotate takes no value"},
      {{"--encoder", "openh264enc", "--crf", "20"}, "--preset and --crf are for x264enc"},
      {{"--outfile"}, "--outfile needs FILE"},
      {{"--outfile", ""}, "--outfile is empty: name a file"},
      {{"--json", ""}, "--json is empty: name a file"},
      {{"--face", ""}, "--face is empty: name a file"},
      {{"--audio="}, "--audio is empty: name a file"},
      {{"--checkpoint_path", ""}, "--checkpoint_path is empty: name a file"},
      {{"stray.mp4"}, "unexpected argument \"stray.mp4\""},
  };
  for (const auto &row : table) EXPECT_THAT(refusal(row.arguments), HasSubstr(row.says));
}

TEST(Options, InputsThatAreNotGivenStayEmpty) {
  const Options options = parse_options({});
  EXPECT_EQ(options.face, "");
  EXPECT_EQ(options.audio, "");
  EXPECT_EQ(options.checkpoint_path, "");
}

TEST(Options, OutputIsTheDemosOnlyWhenBothFaceAndSpeechAre) {
  EXPECT_EQ(parse_options({}).outfile, "lipsync-demo.mp4");
  EXPECT_EQ(parse_options({"--checkpoint_path", "m.pth"}).outfile, "lipsync-demo.mp4");
  EXPECT_EQ(parse_options({"--face", "f.mp4"}).outfile, "results/result_voice.mp4");
  EXPECT_EQ(parse_options({"--audio", "a.wav"}).outfile, "results/result_voice.mp4");
  EXPECT_EQ(parse_options({"--outfile", "o.mp4"}).outfile, "o.mp4");
}

TEST(Options, HelpAndVersionNeedNothingElse) {
  EXPECT_TRUE(parse_options({"--help"}).help);
  EXPECT_TRUE(parse_options({"-h"}).help);
  EXPECT_TRUE(parse_options({"--version"}).version);
  EXPECT_THAT(help_text(), HasSubstr("--box TOP BOTTOM LEFT RIGHT"));
}

}  // namespace
}  // namespace lipsync
