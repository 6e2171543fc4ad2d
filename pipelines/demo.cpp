// gst-lipsync-1.0: finds the bundled demo. See demo.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "demo.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "user_error.h"

namespace lipsync {
namespace {

struct Bundled {
  const char *flag;
  std::string Options::*value;
  const char *file;
  const char *what;
};
constexpr Bundled kBundled[] = {
    {"--face", &Options::face, "demo-face.mp4", "face"},
    {"--audio", &Options::audio, "demo-speech.wav", "speech"},
    {"--checkpoint_path", &Options::checkpoint_path, "wav2lip-demo.pth", "network"},
};

constexpr char kForDrawnFaces[] =
    "without --checkpoint_path the demo's network is used, which is for drawn faces: for filmed "
    "ones give --checkpoint_path wav2lip_gan.pth or wav2lip.pth";

std::string demo_folder() {
  const char *folder = std::getenv("W2L_DEMO_DIR");
  return folder && *folder ? folder : W2L_INSTALLED_DEMO_DIR;
}

// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string> &words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 < words.size() ? ", " : " and ") + words[i];
  return text;
}

}  // namespace

DemoNotes use_demo(Options *options) {
  const bool own_face = !options->face.empty(), own_audio = !options->audio.empty();
  const bool own_network = !options->checkpoint_path.empty();
  const std::string folder = demo_folder();
  std::vector<std::string> taken, absent, remedies;
  for (const Bundled &row : kBundled) {
    std::string &value = options->*row.value;
    if (!value.empty()) continue;
    value = folder + "/" + row.file;
    taken.push_back(row.what);
    std::error_code error;
    if (std::filesystem::is_regular_file(value, error)) continue;
    absent.push_back(row.file);
    remedies.push_back(row.flag);
  }
  if (!absent.empty())
    throw UserError("the demo's " + listed(absent) + " cannot be found in \"" + folder +
                        "\": give " + listed(remedies) +
                        ", or name the demo's folder in W2L_DEMO_DIR",
                    kExitUsage);

  DemoNotes notes;
  if (!own_face || !own_audio)
    notes.notice = "writing " + options->outfile + " with the bundled demo's " + listed(taken);
  if (own_face && !own_network) notes.warning = kForDrawnFaces;
  return notes;
}

}  // namespace lipsync
