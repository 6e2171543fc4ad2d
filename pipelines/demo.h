// gst-lipsync-1.0: the bundled demo, a drawn head, a speech and a network for drawn heads. Each of
// them is the default of its option. GStreamer-free; main() calls it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "options.h"

namespace lipsync {

// Each is one line, or empty.
struct DemoNotes {
  std::string notice;   // the demo's face or speech is used
  std::string warning;  // the demo's network is used on the user's own face
};

// Fills in face, audio and checkpoint_path where they are empty, from the folder that $W2L_DEMO_DIR
// names when it is set, else from the one this build installs into. Throws UserError(kExitUsage)
// when a file is not there.
DemoNotes use_demo(Options *options);

}  // namespace lipsync
