// gst-wav2lip tests: what open_engine() says when something that it needs is not there.
// No backend is used: $W2L_BACKEND_PATH is set by each test.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
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
  expect_failure(ErrorCode::NoLibrary, "run subprojects/bootstrap");
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

TEST(BackendFolders, AreTheInstalledOnesUnlessTheEnvironmentNamesOthers) {
  unsetenv("W2L_BACKEND_PATH");
  EXPECT_EQ(backend_folders(), std::vector<std::string>{W2L_BACKENDS_DIR});
  setenv("W2L_BACKEND_PATH", "/a:/b", 1);
  EXPECT_EQ(backend_folders(), (std::vector<std::string>{"/a", "/b"}));
}

}  // namespace
}  // namespace w2l
