// gst-wav2lip tests: libw2l-cpu.so through the interface that w2linfer uses. Runs under the NVTX
// injection library of tests/tools, so that it also sees what a profiler would see.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <sched.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "engine.h"
#include "no_threads.h"
#include "sample_checkpoints.h"
#include "sample_inputs.h"
#include "temporary_file.h"

namespace w2l {
namespace {

class CpuEngine : public testing::Test {
 protected:
  CpuEngine() {
    test::SampleOptions options;
    options.divide = 4;
    test::write_sample(file_.path(), options);
    config_.model = file_.path();
    config_.device = "cpu";
    config_.precision = Precision::Fp32;
    config_.threads = 2;
  }

  static Answers run(Engine &engine, const std::vector<Sample> &batch,
                     Region region = Region::Full) {
    return engine.collect(engine.submit(batch, region, nullptr));
  }

  Error failure() const {
    try {
      open_engine(config_);
    } catch (const Error &error) {
      return error;
    }
    return Error(ErrorCode::Failed, "no error at all");
  }

  test::TemporaryFile file_;
  EngineConfig config_;
};

TEST_F(CpuEngine, DescribesItself) {
  const EngineInfo info = open_engine(config_)->info();
  EXPECT_EQ(info.family, "wav2lip-96");
  EXPECT_EQ(info.crop_size, 96);
  EXPECT_EQ(info.mel_bands, 80);
  EXPECT_EQ(info.mel_columns, 16);
  EXPECT_EQ(info.device, "cpu");
  EXPECT_EQ(info.precision, Precision::Fp32);
  EXPECT_EQ(info.preferred_batch, 8);
  EXPECT_EQ(info.max_batch, 128);
  EXPECT_GT(info.parameters, 36298035 / 16);
  EXPECT_LT(info.parameters, 36298035 / 15);
}

TEST_F(CpuEngine, IsOneInstanceForOneConfig) {
  const auto engine = open_engine(config_);
  EXPECT_EQ(open_engine(config_), engine);
  const std::size_t slash = file_.path().rfind('/');
  EngineConfig other = config_;
  other.model = file_.path().substr(0, slash) + "/." + file_.path().substr(slash);
  EXPECT_EQ(open_engine(other), engine);  // the same file
  other = config_;
  other.threads = 1;
  EXPECT_NE(open_engine(other), engine);
  std::weak_ptr<Engine> watched = open_engine(other);
  EXPECT_TRUE(watched.expired());  // nobody kept it
  test::SampleOptions options;
  options.divide = 8;
  test::write_sample(file_.path(), options);
  EXPECT_NE(open_engine(config_), engine);  // another checkpoint under the same name
}

TEST_F(CpuEngine, AnswersDoNotDependOnTheBatchSize) {
  const auto engine = open_engine(config_);
  const auto inputs = test::sample_inputs(8);
  const auto samples = test::samples_of(inputs);
  const Answers all = run(*engine, samples);
  ASSERT_EQ(all.images.size(), 8u);
  EXPECT_NE(all.images[0], all.images[1]);
  EXPECT_GT(all.milliseconds, 0);
  const auto part = [&](std::size_t first, std::size_t count) {
    return std::vector<Sample>(samples.begin() + static_cast<std::ptrdiff_t>(first),
                               samples.begin() + static_cast<std::ptrdiff_t>(first + count));
  };
  for (std::size_t size : {1, 3}) {
    for (std::size_t first = 0; first + size <= 8; first += size) {
      const Answers some = run(*engine, part(first, size));
      for (std::size_t i = 0; i < size; ++i)
        EXPECT_EQ(some.images[i], all.images[first + i]) << size << " from " << first;
    }
  }
}

// As those of several live streams are.
TEST_F(CpuEngine, SmallBatchesThatWaitTogetherAreAnsweredAsAlone) {
  const auto inputs = test::sample_inputs(12);
  const auto samples = test::samples_of(inputs);
  config_.threads = 1;
  for (const Precision precision : {Precision::Fp32, Precision::Bf16}) {
    config_.precision = precision;
    const auto engine = open_engine(config_);
    std::vector<Engine::Ticket> tickets;
    for (const Sample &sample : samples)
      tickets.push_back(engine->submit({sample}, Region::Full, nullptr));
    std::vector<Answers> together;
    for (const Engine::Ticket ticket : tickets) together.push_back(engine->collect(ticket));
    config_.feature_cache_bytes = 0;
    const auto forgetful = open_engine(config_);
    for (std::size_t i = 0; i < samples.size(); ++i)
      EXPECT_EQ(together[i].images, run(*forgetful, {samples[i]}).images) << i;
    config_.feature_cache_bytes = EngineConfig().feature_cache_bytes;
  }
}

// One thread: two would both compute what comes in one batch.
class RepeatedCrops : public CpuEngine {
 protected:
  RepeatedCrops() { config_.threads = 1; }

  // Faces as numbered, with speech that is new in each batch.
  std::vector<Sample> batch(const std::vector<int> &faces) {
    inputs_.clear();
    for (const int face : faces) {
      inputs_.emplace_back(face);
      inputs_.back().mel = test::SampleInput(++speech_).mel;
    }
    return test::samples_of(inputs_);
  }

  // Runs a batch and compares its answers with those of an engine that keeps nothing.
  int repeated(Engine &engine, const std::vector<int> &faces, Region region) {
    EngineConfig forgetful = config_;
    forgetful.feature_cache_bytes = 0;
    const std::vector<Sample> samples = batch(faces);
    const Answers actual = run(engine, samples, region);
    const Answers expected = run(*open_engine(forgetful), samples, region);
    EXPECT_EQ(expected.repeated_crops, 0);
    EXPECT_EQ(actual.images, expected.images);
    return actual.repeated_crops;
  }

  std::vector<test::SampleInput> inputs_;
  int speech_ = 100;
};

TEST_F(RepeatedCrops, AreCountedAndAnsweredAsNewOnes) {
  for (const Region region : {Region::Lower, Region::Full}) {
    const auto engine = open_engine(config_);
    EXPECT_EQ(repeated(*engine, {1, 2, 3}, region), 0);
    EXPECT_EQ(repeated(*engine, {4, 2, 5, 1}, region), 2);  // old and new ones in one batch
    EXPECT_EQ(repeated(*engine, {6, 6, 1, 6}, region), 3);  // a new one three times
    EXPECT_EQ(repeated(*engine, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}, region), 12);
  }
}

TEST_F(RepeatedCrops, OfTheLowerHalfAreNotEnoughForWholeAnswers) {
  const auto engine = open_engine(config_);
  EXPECT_EQ(repeated(*engine, {1, 2}, Region::Lower), 0);
  EXPECT_EQ(repeated(*engine, {1, 2}, Region::Full), 0);
  EXPECT_EQ(repeated(*engine, {1, 2}, Region::Lower), 2);
  EXPECT_EQ(repeated(*engine, {1, 2}, Region::Full), 2);
}

TEST_F(RepeatedCrops, AreComputedAgainWhenTheyDoNotFit) {
  config_.feature_cache_bytes = 400 * 1024;  // one crop's
  const auto engine = open_engine(config_);
  EXPECT_EQ(repeated(*engine, {1}, Region::Full), 0);
  EXPECT_EQ(repeated(*engine, {1}, Region::Full), 1);
  EXPECT_EQ(repeated(*engine, {2}, Region::Full), 0);
  EXPECT_EQ(repeated(*engine, {1}, Region::Full), 0);
}

TEST_F(RepeatedCrops, AnotherBoundIsAnotherEngine) {
  const auto engine = open_engine(config_);
  config_.feature_cache_bytes /= 2;
  EXPECT_NE(open_engine(config_), engine);
}

TEST_F(CpuEngine, AnswersDoNotDependOnTheThreads) {
  const auto inputs = test::sample_inputs(5);
  const auto samples = test::samples_of(inputs);
  const Answers expected = run(*open_engine(config_), samples);
  for (int threads : {1, 3, 6}) {
    config_.threads = threads;
    EXPECT_EQ(run(*open_engine(config_), samples).images, expected.images) << threads;
  }
}

class CpuEngineDeathTest : public CpuEngine {
 protected:
  // Two threads for each worker are OpenMP's.
  void answer_without_more_threads() {
    config_.threads = 8;
    const auto engine = open_engine(config_);
    std::filesystem::remove(file_.path());  // nothing is destroyed here
    test::forbid_threads();
    const auto inputs = test::sample_inputs(8);
    const Answers answers = run(*engine, test::samples_of(inputs));
    std::_Exit(answers.images.size() == inputs.size() ? 0 : 2);
  }
};

TEST_F(CpuEngineDeathTest, NeedsNoMoreThreadsOnceItIsOpen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(answer_without_more_threads(), testing::ExitedWithCode(0), "");
}

// Binds the calling thread, and those that it starts, to some of its CPUs.
class BoundTo {
 public:
  explicit BoundTo(int count) {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t some;
    CPU_ZERO(&some);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&some) < count; ++cpu)
      if (CPU_ISSET(cpu, &before_)) CPU_SET(cpu, &some);
    sched_setaffinity(0, sizeof some, &some);
  }
  ~BoundTo() { sched_setaffinity(0, sizeof before_, &before_); }
  BoundTo(const BoundTo &) = delete;
  BoundTo &operator=(const BoundTo &) = delete;

 private:
  cpu_set_t before_;
};

std::ptrdiff_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST_F(CpuEngine, RunsOnOneCore) {
  const auto inputs = test::sample_inputs(3);
  const auto samples = test::samples_of(inputs);
  const Answers expected = run(*open_engine(config_), samples);
  const BoundTo one_core(1);
  for (int threads : {0, 1, 2}) {
    config_.threads = threads;
    EXPECT_EQ(run(*open_engine(config_), samples).images, expected.images) << threads;
  }
}

TEST_F(CpuEngine, StartsAThreadForEachCpuItMayUse) {
  config_.threads = 0;
  open_engine(config_);  // the library is loaded
  cpu_set_t usable;
  ASSERT_EQ(sched_getaffinity(0, sizeof usable, &usable), 0);
  for (int cpus = 1; cpus <= std::min(2, CPU_COUNT(&usable)); ++cpus) {
    const BoundTo some(cpus);
    const std::ptrdiff_t before = threads_of_this_process();
    const auto engine = open_engine(config_);
    // The system may still list threads that have ended.
    while (threads_of_this_process() - before > cpus) std::this_thread::yield();
    EXPECT_EQ(threads_of_this_process() - before, cpus);
  }
}

TEST_F(CpuEngine, PromisesTheLowerRowsForTheLowerRegion) {
  const auto engine = open_engine(config_);
  const auto inputs = test::sample_inputs(2);
  const auto samples = test::samples_of(inputs);
  const Answers full = run(*engine, samples, Region::Full);
  const Answers lower = run(*engine, samples, Region::Lower);
  EXPECT_EQ(full.first_valid_row, 0);
  EXPECT_EQ(full.end_valid_row, 96);
  EXPECT_EQ(lower.first_valid_row, 48);
  EXPECT_EQ(lower.end_valid_row, 96);
  // Sums are made in another order where other rows are left out: a value may round to the next.
  const std::ptrdiff_t half = 48 * 96 * 3;
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_TRUE(std::equal(full.images[i].begin() + half, full.images[i].end(),
                           lower.images[i].begin() + half,
                           [](int a, int b) { return std::abs(a - b) <= 1; }));
}

TEST_F(CpuEngine, CopiesItsInputs) {
  const auto engine = open_engine(config_);
  test::SampleInput input(0);
  const Answers expected = run(*engine, {input.sample()});
  const auto ticket = engine->submit({input.sample()}, Region::Full, nullptr);
  std::fill(input.crop.begin(), input.crop.end(), 0);
  std::fill(input.mel.begin(), input.mel.end(), 0.0f);
  EXPECT_EQ(engine->collect(ticket).images, expected.images);
}

TEST_F(CpuEngine, RunsSeveralBatchesInFlightInOrder) {
  const auto engine = open_engine(config_);
  const auto inputs = test::sample_inputs(4);
  std::vector<int> done;
  std::vector<Engine::Ticket> tickets;
  for (int i = 0; i < 4; ++i)
    tickets.push_back(engine->submit({inputs[static_cast<std::size_t>(i)].sample()}, Region::Full,
                                     [&done, i] { done.push_back(i); }));
  engine->discard(tickets[1]);
  const Answers last = engine->collect(tickets[3]);
  EXPECT_EQ(last.images, run(*engine, {inputs[3].sample()}).images);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.back(), 3);
  engine->collect(tickets[0]);
  engine->collect(tickets[2]);
}

TEST_F(CpuEngine, TakesBatchesOf1To128) {
  const auto engine = open_engine(config_);
  const test::SampleInput input(0);
  EXPECT_THROW(engine->submit({}, Region::Full, nullptr), Error);
  EXPECT_THROW(engine->submit(std::vector<Sample>(129, input.sample()), Region::Full, nullptr),
               Error);
  const Answers answers = run(*engine, std::vector<Sample>(20, input.sample()));
  ASSERT_EQ(answers.images.size(), 20u);
  EXPECT_EQ(answers.images.front(), answers.images.back());
}

TEST_F(CpuEngine, TakesCropsOfTheNetworksSizeOnly) {
  const auto engine = open_engine(config_);
  EXPECT_EQ(engine->info().max_crop_edge, 0);
  Sample sample = test::SampleInput(0).sample();
  using Size = std::pair<int, int>;
  for (const auto &[width, height] : {Size{96, 95}, Size{97, 96}, Size{48, 192}, Size{0, 0}}) {
    sample.crop.width = width;
    sample.crop.height = height;
    try {
      engine->submit({sample}, Region::Full, nullptr);
      ADD_FAILURE() << width << " x " << height << " was taken";
    } catch (const Error &error) {
      EXPECT_EQ(error.code(), ErrorCode::Unsupported);
      EXPECT_EQ(std::string(error.what()),
                "a crop of " + std::to_string(width) + " x " + std::to_string(height) +
                    " pixels; the engine takes 96 x 96 (a bug in the caller)");
    }
  }
}

TEST_F(CpuEngine, RefusesPrecisionsThatACpuHasNot) {
  for (Precision precision : {Precision::Fp16, Precision::Tf32}) {
    config_.precision = precision;
    EXPECT_EQ(failure().code(), ErrorCode::Unsupported);
    EXPECT_NE(std::string(failure().what()).find("use auto, fp32 or bf16"), std::string::npos);
  }
}

TEST_F(CpuEngine, PassesOnWhatIsWrongWithACheckpoint) {
  test::SampleOptions options;
  options.kind = "s3fd";
  test::write_sample(file_.path(), options);
  EXPECT_EQ(failure().code(), ErrorCode::Unsupported);
  EXPECT_EQ(std::string(failure().what()),
            "\"" + file_.path() +
                "\" is a face detector, not a Wav2Lip checkpoint; pass wav2lip.pth or "
                "wav2lip_gan.pth");
  options.kind = "hostile";
  test::write_sample(file_.path(), options);
  EXPECT_EQ(failure().code(), ErrorCode::Format);
  file_.write("PK\3\4 and then nothing");
  EXPECT_EQ(failure().code(), ErrorCode::Format);
}

TEST_F(CpuEngine, ShowsItsStagesToAProfiler) {
  const char *log = std::getenv("W2L_NVTX_LOG");
  if (!log || !std::getenv("NVTX_INJECTION64_PATH")) GTEST_SKIP() << "no NVTX injection library";
  std::ofstream(log, std::ios::trunc).close();
  const auto engine = open_engine(config_);
  const auto lines = [log] {
    std::ifstream in(log);
    std::multiset<std::string> names;
    for (std::string line; std::getline(in, line);) names.insert(line);
    return names;
  };
  EXPECT_EQ(lines(), (std::multiset<std::string>{"engine: prepare"}));
  const test::SampleInput input(0);
  run(*engine, {input.sample()});
  EXPECT_EQ(lines(), (std::multiset<std::string>{"engine: audio encoder", "engine: decoder",
                                                 "engine: face encoder", "engine: output",
                                                 "engine: prepare"}));
}

}  // namespace
}  // namespace w2l
