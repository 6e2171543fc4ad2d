// gst-wav2lip: how long w2lpatch's blending takes; `meson test --benchmark patch-blend`. Prints
// JSON: milliseconds for one patch of 300x400 pixels in a 720p frame, the best of many runs.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "blend.h"
#include "test_frame.h"

using namespace w2l;

namespace {

struct Case {
  const char *name;
  RowRange valid;
  double feather;
  bool changing_size;  // a tracked face: the mask is new for every frame
};

double best_milliseconds(GstVideoFormat format, const Case &bench) {
  w2l_test::TestFrame frame(format, 1280, 720);
  auto kernel = make_blend_kernel(frame.info());
  cv::Mat image(96, 96, CV_8UC3, cv::Scalar(40, 90, 160));
  BlendSettings settings{MaskMode::kAuto, bench.feather, 1.0};
  double best = 1e9;
  for (int run = 0; run < 400; run++) {
    int grow = bench.changing_size ? run % 2 : 0;
    PatchGeometry patch{{401, 151, 701 + grow, 551 + grow}, 96, bench.valid, 1.0};
    auto start = std::chrono::steady_clock::now();
    Placement placement = place_patch(patch, settings, 1280, 720);
    kernel->blend(frame.frame(), image, patch, placement, settings.feather);
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

}  // namespace

int main() {
  const Case cases[] = {
      {"whole box, hard", {0, 96}, 0.0, false},
      {"lower half, feathered", {48, 96}, 0.1, false},
      {"lower half, feathered, new size each frame", {48, 96}, 0.1, true},
  };
  const GstVideoFormat formats[] = {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_NV12,
                                    GST_VIDEO_FORMAT_Y444, GST_VIDEO_FORMAT_BGR,
                                    GST_VIDEO_FORMAT_RGBA};
  std::printf("{\"unit\": \"ms per 300x400 patch\"");
  for (const Case &bench : cases) {
    std::printf(",\n \"%s\": {", bench.name);
    const char *separator = "";
    for (GstVideoFormat format : formats) {
      std::printf("%s\"%s\": %.3f", separator, gst_video_format_to_string(format),
                  best_milliseconds(format, bench));
      separator = ", ";
    }
    std::printf("}");
  }
  std::printf("}\n");
  return 0;
}
