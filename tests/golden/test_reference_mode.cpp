// gst-wav2lip tests: all three elements in reference mode reproduce, pixel for pixel, what the
// reference implementation made of the same frames, speech and weights. Skips without recordings.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace {

std::string data_dir() {
  const char *dir = std::getenv("W2L_TEST_DATA");
  return dir ? dir : "";
}

struct Case {
  std::string folder;
  int fps_n, fps_d;
  std::vector<int> box;  // x1 y1 x2 y2
  int frames, outputs;
};

Case load_case(const std::string &name, int fps_n, int fps_d) {
  Case c{data_dir() + "/golden/" + name, fps_n, fps_d, {}, 0, 0};
  nlohmann::json json = nlohmann::json::parse(std::ifstream(c.folder + "/case.json"));
  json.at("box_xyxy").get_to(c.box);
  json.at("frames").get_to(c.frames);
  json.at("outputs").get_to(c.outputs);
  return c;
}

cv::Mat load_frame(const Case &c, const char *kind, int index) {
  char name[32];
  std::snprintf(name, sizeof name, "/%s/%03d.png", kind, index);
  cv::Mat image = cv::imread(c.folder + name, cv::IMREAD_COLOR);
  if (image.empty()) throw std::runtime_error("cannot read " + c.folder + name);
  return image;
}

// BT.601, limited range, as packed planes of I420 with even sizes.
std::vector<guint8> to_i420(const cv::Mat &bgr) {
  cv::Mat yuv;
  cv::cvtColor(bgr, yuv, cv::COLOR_BGR2YUV_I420);
  return {yuv.datastart, yuv.dataend};
}

// Frames repeat until `outputs` have been pushed; returns the frames that came out.
std::vector<std::vector<guint8>> run(const Case &c, const std::string &format,
                                     const std::vector<std::vector<guint8>> &frames, int width,
                                     int height, const std::string &patch_options) {
  char line[2048];
  std::snprintf(
      line, sizeof line,
      "appsrc name=video format=time block=true max-buffers=4 "
      "caps=video/x-raw,format=%s,width=%d,height=%d,framerate=%d/%d,colorimetry=bt601,"
      "interlace-mode=progressive "
      "! w2lfacecache box=\"<%d,%d,%d,%d>\" ! queue "
      "! w2linfer name=infer model=%s region=full precision=fp32 smoothing=reference "
      "on-audio-end=end ! queue ! w2lpatch %s ! appsink name=out sync=false "
      "filesrc location=%s/assets/audio/en_jfk_16k_mono.wav ! wavparse ! queue ! infer.audio",
      format.c_str(), width, height, c.fps_n, c.fps_d, c.box[0], c.box[1], c.box[2], c.box[3],
      std::getenv("W2L_TEST_CHECKPOINT"), patch_options.c_str(), data_dir().c_str());
  GError *error = nullptr;
  GstElement *pipeline = gst_parse_launch(line, &error);
  if (!pipeline) throw std::runtime_error(error->message);
  GstElement *source = gst_bin_get_by_name(GST_BIN(pipeline), "video");
  GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);

  for (int i = 0; i < c.outputs; i++) {
    const std::vector<guint8> &frame = frames[i % frames.size()];
    GstBuffer *buffer = gst_buffer_new_memdup(frame.data(), frame.size());
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(i, GST_SECOND * c.fps_d, c.fps_n);
    GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(1, GST_SECOND * c.fps_d, c.fps_n);
    if (gst_app_src_push_buffer(GST_APP_SRC(source), buffer) != GST_FLOW_OK) break;
  }
  gst_app_src_end_of_stream(GST_APP_SRC(source));

  std::vector<std::vector<guint8>> out;
  while (GstSample *sample = gst_app_sink_pull_sample(GST_APP_SINK(sink))) {
    GstMapInfo map;
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    gst_buffer_map(buffer, &map, GST_MAP_READ);
    out.emplace_back(map.data, map.data + map.size);
    gst_buffer_unmap(buffer, &map);
    gst_sample_unref(sample);
  }
  GstBus *bus = gst_element_get_bus(pipeline);
  if (GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR)) {
    GError *failure = nullptr;
    gst_message_parse_error(message, &failure, nullptr);
    ADD_FAILURE() << failure->message;
    g_error_free(failure);
    gst_message_unref(message);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(source);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
  return out;
}

class ReferenceMode : public testing::TestWithParam<std::tuple<const char *, int, int>> {
 protected:
  void SetUp() override {
    if (data_dir().empty()) GTEST_SKIP() << "W2L_TEST_DATA names no reference recordings";
  }
  Case load() {
    return load_case(std::get<0>(GetParam()), std::get<1>(GetParam()), std::get<2>(GetParam()));
  }
};

TEST_P(ReferenceMode, EveryBgrPixelIsWithinOneLevel) {
  Case c = load();
  std::vector<std::vector<guint8>> frames;
  cv::Mat first = load_frame(c, "frames", 0);
  for (int i = 0; i < c.frames; i++) {
    cv::Mat frame = load_frame(c, "frames", i);
    frames.emplace_back(frame.datastart, frame.dataend);
  }
  auto out = run(c, "BGR", frames, first.cols, first.rows, "mask=full feather=0");
  ASSERT_EQ(out.size(), static_cast<std::size_t>(c.outputs));

  const cv::Rect box(cv::Point(c.box[0], c.box[1]), cv::Point(c.box[2], c.box[3]));
  for (int i = 0; i < c.outputs; i++) {
    cv::Mat got(first.rows, first.cols, CV_8UC3, out[i].data());
    cv::Mat expected = load_frame(c, "expected", i);
    cv::Mat difference;
    cv::absdiff(got, expected, difference);
    double largest;
    cv::minMaxLoc(difference.reshape(1), nullptr, &largest);
    EXPECT_LE(largest, 1.0) << "frame " << i;
    difference(box).setTo(0);
    EXPECT_EQ(cv::countNonZero(difference.reshape(1)), 0) << "outside the box, frame " << i;
    cv::Mat input(first.rows, first.cols, CV_8UC3, frames[i % frames.size()].data());
    cv::absdiff(got, input, difference);
    EXPECT_GT(cv::countNonZero(difference(box).clone().reshape(1)), box.area()) << "frame " << i;
  }
}

TEST_P(ReferenceMode, I420IsUntouchedOutsideTheBox) {
  Case c = load();
  std::vector<std::vector<guint8>> frames;
  cv::Mat first = load_frame(c, "frames", 0);
  for (int i = 0; i < c.frames; i++) frames.push_back(to_i420(load_frame(c, "frames", i)));
  // An odd box, so that the chroma grid matters.
  c.box = {c.box[0] + 1, c.box[1] + 1, c.box[2] - 1, c.box[3] - 1};
  auto out = run(c, "I420", frames, first.cols, first.rows, "mask=full feather=0");
  ASSERT_EQ(out.size(), static_cast<std::size_t>(c.outputs));

  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_I420, first.cols, first.rows);
  for (int i = 0; i < c.outputs; i++) {
    const std::vector<guint8> &in = frames[i % frames.size()];
    ASSERT_EQ(out[i].size(), in.size());
    std::size_t outside = 0, inside = 0;
    for (int plane = 0; plane < 3; plane++) {
      const int sub = plane == 0 ? 0 : 1;
      // Rounded outwards to the chroma grid.
      const int x1 = c.box[0] >> sub, y1 = c.box[1] >> sub;
      const int x2 = (c.box[2] + sub) >> sub, y2 = (c.box[3] + sub) >> sub;
      for (int y = 0; y < first.rows >> sub; y++) {
        for (int x = 0; x < first.cols >> sub; x++) {
          std::size_t at = GST_VIDEO_INFO_PLANE_OFFSET(&info, plane) +
                           std::size_t(y) * GST_VIDEO_INFO_PLANE_STRIDE(&info, plane) + x;
          bool changed = in[at] != out[i][at];
          bool in_box = x >= x1 && x < x2 && y >= y1 && y < y2;
          (in_box ? inside : outside) += changed;
        }
      }
    }
    EXPECT_EQ(outside, 0u) << "frame " << i;
    EXPECT_GT(inside, 1000u) << "frame " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, ReferenceMode,
                         testing::Values(std::make_tuple("e2e_25fps", 25, 1),
                                         std::make_tuple("e2e_29.97fps", 2997, 100)));

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
