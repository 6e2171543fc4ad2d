// gst-wav2lip tests: how a test steers and watches the fake backend it is linked with.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace w2l::fake {

// The answer for crop pixel (b, g, r): (255 - b, level(first mel value), level(last mel value)),
// where level maps -4..4 to 0..255. Repeated crops are counted, unless the bound to keep them is 0.
// A checkpoint holds the word "fake", and the engine's max_crop_edge if it is not 0; answers to
// crops of other sizes than the network's repeat the crop's first pixel.
std::uint8_t level(float mel);

// Forgets everything below; the engine answers at once.
void reset();
// While held, batches are taken but not answered.
void hold(bool held);
// Lets the oldest held batch go.
void release_one();
// The next batch to be answered fails.
void fail_next();
struct Crop {
  int width, height;
  std::vector<std::uint8_t> pixels;
};
// All crops submitted so far.
std::vector<Crop> crops();
// Sizes of all batches submitted so far.
std::vector<int> batches();
// Waits until that many batches have been submitted.
void wait_for_batches(std::size_t count);
// Engines that are alive.
int engines();

}  // namespace w2l::fake
