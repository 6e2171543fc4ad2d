// gst-lipsync-1.0: the command line as one struct. GStreamer-free; main() and the tests call it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace lipsync {

constexpr char kDefaultOutfile[] = "results/result_voice.mp4";  // the reference's
constexpr char kDemoOutfile[] = "lipsync-demo.mp4";             // with neither face nor audio given

struct Options {
  // Names, orders and defaults of the reference implementation's command line; but the first three
  // may stay empty: use_demo() then fills them in.
  std::string face;
  std::string audio;
  std::string checkpoint_path;
  std::string outfile;                    // never empty after parse_options()
  std::array<int, 4> pads{0, 10, 0, 0};   // pixels: top, bottom, left, right
  std::optional<std::array<int, 4>> box;  // pixels: top, bottom, left, right
  bool still = false;                     // --static: the first frame only
  double fps = 25.0;                      // of stills
  int resize_factor = 1;
  bool rotate = false;  // 90 degrees clockwise
  bool nosmooth = false;
  int wav2lip_batch_size = 0;  // 0 = what suits the device

  // What the reference does not have.
  std::string device = "auto";
  std::string precision = "auto";
  int threads = 0;                        // 0 = one for each CPU it may use
  std::optional<int> feature_cache_size;  // MiB; w2linfer's default unless given
  std::string detector = "auto";
  std::string on_missing = "pass";
  std::string region = "lower";
  std::string encoder = "x264enc";
  std::optional<std::string> preset;  // medium unless given; x264enc only
  std::optional<int> crf;             // 23 unless given; x264enc only
  bool print_pipeline = false;
  std::string json;  // file name, "-" = standard output, empty = none
  bool quiet = false;
  bool help = false;
  bool version = false;
};

// `arguments` without the program's name. Throws UserError(kExitUsage) that names the argument and
// says what is right. --help and --version end the parsing.
Options parse_options(const std::vector<std::string> &arguments);

// The text of --help, made from the same table.
std::string help_text();

}  // namespace lipsync
