// gst-lipsync-1.0: command line parser, one table row for each flag.
// An own parser because the reference's flags take four integers (--pads 0 10 0 0), which GOption
// cannot express.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <sstream>

#include "user_error.h"

namespace lipsync {
namespace {

using Values = std::vector<std::string>;

[[noreturn]] void fail(const std::string &message) {
  throw UserError(message, kExitUsage);
}

enum class Takes { Nothing, One, Four, MaybeBool };

struct Flag {
  const char *name;
  Takes takes;
  const char *operands;  // as --help shows them
  const char *help;
  std::function<void(Options &, const Values &)> set;
};

int to_int(const std::string &flag, const std::string &text, int low, int high) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    fail("--" + flag + " " + text + ": give a whole number from " + std::to_string(low) + " to " +
         std::to_string(high));
  return value;
}

double to_fps(const std::string &text) {
  char *end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value) || value < 1 || value > 240)
    fail("--fps " + text + ": give frames per second from 1 to 240");
  return value;
}

// What Python's argparse users write after --static.
bool to_bool(const std::string &text) {
  if (text == "True" || text == "true" || text == "1") return true;
  if (text == "False" || text == "false" || text == "0") return false;
  fail("--static " + text + ": give True or False, or nothing");
}

std::string one_of(const std::string &flag, const std::string &text,
                   const std::vector<std::string> &choices) {
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return text;
  std::string list;
  for (const std::string &choice : choices) list += (list.empty() ? "" : ", ") + choice;
  fail("--" + flag + " " + text + ": give one of " + list);
}

std::string to_device(const std::string &text) {
  const bool numbered =
      text.size() > 5 && text.compare(0, 5, "cuda:") == 0 &&
      std::all_of(text.begin() + 5, text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text == "auto" || text == "cpu" || text == "cuda" || numbered) return text;
  fail("--device " + text + ": give auto, cpu, cuda or cuda:N");
}

// An unset variable of a shell script must not end in the demo.
std::string to_file(const std::string &flag, const std::string &text) {
  if (text.empty()) fail("--" + flag + " is empty: name a file");
  return text;
}

std::array<int, 4> four(const std::string &flag, const Values &values, int low) {
  constexpr int kMaxPixels = 65535;
  std::array<int, 4> result{};
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = to_int(flag, values[i], low, kMaxPixels);
  return result;
}

void set_box(Options &options, const Values &values) {
  const std::array<int, 4> box = four("box", values, -1);
  if (box == std::array<int, 4>{-1, -1, -1, -1}) {
    options.box.reset();
    return;
  }
  const auto [top, bottom, left, right] = box;
  if (std::min({top, bottom, left, right}) < 0)
    fail("--box: give four pixels from 0 on, or -1 -1 -1 -1 for none");
  if (top >= bottom || left >= right)
    fail("--box " + values[0] + " " + values[1] + " " + values[2] + " " + values[3] +
         " is inverted or empty: the order is TOP BOTTOM LEFT RIGHT, with TOP < BOTTOM and "
         "LEFT < RIGHT");
  options.box = box;
}

const std::vector<Flag> &flags() {
  static const std::vector<Flag> table{
      {"face", Takes::One, "FILE", "video or picture with the face (the demo's drawn head)",
       [](Options &o, const Values &v) { o.face = to_file("face", v[0]); }},
      {"audio", Takes::One, "FILE",
       "speech: any audio file, or a video with sound (the demo's speech)",
       [](Options &o, const Values &v) { o.audio = to_file("audio", v[0]); }},
      {"checkpoint_path", Takes::One, "FILE",
       "Wav2Lip checkpoint, e.g. wav2lip_gan.pth (the demo's, for drawn faces)",
       [](Options &o, const Values &v) { o.checkpoint_path = to_file("checkpoint_path", v[0]); }},
      {"outfile", Takes::One, "FILE",
       "MP4 to write (results/result_voice.mp4; of the demo, lipsync-demo.mp4)",
       [](Options &o, const Values &v) { o.outfile = to_file("outfile", v[0]); }},
      {"pads", Takes::Four, "TOP BOTTOM LEFT RIGHT",
       "pixels added around a detected face (0 10 0 0)",
       [](Options &o, const Values &v) { o.pads = four("pads", v, 0); }},
      {"box", Takes::Four, "TOP BOTTOM LEFT RIGHT",
       "fixed face box in pixels instead of detection; -1 -1 -1 -1 = none", set_box},
      {"static", Takes::MaybeBool, "[True]", "use the first video frame only",
       [](Options &o, const Values &v) { o.still = v.empty() || to_bool(v[0]); }},
      {"fps", Takes::One, "N", "frames per second of a picture (25)",
       [](Options &o, const Values &v) { o.fps = to_fps(v[0]); }},
      {"resize_factor", Takes::One, "N", "divide the frame size by N (1)",
       [](Options &o, const Values &v) { o.resize_factor = to_int("resize_factor", v[0], 1, 64); }},
      {"rotate", Takes::Nothing, "", "turn the video 90 degrees clockwise",
       [](Options &o, const Values &) { o.rotate = true; }},
      {"nosmooth", Takes::Nothing, "", "do not smooth detected boxes over 5 frames",
       [](Options &o, const Values &) { o.nosmooth = true; }},
      {"wav2lip_batch_size", Takes::One, "N", "frames per network run; 0 = automatic (0)",
       [](Options &o, const Values &v) {
         o.wav2lip_batch_size = to_int("wav2lip_batch_size", v[0], 0, 128);
       }},
      {"device", Takes::One, "DEVICE", "auto, cpu, cuda or cuda:N (auto)",
       [](Options &o, const Values &v) { o.device = to_device(v[0]); }},
      {"precision", Takes::One, "PRECISION", "auto, fp32, tf32, bf16 or fp16 (auto)",
       [](Options &o, const Values &v) {
         o.precision = one_of("precision", v[0], {"auto", "fp32", "tf32", "bf16", "fp16"});
       }},
      {"threads", Takes::One, "N", "threads of the network; 0 = one for each CPU it may use (0)",
       [](Options &o, const Values &v) { o.threads = to_int("threads", v[0], 0, 1024); }},
      {"feature-cache-size", Takes::One, "MIB",
       "memory for features of faces that may come again; 0 = none (as w2linfer's)",
       [](Options &o, const Values &v) {
         o.feature_cache_size = to_int("feature-cache-size", v[0], 0, 65536);
       }},
      {"detector", Takes::One, "NAME", "auto, yunet or haar (auto)",
       [](Options &o, const Values &v) {
         o.detector = one_of("detector", v[0], {"auto", "yunet", "haar"});
       }},
      {"on-missing", Takes::One, "WHAT", "frames without a face: pass or error (pass)",
       [](Options &o, const Values &v) {
         o.on_missing = one_of("on-missing", v[0], {"pass", "error"});
       }},
      {"region", Takes::One, "REGION", "what is pasted: lower half of the face or full (lower)",
       [](Options &o, const Values &v) {
         o.region = one_of("region", v[0], {"lower", "full"});
       }},
      {"encoder", Takes::One, "ELEMENT", "GStreamer H.264 or H.265 encoder (x264enc)",
       [](Options &o, const Values &v) { o.encoder = v[0]; }},
      {"preset", Takes::One, "NAME", "speed preset of x264enc (medium)",
       [](Options &o, const Values &v) { o.preset = v[0]; }},
      {"crf", Takes::One, "N", "quality of x264enc, 0 best to 50 (23)",
       [](Options &o, const Values &v) { o.crf = to_int("crf", v[0], 0, 50); }},
      {"print-pipeline", Takes::Nothing, "", "print the pipeline for gst-launch-1.0 and stop",
       [](Options &o, const Values &) { o.print_pipeline = true; }},
      {"json", Takes::One, "FILE", "write a machine-readable result; - = standard output",
       [](Options &o, const Values &v) { o.json = to_file("json", v[0]); }},
      {"quiet", Takes::Nothing, "", "print warnings and errors only",
       [](Options &o, const Values &) { o.quiet = true; }},
      {"help", Takes::Nothing, "", "print this text",
       [](Options &o, const Values &) { o.help = true; }},
      {"version", Takes::Nothing, "", "print the version",
       [](Options &o, const Values &) { o.version = true; }},
  };
  return table;
}

// "-" and "_" are the same in flags: the reference writes --checkpoint_path, GStreamer's tools
// would write --checkpoint-path.
std::string normalized(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

const Flag &find_flag(const std::string &name) {
  for (const Flag &flag : flags())
    if (normalized(flag.name) == normalized(name)) return flag;
  fail("unknown flag --" + name + ": see --help");
}

bool is_flag(const std::string &argument) {
  return argument.size() > 2 && argument.compare(0, 2, "--") == 0;
}

// Takes the flag's operands from `arguments` at `next`, which moves past them.
Values take_operands(const Flag &flag, const std::vector<std::string> &arguments,
                     std::size_t &next) {
  const std::size_t count = flag.takes == Takes::Four ? 4 : flag.takes == Takes::One ? 1 : 0;
  Values values;
  while (values.size() < count && next < arguments.size() && !is_flag(arguments[next]))
    values.push_back(arguments[next++]);
  if (values.size() < count)
    fail("--" + std::string(flag.name) + " needs " + flag.operands + ": see --help");
  if (flag.takes == Takes::MaybeBool && next < arguments.size() && !is_flag(arguments[next]))
    values.push_back(arguments[next++]);
  return values;
}

// --flag=value; four values are separated by commas or blanks.
Values split_value(const Flag &flag, const std::string &text) {
  if (flag.takes == Takes::Nothing) fail("--" + std::string(flag.name) + " takes no value");
  if (flag.takes != Takes::Four) return {text};
  std::string blanks = text;
  std::replace(blanks.begin(), blanks.end(), ',', ' ');
  std::istringstream stream(blanks);
  Values values;
  for (std::string value; stream >> value;) values.push_back(value);
  if (values.size() != 4)
    fail("--" + std::string(flag.name) + " needs " + flag.operands + ": see --help");
  return values;
}

void check(const Options &options) {
  if (options.encoder != "x264enc" && (options.preset || options.crf))
    fail("--preset and --crf are for x264enc: leave them out with --encoder " + options.encoder);
}

}  // namespace

Options parse_options(const std::vector<std::string> &arguments) {
  Options options;
  for (std::size_t next = 0; next < arguments.size();) {
    const std::string &argument = arguments[next++];
    if (argument == "-h") return options.help = true, options;
    if (!is_flag(argument))
      fail("unexpected argument \"" + argument +
           "\": files are given with --face, --audio, "
           "--checkpoint_path and --outfile");
    const std::size_t equals = argument.find('=');
    const Flag &flag =
        find_flag(argument.substr(2, equals == std::string::npos ? equals : equals - 2));
    flag.set(options, equals == std::string::npos ? take_operands(flag, arguments, next)
                                                  : split_value(flag, argument.substr(equals + 1)));
    if (options.help || options.version) return options;
  }
  check(options);
  if (options.outfile.empty())
    options.outfile =
        options.face.empty() && options.audio.empty() ? kDemoOutfile : kDefaultOutfile;
  return options;
}

std::string help_text() {
  std::string text =
      "usage: gst-lipsync-1.0 [--face FACE] [--audio AUDIO] [--checkpoint_path MODEL] "
      "[--outfile OUT]\n"
      "Writes FACE with its lips moving to the speech of AUDIO as an MP4 file. Which of the three\n"
      "inputs is not given is taken from the bundled demo.\n\n";
  for (const Flag &flag : flags()) {
    std::string line = std::string("  --") + flag.name;
    if (*flag.operands) line += std::string(" ") + flag.operands;
    line.resize(std::max<std::size_t>(line.size() + 2, 34), ' ');
    text += line + flag.help + "\n";
  }
  return text +
         "\nExit status: 0 complete file, 1 failed, 2 wrong command line, 130 interrupted.\n";
}

}  // namespace lipsync
