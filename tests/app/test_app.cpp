// gst-wav2lip tests: the whole app on files that the tests generate; the engine is the fake one,
// so that only the app and the elements are judged.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <iterator>

#include "app_fixture.h"

namespace w2l::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using Json = nlohmann::json;

constexpr double kFrame = 1 / 25.0;

TEST_F(App, SoundLongerThanTheVideoIsCutWhereTheVideoEnds) {
  const Finished run = app(inputs().video(), inputs().audio_4s(), box());
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("warning: the audio is longer than the video"));
  EXPECT_EQ(lines(run.err), 1);
  EXPECT_EQ(lines(run.out), 1) << "the summary";
  EXPECT_THAT(folder_.names(), ElementsAre("out.mp4"));

  const Media media = decode(output());
  ASSERT_EQ(media.frames.size(), 75u);
  EXPECT_NEAR(media.frames.front().start, 0, 1e-6);
  EXPECT_NEAR(media.frames.back().end, 3.0, 1e-3);
  EXPECT_NEAR(media.audio_start, 0, kFrame / 2);
  EXPECT_NEAR(media.audio_end, 3.0, kFrame);
}

// 2 s are 161 columns; frame 46 would start at 147, and 147 + 16 > 161: it is the last one.
TEST_F(App, SoundShorterThanTheVideoEndsItWithTheReferencesLastWindow) {
  const Finished run = app(inputs().video(), inputs().audio_2s(), box());
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.err, "");
  const Media media = decode(output(), false);
  EXPECT_EQ(media.frames.size(), 47u);
  EXPECT_NEAR(media.frames.back().end, 47 * kFrame, 1e-3);
  EXPECT_NEAR(media.audio_end, 2.0, kFrame) << "no speech is lost";
}

TEST_F(App, SoundKeepsItsPlaceWhateverTheEncoderPutsInFront) {
  const Finished run = app(inputs().video(), inputs().audio_4s(), box());
  ASSERT_EQ(run.status, 0) << run.err;
  const Media original = decode(inputs().audio_4s());
  EXPECT_NEAR(lag(decode(output(), false).samples, original.samples), 0, 0.001);
}

// MP4 says where its sound ends. 2 s are 93.75 packets of AAC, and the encoder is late by one.
TEST_F(App, TheLastOfTheSoundIsKeptWhenItsFileSaysWhereItEnds) {
  const std::string speech = output("speech.m4a");
  launch("filesrc location=\"" + inputs().audio_2s() +
         "\" ! wavparse ! avenc_alac ! mp4mux ! filesink location=\"" + speech + "\"");
  const Finished run = app(inputs().video(), speech, box());
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_NEAR(decode(output(), false).audio_end, 2.0, 0.002);
}

TEST_F(App, SoundThatBeginsLateKeepsItsPlace) {
  const std::string speech = output("late.mp4");
  launch("mp4mux name=mux ! filesink location=\"" + speech + "\" filesrc location=\"" +
         inputs().video() +
         "\" ! qtdemux ! queue ! mux.video_0 audiotestsrc wave=pink-noise num-buffers=20 "
         "samplesperbuffer=1600 timestamp-offset=500000000 ! "
         "capsfilter caps=audio/x-raw,rate=16000,channels=1 ! avenc_alac ! queue ! mux.audio_0");
  const Media late = decode(speech, false);
  ASSERT_NEAR(late.audio_start, 0.5, 0.001);
  const Finished run = app(inputs().video(), speech, box());
  ASSERT_EQ(run.status, 0) << run.err;
  const Media media = decode(output(), false);
  const double moved = media.audio_start - late.audio_start + lag(media.samples, late.samples);
  EXPECT_NEAR(moved, 0, 0.001);
}

// As field recorders and cameras write it.
TEST_F(App, ChannelsWithoutPositionsAreMixed) {
  const std::string speech = output("four.mov");
  launch(
      "audiotestsrc wave=pink-noise num-buffers=20 samplesperbuffer=1600 ! capsfilter "
      "caps=\"audio/x-raw,format=S16LE,rate=16000,channels=4,channel-mask=(bitmask)0\" ! "
      "qtmux ! filesink location=\"" +
      speech + "\"");
  const Finished run = app(inputs().video(), speech, box());
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_NEAR(decode(output(), false).audio_end, 2.0, kFrame);
}

// The encoder works ahead by two frames: of 40 ms where the video begins, of 200 ms where it ends.
TEST_F(App, TheLastFramesOfAVariableRateAreShown) {
  const std::string face = output("variable.mkv");
  const std::string frames =
      " ! capsfilter caps=video/x-raw,format=I420,width=320,height=240,framerate=";
  launch(
      "concat name=all ! capssetter caps=video/x-raw,framerate=0/1 ! jpegenc ! matroskamux ! "
      "filesink location=\"" +
      face + "\" videotestsrc num-buffers=20" + frames + "25/1 ! all. videotestsrc num-buffers=6" +
      frames + "5/1 ! all.");
  const Finished run = app(face, inputs().audio_4s(), box());
  ASSERT_EQ(run.status, 0) << run.err;
  const Media media = decode(output(), false);
  ASSERT_EQ(media.frames.size(), 26u);
  EXPECT_NEAR(media.frames.back().start, 1.8, 0.001);
}

TEST_F(App, OnlyTheBoxChanges) {
  const Finished run = app(inputs().video(), inputs().audio_2s(), box());
  ASSERT_EQ(run.status, 0) << run.err;
  const Media before = decode(inputs().video()), after = decode(output());
  for (std::size_t i = 0; i < after.frames.size(); ++i) {
    EXPECT_GT(difference(before.frames[i], after.frames[i], 320, kInsideBox), 8) << "frame " << i;
    EXPECT_LT(difference(before.frames[i], after.frames[i], 320, kOutsideBox), 3) << "frame " << i;
  }
}

TEST_F(App, JsonCountsWhatHappened) {
  std::vector<std::string> options = box();
  options.insert(options.end(), {"--json", "-"});
  const Finished run = app(inputs().video(), inputs().audio_4s(), options);
  ASSERT_EQ(run.status, 0) << run.err;
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["result"], "complete");
  EXPECT_EQ(json["frames"], 75);
  EXPECT_EQ(json["patched"], 75);
  EXPECT_EQ(json["face"]["width"], 320);
  EXPECT_EQ(json["audio"]["rate"], 16000);
  EXPECT_EQ(json["output"]["audio_cut"], true);
  EXPECT_NEAR(json["output"]["duration"].get<double>(), 3.0, 1e-6);
  EXPECT_EQ(json["stages"]["w2linfer"]["frames"], 75);
  EXPECT_EQ(json["stages"]["w2lpatch"]["patched"], 75);
  EXPECT_THAT(json["warnings"], ElementsAre(HasSubstr("the audio is longer")));
}

TEST_F(App, OpensTheNetworkOnce) {
  std::vector<std::string> environment = fake_backend();
  environment.push_back("W2L_FAKE_OPENED=" + (folder_ / "opened"));
  std::vector<std::string> options = box();
  options.insert(options.end(),
                 {"--precision", "fp32", "--threads", "1", "--feature-cache-size", "0"});
  const Finished finished =
      run(command(inputs().video(), inputs().audio_2s(), options), environment);
  ASSERT_EQ(finished.status, 0) << finished.err;
  std::ifstream file(folder_ / "opened");
  const std::string opened{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(opened, inputs().fake_checkpoint() + "\n");
}

TEST_F(App, WithoutArgumentsTheDemoIsMadeIntoTheCurrentFolder) {
  std::ofstream(output("lipsync-demo.mp4")) << "earlier";
  std::vector<std::string> command = box();
  command.insert(command.begin(), variable("W2L_APP"));
  const Finished run = run_with_demo(command);
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.err,
            "gst-lipsync-1.0: writing lipsync-demo.mp4 with the bundled demo's face, speech and "
            "network\n");
  EXPECT_THAT(run.out, HasSubstr("lipsync-demo.mp4: 47 frames (47 lip-synced)"));
  EXPECT_THAT(folder_.names(), ElementsAre("lipsync-demo.mp4"));
  EXPECT_EQ(decode(output("lipsync-demo.mp4"), false).frames.size(), 47u);
}

TEST_F(App, OwnFaceWithoutACheckpointIsWarnedOfInOneLineAndInTheJson) {
  const Finished run = run_with_demo({variable("W2L_APP"), "--face", inputs().video(), "--audio",
                                      inputs().audio_2s(), "--box", "60", "180", "100", "220",
                                      "--quiet", "--json", "-"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("warning: without --checkpoint_path the demo's network is used"));
  EXPECT_EQ(lines(run.err), 1) << run.err;
  EXPECT_THAT(Json::parse(run.out)["warnings"], ElementsAre(HasSubstr("is for drawn faces")));
  EXPECT_THAT(folder_.names(), ElementsAre("results"));
}

TEST_F(App, PictureRunsAtTheAskedRateForAsLongAsTheSound) {
  const Finished run = app(inputs().picture(), inputs().audio_2s(),
                           {"--box", "10", "100", "10", "100", "--fps", "30"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Media media = decode(output(), false);
  EXPECT_EQ(media.frames.size(), 56u);  // int(55 * 80 / 30) + 16 > 161
  EXPECT_EQ(media.fps_n, 30);
  EXPECT_EQ(media.fps_d, 1);
  EXPECT_EQ(media.width, 320) << "4:2:0 cannot hold the odd last column";
  EXPECT_EQ(media.height, 240);
}

std::string bytes_of(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What a phone's photograph begins with: "turn me by 90 degrees clockwise".
std::string exif_turn() {
  constexpr char kBlock[] =
      "\xff\xe1\0\x22"
      "Exif\0\0II*\0\x08\0\0\0"                   // TIFF header, little endian
      "\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"  // one entry: orientation, a short, 6
      "\0\0\0\0";                                 // no more
  return {kBlock, sizeof kBlock - 1};
}

TEST_F(App, PhotographsAreTurnedAsTheirExifSays) {
  const std::string photograph = output("photograph.jpg");
  launch(
      "videotestsrc num-buffers=1 ! capsfilter caps=video/x-raw,format=I420,width=320,height=240 ! "
      "jpegenc ! filesink location=\"" +
      photograph + "\"");
  Media expected = decode(photograph);
  turn_clockwise(&expected);
  std::string jpeg = bytes_of(photograph);
  jpeg.insert(2, exif_turn());
  std::ofstream(photograph, std::ios::binary) << jpeg;

  const Finished run = app(photograph, inputs().audio_2s(), {"--box", "0", "20", "0", "20"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Media media = decode(output());
  ASSERT_EQ(media.width, 240);
  ASSERT_EQ(media.height, 320);
  EXPECT_EQ(media.orientation, "") << "players would turn the video again";
  EXPECT_LT(difference(expected.frames[0], media.frames[0], 240, {0, 20, 240, 320}), 3);
}

TEST_F(App, StaticUsesTheFirstFrameOnly) {
  const Finished run = app(inputs().video(), inputs().audio_4s(),
                           {"--box", "60", "180", "100", "220", "--static", "True"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Media media = decode(output());
  ASSERT_EQ(media.frames.size(), 97u);  // 4 s of sound, though the video has 3
  EXPECT_LT(difference(media.frames[0], media.frames[96], 320, kOutsideBox), 2);
}

TEST_F(App, ResizeFactorThenRotateGiveTheReferencesSize) {
  const Finished run = app(inputs().video(), inputs().audio_2s(),
                           {"--resize_factor", "2", "--rotate", "--box", "40", "120", "20", "100"});
  ASSERT_EQ(run.status, 0) << run.err;
  const Media media = decode(output(), false);
  EXPECT_EQ(media.width, 120);
  EXPECT_EQ(media.height, 160);
}

TEST_F(App, VideoWithoutAFacePassesWithOneWarning) {
  const Finished run = app(inputs().video(), inputs().audio_2s(), {"--json", output("r.json")});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("warning: no face was found in \"" + inputs().video()));
  EXPECT_EQ(lines(run.err), 1);
  const Media before = decode(inputs().video()), after = decode(output());
  ASSERT_EQ(after.frames.size(), 47u);
  EXPECT_LT(difference(before.frames[20], after.frames[20], 320, {0, 0, 320, 240}), 3);
  std::ifstream file(output("r.json"));
  EXPECT_EQ(Json::parse(file)["patched"], 0);
}

TEST_F(App, JsonGoesIntoNoFileThatTheRunNames) {
  const std::string face = output("face.mp4"), link = output("link.json");
  std::filesystem::copy_file(inputs().video(), face);
  std::filesystem::create_symlink("face.mp4", link);
  for (const std::string &json : {face, link, output("./out.mp4")}) {
    const Finished run = app(face, inputs().audio_2s(), {"--json", json});
    EXPECT_EQ(run.status, 2);
    EXPECT_THAT(run.err, HasSubstr("too: choose another name"));
    EXPECT_EQ(lines(run.err), 1);
  }
  EXPECT_EQ(app(face, "nowhere.wav", {"--json", face}).status, 2) << "whatever else is wrong";
  EXPECT_EQ(bytes_of(face), bytes_of(inputs().video()));
  EXPECT_THAT(folder_.names(), UnorderedElementsAre("face.mp4", "link.json"));
}

TEST_F(App, VideoThatIsNotWorkedOnIsNotSaidToHaveNoFace) {
  const std::string face = output("interlaced.mp4");
  launch(
      "videotestsrc num-buffers=50 ! capsfilter caps=video/x-raw,format=I420,width=320,height=240,"
      "framerate=25/1,interlace-mode=interleaved,field-order=top-field-first ! "
      "x264enc interlaced=true ! h264parse ! mp4mux ! filesink location=\"" +
      face + "\"");
  const Finished run = app(face, inputs().audio_2s(), {});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("interlaced video"));
  EXPECT_THAT(run.err, Not(HasSubstr("no face")));
}

TEST_F(App, OnMissingErrorFailsAtTheFirstFrameWithoutAFace) {
  const Finished run = app(inputs().video(), inputs().audio_2s(), {"--on-missing", "error"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("w2lfacecache: No face in frame 0"));
  EXPECT_EQ(lines(run.err), 1);
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(App, QuietSaysNothingWhenAllIsWell) {
  std::vector<std::string> options = box();
  options.push_back("--quiet");
  const Finished run = app(inputs().video(), inputs().audio_2s(), options);
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, "");
}

TEST_F(App, PrintedPipelineRunsWhenPastedIntoAShell) {
  std::vector<std::string> options = box();
  options.push_back("--print-pipeline");
  const Finished print = app(inputs().video(), inputs().audio_2s(), options);
  ASSERT_EQ(print.status, 0) << print.err;
  EXPECT_EQ(lines(print.out), 1);
  EXPECT_THAT(folder_.names(), IsEmpty());
  const Finished pasted = run({"sh", "-c", "gst-launch-1.0 -e -q " + print.out}, fake_backend());
  ASSERT_EQ(pasted.status, 0) << pasted.err;
  EXPECT_EQ(decode(output(), false).frames.size(), 47u);
}

TEST_F(App, LaunchLineOfTheReadmeRunsAsPasted) {
  std::ifstream readme(variable("W2L_README"));
  std::string text((std::istreambuf_iterator<char>(readme)), {});
  const std::size_t start = text.find("gst-launch-1.0 -e");
  ASSERT_NE(start, std::string::npos);
  const std::string line = text.substr(start, text.find("```", start) - start);
  namespace fs = std::filesystem;
  fs::copy_file(inputs().video(), folder_ / "face.mp4");
  fs::copy_file(inputs().audio_2s(), folder_ / "speech.wav");
  fs::copy_file(inputs().fake_checkpoint(), folder_ / "model.pth");
  const Finished pasted =
      run({"sh", "-c", "cd \"" + folder_.path() + "\" && " + line}, fake_backend());
  ASSERT_EQ(pasted.status, 0) << pasted.err;
  const Media media = decode(folder_ / "talking.mp4", false);
  EXPECT_EQ(media.frames.size(), 47u);
  const double encoder_delay = 1024 / 48000.0;
  EXPECT_NEAR(lag(media.samples, decode(inputs().audio_2s()).samples), encoder_delay, 0.002);
}

// The clock and the windows left out: it runs as fast as it can, on any machine.
TEST_F(App, LiveLineOfTheReadmeRunsAsPasted) {
  std::ifstream readme(variable("W2L_README"));
  std::string text((std::istreambuf_iterator<char>(readme)), {});
  const std::size_t start = text.rfind("gst-launch-1.0 ", text.find("autovideosink"));
  ASSERT_NE(start, std::string::npos);
  std::string line = text.substr(start, text.find("```", start) - start);
  for (const auto &[live, still] : {std::pair<std::string, std::string>{"clocksync", "identity"},
                                    {"autovideosink", "fakesink"},
                                    {"autoaudiosink", "fakesink"}})
    while (line.find(live) != std::string::npos) line.replace(line.find(live), live.size(), still);
  for (const char *element : {"w2lfacecache", "w2linfer", "w2lpatch", "infer.audio"})
    ASSERT_THAT(line, HasSubstr(element));
  ASSERT_THAT(line, ::testing::Not(HasSubstr("sync")));  // what was to be left out
  const Finished pasted = run_with_demo({"sh", "-c", line});
  EXPECT_EQ(pasted.status, 0) << pasted.err;
}

TEST_F(App, MediaObjectsAreAllReleased) {
  std::vector<std::string> environment = fake_backend();
  environment.insert(environment.end(), {"GST_TRACERS=leaks", "GST_DEBUG=GST_TRACER:7"});
  const Finished run_ = run(command(inputs().video(), inputs().audio_4s(), box()), environment);
  EXPECT_EQ(run_.status, 0);
  // The tracer also prints how it will name what is alive: "(string)%s".
  EXPECT_THAT(run_.err, HasSubstr("object-alive, type-name=(string)%s"));
  EXPECT_THAT(run_.err, Not(HasSubstr("object-alive, type-name=(string)G")));
}

// Waits for the partial file, the sign that the pipeline is about to run. No test sleeps.
bool wait_for_partial_file(int inotify) {
  pollfd poller{inotify, POLLIN, 0};
  while (poll(&poller, 1, 20000) == 1) {
    alignas(inotify_event) char block[4096];
    const ssize_t size = read(inotify, block, sizeof block);
    for (ssize_t at = 0; at < size;) {
      const auto *event = reinterpret_cast<const inotify_event *>(block + at);
      // MODIFY: something has been muxed already.
      if ((event->mask & IN_MODIFY) && std::string(event->name).find(".part-") != std::string::npos)
        return true;
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  return false;
}

TEST_F(App, SignalsLeaveNoFileAndExit130) {
  const std::string hour = inputs().make("hour.wav");
  launch(
      "audiotestsrc wave=silence samplesperbuffer=16000 num-buffers=3600 ! "
      "capsfilter caps=audio/x-raw,format=S16LE,rate=16000,channels=1 ! wavenc ! "
      "filesink location=\"" +
      hour + "\"");
  for (int signal : {SIGINT, SIGTERM}) {
    const int inotify = inotify_init1(IN_CLOEXEC);
    inotify_add_watch(inotify, folder_.path().c_str(), IN_MODIFY);
    Subprocess process(command(inputs().picture(), hour, {"--box", "10", "100", "10", "100"}),
                       fake_backend());
    ASSERT_TRUE(wait_for_partial_file(inotify));
    close(inotify);
    process.signal(signal);
    const Finished run = process.wait();
    EXPECT_EQ(run.status, 130);
    EXPECT_EQ(run.err, "gst-lipsync-1.0: interrupted: no output was written\n");
    EXPECT_THAT(folder_.names(), IsEmpty());
  }
}

TEST_F(App, SignalsThatNohupIgnoresAreIgnored) {
  const std::string speech = inputs().make("silence.wav");
  launch(
      "audiotestsrc wave=silence samplesperbuffer=16000 num-buffers=20 ! "
      "capsfilter caps=audio/x-raw,format=S16LE,rate=16000,channels=1 ! wavenc ! "
      "filesink location=\"" +
      speech + "\"");
  std::vector<std::string> line =
      command(inputs().picture(), speech, {"--box", "9", "99", "9", "99"});
  line.insert(line.begin(), {"sh", "-c", "trap '' HUP && exec \"$@\"", "sh"});
  const int inotify = inotify_init1(IN_CLOEXEC);
  inotify_add_watch(inotify, folder_.path().c_str(), IN_MODIFY);
  Subprocess process(line, fake_backend());
  ASSERT_TRUE(wait_for_partial_file(inotify));
  close(inotify);
  process.signal(SIGHUP);
  const Finished run = process.wait();
  EXPECT_EQ(run.status, 0) << run.err;
}

TEST_F(App, AnEarlierOutputSurvivesAFailedRun) {
  std::ofstream(output()) << "earlier";
  const Finished run = app(inputs().video(), inputs().audio_2s(), {"--on-missing", "error"});
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(folder_.names(), ElementsAre("out.mp4"));
  std::string text;
  std::ifstream(output()) >> text;
  EXPECT_EQ(text, "earlier");
}

TEST_F(App, BadInputIsOneLineWithTheRemedyAndNoFile) {
  const std::string text = inputs().make("text.mp4"), empty = inputs().make("empty.wav");
  const std::string half = inputs().make("half.mp4");
  std::ofstream(text) << "These are words, and no video at all, whatever the name says.\n";
  std::ofstream(empty).flush();
  const std::string small = inputs().make("small.png");
  launch(
      "videotestsrc num-buffers=1 ! capsfilter caps=video/x-raw,width=40,height=15 ! pngenc ! "
      "filesink location=\"" +
      small + "\"");
  std::ofstream(half, std::ios::binary) << "\0\0\0\x20"
                                           "ftypisom";
  const std::string video = inputs().video(), audio = inputs().audio_2s();
  const struct {
    std::string face, audio;
    std::vector<std::string> more;
    int status;
    const char *says;
  } table[] = {
      {"none.mp4", audio, {}, 1, "--face \"none.mp4\" does not exist: check the path"},
      {text, audio, {}, 1, "is not a video or picture that GStreamer can read"},
      {half, audio, {}, 1, "half.mp4\""},
      {folder_.path(), audio, {}, 1, "is a folder: name a file"},
      {audio, audio, {}, 1, "has no video: give a file with one"},
      {small, audio, {}, 1, "has 40x15 pixels: give one of at least 16x16"},
      {video, empty, {}, 1, "is empty (0 bytes): give another file"},
      {video, text, {}, 1, "is not audio that GStreamer can read"},
      {video, inputs().picture(), {}, 1, "has no audio: give a file with one"},
      {video, audio, {"--checkpoint_path", text}, 1, "text.mp4 is not a fake checkpoint"},
      {video, audio, {"--outfile", "/proc/o.mp4"}, 1, "cannot be written"},
      {video, audio, {"--outfile", "/nowhere/o.mp4"}, 1, "the folder \"/nowhere\" does not exist"},
      {video, audio, {"--outfile", video}, 1, "is an input file: choose another name"},
      {video, audio, {"--box", "0", "241", "0", "10"}, 2, "lies outside the frame of 320x240"},
      {video, audio, {"--box", "9", "5", "0", "10"}, 2, "is inverted or empty"},
      {video, audio, {"--preset", "warp"}, 2, "--preset warp: give one of"},
      {video, audio, {"--outfile", output("\xe9.mp4")}, 1, "is not a name in UTF-8"},
      {video, audio, {"--encoder", "vp8enc"}, 2, "is no H.264 or H.265 encoder"},
      {video, audio, {"--encoder", "noenc"}, 2, "no such element"},
      {video, audio, {"--json", "/nowhere/r.json"}, 2, "cannot be written"},
      {video, audio, {"--bogus"}, 2, "unknown flag --bogus"},
      {video, audio, {"--resize_factor", "64"}, 2, "leaves 5x3 pixels"},
      {"/dev/null", audio, {}, 1, "is a pipe or a device"},
      {video, audio, {"--device", "tpu"}, 2, "--device tpu: give auto, cpu"},
  };
  for (const auto &row : table) {
    const Finished run = app(row.face, row.audio, row.more);
    EXPECT_EQ(run.status, row.status) << run.err;
    EXPECT_THAT(run.err, HasSubstr(row.says));
    EXPECT_EQ(lines(run.err), 1) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(folder_.names(), IsEmpty()) << run.err;
  }
}

// A limit of file sizes stands for a full disk.
TEST_F(App, AFullDiskIsNamedAndNothingIsLeft) {
  std::vector<std::string> line = command(inputs().video(), inputs().audio_2s(), box());
  line.insert(line.begin(), {"sh", "-c", "ulimit -f 8 && exec \"$@\"", "sh"});
  const Finished run = w2l::test::run(line, fake_backend());
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("out.mp4\" cannot be written: is the disk full?"));
  EXPECT_EQ(lines(run.err), 1) << run.err;
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(App, WhatStandardOutputDoesNotTakeIsAFailure) {
  for (const std::vector<std::string> &more :
       {std::vector<std::string>{"--print-pipeline"}, {"--json", "-"}}) {
    std::vector<std::string> line = command(inputs().video(), inputs().audio_2s(), box());
    line.insert(line.begin(), {"sh", "-c", "exec \"$@\" >/dev/full", "sh"});
    line.insert(line.end(), more.begin(), more.end());
    const Finished run = w2l::test::run(line, fake_backend());
    EXPECT_EQ(run.status, 1) << more.front();
    EXPECT_THAT(run.err, HasSubstr("standard output cannot be written"));
  }
}

TEST_F(App, SpeechThatEndsInItsHeaderIsNotReadForEver) {
  const std::string speech = output("cut.wav");
  constexpr std::size_t kFormat = 36;  // up to the end of the chunk "fmt "
  std::ofstream(speech, std::ios::binary)
      << bytes_of(inputs().audio_2s()).substr(0, kFormat) << std::string("LIST\x1a\0\0\0", 8);
  const Finished run = app(inputs().video(), speech, box());
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.err, HasSubstr("check that"));
  EXPECT_THAT(folder_.names(), ElementsAre("cut.wav"));
}

// 12 blocks of silence, of 2041 samples each.
std::string ima_adpcm() {
  constexpr char kHeader[] =
      "RIFF\x34\x30\0\0WAVEfmt \x14\0\0\0\x11\0\x01\0\x80\x3e\0\0\x5b\x1f\0\0"
      "\0\x04\x04\0\x02\0\xf9\x07"
      "data\0\x30\0\0";
  return std::string(kHeader, sizeof kHeader - 1) + std::string(12 * 1024, '\0');
}

TEST_F(App, SpeechThatGoesBackInTimeIsWarnedOf) {
  const std::string speech = output("adpcm.wav");
  std::ofstream(speech, std::ios::binary) << ima_adpcm();
  const Finished run = app(inputs().video(), speech, box());
  ASSERT_EQ(run.status, 0) << run.err;
  const double seconds = 12 * 2041 / 16000.0;
  if (std::abs(decode(output(), false).audio_end - seconds) < kFrame)
    GTEST_SKIP() << "SKIP: this GStreamer stamps ADPCM rightly";
  EXPECT_THAT(run.err, HasSubstr("go back, and sound may be missing: convert it"));
}

TEST_F(App, FailuresAreInTheJsonToo) {
  const Finished run = app("none.mp4", inputs().audio_2s(), {"--json", "-"});
  EXPECT_EQ(run.status, 1);
  const Json json = Json::parse(run.out);
  EXPECT_EQ(json["result"], "error");
  EXPECT_EQ(json["exit_status"], 1);
  EXPECT_THAT(json["message"].get<std::string>(), HasSubstr("does not exist"));
}

}  // namespace
}  // namespace w2l::test

int main(int argc, char **argv) {
  return w2l::test::run_all_tests(argc, argv);
}
