// gst-wav2lip tests: a profiler sees every stage of the elements as NVTX ranges, on a machine
// without a GPU. The injection library that Meson names in the environment stands in for it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "infer_fixture.h"
#include "range.h"

namespace {

std::set<std::string> lines_of(const std::string &path) {
  std::set<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.insert(line);
  return lines;
}

// The injection library keeps it open.
void empty(const char *path) {
  std::ofstream(path, std::ios::trunc).close();
}

struct Range {
  long thread = 0;
  std::string thread_name;
  long start = 0, end = 0, on_cpu = 0;  // nanoseconds
  std::string name;
};

std::vector<Range> ranges_of(const std::string &path) {
  std::vector<Range> ranges;
  std::ifstream file(path);
  Range range;
  while (file >> range.thread >> range.thread_name >> range.start >> range.end >> range.on_cpu &&
         std::getline(file >> std::ws, range.name))
    ranges.push_back(range);
  return ranges;
}

// What the benchmark draws its timeline from.
TEST(Tracing, RangesAreWrittenWithTheirThreadsAndTimes) {
  const char *file = std::getenv("W2L_NVTX_RANGES");
  ASSERT_NE(file, nullptr);
  empty(file);
  {
    w2l::TraceRange outer{"test: outer"};
    w2l::TraceRange inner{"test: inner"};
  }
  std::thread([] { w2l::TraceRange other{"test: other"}; }).join();

  const std::vector<Range> ranges = ranges_of(file);
  ASSERT_EQ(ranges.size(), 3u);
  const Range &inner = ranges[0], &outer = ranges[1], &other = ranges[2];
  EXPECT_EQ(inner.name, "test: inner");
  EXPECT_EQ(outer.name, "test: outer");
  EXPECT_EQ(other.name, "test: other");
  EXPECT_EQ(inner.thread, outer.thread);
  EXPECT_NE(inner.thread, other.thread);
  EXPECT_LE(outer.start, inner.start);
  EXPECT_LE(inner.start, inner.end);
  EXPECT_LE(inner.end, outer.end);
  EXPECT_LE(outer.end, other.start);
  EXPECT_LE(inner.on_cpu, outer.on_cpu);
}

TEST(Tracing, EveryStageOfTheElementsHasARange) {
  const char *log = std::getenv("W2L_NVTX_LOG");
  ASSERT_NE(log, nullptr);
  empty(log);
  gst_init(nullptr, nullptr);

  // A blank picture has no face, so that detection is traced in one run and patching in the other;
  // tracking needs a real face.
  const std::string blank = "videotestsrc num-buffers=3 pattern=smpte ! video/x-raw,format=I420 ! ";
  std::vector<std::string> fronts{blank + "w2lfacecache detector=haar",
                                  blank + "w2lfacecache box=\"<20,20,80,90>\""};
  std::set<std::string> names{"w2lfacecache: detect", "w2linfer: mel", "w2linfer: crop",
                              "w2linfer: push", "w2lpatch: blend"};
  if (const char *data = std::getenv("W2L_TEST_DATA")) {
    fronts.push_back("filesrc location=" + std::string(data) +
                     "/assets/video/h00_frontal_640x360_25fps.mp4 ! decodebin ! videoconvert "
                     "! w2lfacecache detector=haar");
    names.insert("w2lfacecache: track");
  }
  const std::string rest = " ! w2linfer name=infer model=" + w2l::test::fake_model() +
                           " ! w2lpatch ! fakesink audiotestsrc num-buffers=30 ! infer.audio";
  for (const std::string &front : fronts) {
    GError *error = nullptr;
    GstElement *pipeline = gst_parse_launch((front + rest).c_str(), &error);
    ASSERT_NE(pipeline, nullptr) << error->message;
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_timed_pop_filtered(
        bus, 60 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    ASSERT_NE(message, nullptr);
    EXPECT_EQ(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS);
    gst_message_unref(message);
    gst_object_unref(bus);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }

  std::set<std::string> ranges = lines_of(log);
  for (const std::string &name : names) EXPECT_EQ(ranges.count(name), 1u) << name;
}

}  // namespace
