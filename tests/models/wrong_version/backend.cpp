// gst-wav2lip tests: a libw2l-cpu.so whose interface is of another version; test_open_engine asks
// for it and must be refused.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine.h"

extern "C" const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend = {999, nullptr};
  return &backend;
}
