// gst-wav2lip tests: cut, scaled and windowed as the elements do it. See demo_inputs.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "demo_inputs.h"

#include <gst/video/video.h>

#include <opencv2/imgproc.hpp>
#include <stdexcept>

#include "../app/media_file.h"
#include "mel_frontend.h"

namespace w2l::test {
namespace {

constexpr int kEdge = 96;
constexpr std::int64_t kFrameNs = 40'000'000;  // 25 frames a second
constexpr int kFirst = 10, kStep = 20;         // frames of the clip; it starts with silence
const cv::Rect kHead(cv::Point(500, 180), cv::Point(780, 550));

void append_crop(const GstVideoFrame &frame, std::vector<std::uint8_t> &crops) {
  const cv::Mat picture(GST_VIDEO_FRAME_HEIGHT(&frame), GST_VIDEO_FRAME_WIDTH(&frame), CV_8UC3,
                        GST_VIDEO_FRAME_PLANE_DATA(&frame, 0),
                        static_cast<std::size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0)));
  cv::Mat small, bgr;
  cv::resize(picture(kHead), small, {kEdge, kEdge});
  cv::cvtColor(small, bgr, cv::COLOR_RGB2BGR);
  crops.insert(crops.end(), bgr.datastart, bgr.dataend);
}

}  // namespace

NetworkInputs demo_inputs(const std::string &folder, int count) {
  NetworkInputs inputs;
  int number = 0;
  each_rgb_frame(folder + "/demo-face.mp4", [&](const GstVideoFrame &frame) {
    if (number >= kFirst && (number - kFirst) % kStep == 0 && inputs.count < count) {
      append_crop(frame, inputs.crops);
      ++inputs.count;
    }
    ++number;
  });
  if (inputs.count < count) throw std::runtime_error("the demo's clip has too few frames");

  const Media speech = decode(folder + "/demo-speech.wav");
  MelFrontend mel;
  mel.push(speech.samples.data(), speech.samples.size());
  mel.finish();
  const std::size_t size = mel::kBands * mel::kWindowColumns;
  inputs.mels.resize(size * static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    mel.window(window_start((kFirst + i * kStep) * kFrameNs),
               &inputs.mels[size * static_cast<std::size_t>(i)]);
  return inputs;
}

}  // namespace w2l::test
