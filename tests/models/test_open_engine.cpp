// gst-wav2lip tests: what open_engine() says when something that it needs is not there.
// No backend is used: $W2L_BACKEND_PATH is set by each test.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <future>
#include <string>

#include "backend_loader.h"
#include "engine.h"
#include "sample_checkpoints.h"
#include "temporary_file.h"

namespace w2l {
namespace {

class OpenEngine : public testing::Test {
 protected:
  OpenEngine() {
    char folder[] = "/tmp/w2l-backends-XXXXXX";
    folder_ = mkdtemp(folder);
    setenv("W2L_BACKEND_PATH", folder_.c_str(), 1);
    test::SampleOptions options;
    options.divide = 16;
    test::write_sample(checkpoint_.path(), options);
    config_.model = checkpoint_.path();
    config_.device = "cpu";
  }
  ~OpenEngine() override {
    unlink((folder_ + "/libw2l-cpu.so").c_str());
    unlink((folder_ + "/libw2l-cuda.so").c_str());
    unsetenv("W2L_FAKE_GPU");
    rmdir(folder_.c_str());
  }

  void expect_failure(ErrorCode code, const std::string &part) const {
    try {
      open_engine(config_);
      FAIL() << "opened";
    } catch (const Error &error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }

  std::string folder_;
  test::TemporaryFile checkpoint_;
  EngineConfig config_;
};

TEST_F(OpenEngine, SaysThatTheBackendIsMissingWhereItLookedAndHowToGetIt) {
  expect_failure(ErrorCode::NoLibrary,
                 "libw2l-cpu.so is not installed (looked in " + folder_ + ")");
  expect_failure(ErrorCode::NoLibrary, "build or install gst-wav2lip again");
}

TEST_F(OpenEngine, AutoIsTheCpuWhereThereIsNoCudaBackend) {
  config_.device = "auto";
  expect_failure(ErrorCode::NoLibrary, "libw2l-cpu.so is not installed");
}

TEST_F(OpenEngine, SaysThatThereIsNoCudaBackend) {
  for (const char *device : {"cuda", "cuda:1"}) {
    config_.device = device;
    expect_failure(ErrorCode::NoDevice, "use device=cpu");
  }
}

TEST_F(OpenEngine, ListsTheDevices) {
  for (const char *device : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1000", "CPU"}) {
    config_.device = device;
    expect_failure(ErrorCode::Unsupported, "use auto, cpu, cuda or cuda:N");
  }
}

TEST_F(OpenEngine, RefusesANegativeNumberOfThreads) {
  config_.threads = -1;
  expect_failure(ErrorCode::Unsupported, "use 0 for all cores");
}

TEST_F(OpenEngine, LooksAtTheCheckpointBeforeAnyLibrary) {
  config_.model = "/nonexistent/wav2lip.pth";
  expect_failure(ErrorCode::NotFound, "\"/nonexistent/wav2lip.pth\" does not exist");
  config_.model = folder_;
  expect_failure(ErrorCode::OpenRead, "is a folder");
  config_.model = "";
  expect_failure(ErrorCode::NotFound, "no checkpoint given");
}

TEST_F(OpenEngine, PassesOnWhyALibraryCannotBeOpened) {
  std::ofstream(folder_ + "/libw2l-cpu.so") << std::string(4096, 'x');
  expect_failure(ErrorCode::NoLibrary, "invalid ELF header");
}

TEST_F(OpenEngine, RefusesABackendOfAnotherVersion) {
  setenv("W2L_BACKEND_PATH", (folder_ + "::" + W2L_WRONG_VERSION_FOLDER).c_str(), 1);
  expect_failure(ErrorCode::NoLibrary, "has interface version 999, but " +
                                           std::to_string(Backend::kAbiVersion) + " is needed");
}

// With backends for the CPU and for a GPU, both fakes.
class OpenFakeEngine : public OpenEngine {
 protected:
  OpenFakeEngine() {
    setenv("W2L_BACKEND_PATH", W2L_FAKE_FOLDER, 1);
    checkpoint_.write("fake");
    config_.device = "auto";
  }

  EngineInfo info() const { return open_engine(config_)->info(); }
};

TEST_F(OpenFakeEngine, AutoIsTheCpuWithoutAWordWhereThereIsNoGpu) {
  EXPECT_EQ(info().device, "cpu");
  EXPECT_EQ(info().fallback, "");
}

TEST_F(OpenFakeEngine, AutoSaysWhyItIsTheCpuWhereTheGpuIsOfNoUse) {
  setenv("W2L_FAKE_GPU", "old", 1);
  EXPECT_EQ(info().device, "cpu");
  EXPECT_EQ(info().family, "fake-96");
  EXPECT_EQ(info().fallback, "cuda:0 is too old");
  setenv("W2L_BACKEND_PATH", (folder_ + ":" + W2L_FAKE_FOLDER).c_str(), 1);
  std::ofstream(folder_ + "/libw2l-cuda.so") << std::string(4096, 'x');
  EXPECT_NE(info().fallback.find("invalid ELF header"), std::string::npos) << info().fallback;
}

TEST_F(OpenFakeEngine, WhatFailsOnTheCpuThenSaysWhyItIsNotTheGpu) {
  setenv("W2L_FAKE_GPU", "old", 1);
  checkpoint_.write("none");
  expect_failure(ErrorCode::Format,
                 "is not a fake checkpoint (the GPU is passed over: cuda:0 is too old)");
}

TEST_F(OpenFakeEngine, TwoNamesOfOneGpuAreOneEngine) {
  setenv("W2L_FAKE_GPU", "good", 1);
  config_.device = "cuda";
  const std::shared_ptr<Engine> first = open_engine(config_);
  EXPECT_EQ(first->info().device, "cuda:0");
  config_.device = "cuda:0";
  EXPECT_EQ(open_engine(config_), first);
  config_.device = "cuda:1";
  EXPECT_NE(open_engine(config_), first);
}

// As programs do that put back a file's times. A kernel's clock may stand still for some
// milliseconds.
void change_in_place(const test::TemporaryFile &file, const std::string &bytes) {
  struct stat before, after;
  ASSERT_EQ(stat(file.path().c_str(), &before), 0);
  const timespec times[] = {before.st_atim, before.st_mtim};
  do {
    file.write(bytes);
    ASSERT_EQ(utimensat(AT_FDCWD, file.path().c_str(), times, 0), 0);
    ASSERT_EQ(stat(file.path().c_str(), &after), 0);
  } while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
           after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

TEST_F(OpenFakeEngine, AChangedFileIsAnotherEngineWhateverTimeItClaims) {
  const std::shared_ptr<Engine> first = open_engine(config_);
  EXPECT_EQ(open_engine(config_), first);
  change_in_place(checkpoint_, "fake");
  EXPECT_NE(open_engine(config_), first);
}

TEST_F(OpenFakeEngine, AutoHidesNothingElse) {
  setenv("W2L_FAKE_GPU", "full", 1);
  expect_failure(ErrorCode::OutOfMemory, "cuda:0 is out of memory");
}

TEST_F(OpenFakeEngine, AnEngineThatIsTheSecondChoiceAnswersAsEver) {
  const std::vector<std::uint8_t> crop(96 * 96 * 3);
  const std::vector<float> mel(80 * 16);
  const auto engine = [&] {
    setenv("W2L_FAKE_GPU", "old", 1);
    return open_engine(config_);
  }();
  std::promise<void> called;
  const auto ticket = engine->submit({{{crop.data(), 96, 96}, mel.data()}}, Region::Full,
                                     [&] { called.set_value(); });
  EXPECT_EQ(engine->collect(ticket).images.size(), 1u);
  called.get_future().get();
  engine->discard(engine->submit({{{crop.data(), 96, 96}, mel.data()}}, Region::Full, [] {}));
}

TEST_F(OpenFakeEngine, AGpuThatIsAskedForIsNeverReplaced) {
  for (const char *device : {"cuda", "cuda:2"}) {
    config_.device = device;
    expect_failure(ErrorCode::NoDevice, "is not there");
    setenv("W2L_FAKE_GPU", "old", 1);
    expect_failure(ErrorCode::UnusableDevice, "is too old");
    unsetenv("W2L_FAKE_GPU");
  }
}

TEST(BackendFolders, AreTheInstalledOnesUnlessTheEnvironmentNamesOthers) {
  unsetenv("W2L_BACKEND_PATH");
  EXPECT_EQ(backend_folders(), std::vector<std::string>{W2L_BACKENDS_DIR});
  setenv("W2L_BACKEND_PATH", "/a:/b", 1);
  EXPECT_EQ(backend_folders(), (std::vector<std::string>{"/a", "/b"}));
}

}  // namespace
}  // namespace w2l
