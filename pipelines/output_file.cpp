// gst-lipsync-1.0: temporary file, fsync, rename.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "options.h"
#include "user_error.h"

namespace lipsync {
namespace fs = std::filesystem;
namespace {

std::string named(const std::string &path) {
  return "--outfile \"" + path + "\"";
}

std::string folder_of(const std::string &path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// Opened with O_EXCL: never follows a link or takes over a file that somebody else laid there.
void create_exclusively(const std::string &file, const std::string &output) {
  const int fd = open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0)
    throw UserError(named(output) + " cannot be written (" + std::strerror(errno) +
                    "): choose a folder you may write to");
  close(fd);
}

void sync_path(const std::string &path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  // Some file systems cannot sync a folder; the data itself must be on disk.
  if (!synced && !(flags & O_DIRECTORY))
    throw UserError("writing \"" + path + "\" failed: " + std::strerror(error));
}

}  // namespace

OutputFile::OutputFile(const std::string &path, const std::vector<std::string> &inputs)
    : path_(path) {
  const std::string extension = fs::path(path).extension().string();
  if (extension != ".mp4" && extension != ".m4v")
    throw UserError(named(path) + " must end with .mp4: MP4 is what this program writes",
                    kExitUsage);
  std::error_code error;
  if (fs::is_directory(path, error))
    throw UserError(named(path) + " is a folder: name a file in it");
  if (fs::exists(path, error) && !fs::is_regular_file(path, error))
    throw UserError(named(path) + " is a pipe or a device: name a file");
  for (const std::string &input : inputs)
    if (fs::equivalent(path, input, error))
      throw UserError(named(path) + " is an input file: choose another name");

  const std::string folder = folder_of(path);
  if (!fs::is_directory(folder, error)) {
    // Only the default's folder is made, as it comes with the reference.
    if (path != kDefaultOutfile || !fs::create_directory(folder, error))
      throw UserError(named(path) + ": the folder \"" + folder +
                      "\" does not exist or is none: create it, or choose another name");
    made_folder_ = folder;
  }
  partial_ = path + ".part-" + std::to_string(getpid());
  faststart_ = partial_ + "-mdat";
  try {
    create();
  } catch (...) {
    remove_temporary_files();
    throw;
  }
  unlink(partial_.c_str());
  unlink(faststart_.c_str());
}

OutputFile::~OutputFile() {
  remove_temporary_files();
}

void OutputFile::create() {
  remove_temporary_files();
  if (!made_folder_.empty()) {
    std::error_code error;
    fs::create_directory(made_folder_, error);
  }
  create_exclusively(partial_, path_);
  create_exclusively(faststart_, path_);
}

void OutputFile::commit() {
  sync_path(partial_, O_RDONLY);
  if (std::rename(partial_.c_str(), path_.c_str()) != 0)
    throw UserError(named(path_) + " cannot be replaced (" + std::strerror(errno) + ")");
  sync_path(folder_of(path_), O_RDONLY | O_DIRECTORY);
  made_folder_.clear();
}

void OutputFile::remove_temporary_files() {
  if (!partial_.empty()) unlink(partial_.c_str());
  if (!faststart_.empty()) unlink(faststart_.c_str());
  std::error_code error;
  if (!made_folder_.empty()) fs::remove(made_folder_, error);  // fails when not empty, as it should
}

}  // namespace lipsync
