// gst-wav2lip: a checkpoint's bytes, mapped read-only. See mapped_file.h.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace w2l {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(const std::string &path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor &) = delete;
  FileDescriptor &operator=(const FileDescriptor &) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

MappedFile::MappedFile(const std::string &path) {
  FileDescriptor file(path);
  if (file.get() < 0) {
    const int cause = errno;
    if (cause == ENOENT || cause == ENOTDIR)
      fail(ErrorCode::NotFound, path, "does not exist; check the path of the checkpoint");
    fail(ErrorCode::OpenRead, path,
         std::string("cannot be read: ") + std::strerror(cause) + "; check its permissions");
  }
  struct stat status;
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    fail(ErrorCode::OpenRead, path, "is not a file; give the path of a checkpoint");
  if (status.st_size == 0) fail(ErrorCode::Format, path, "is empty; download the checkpoint again");
  size_ = static_cast<std::size_t>(status.st_size);
  void *address = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED)
    fail(ErrorCode::OpenRead, path, std::string("cannot be mapped: ") + std::strerror(errno));
  data_ = static_cast<const std::uint8_t *>(address);
  // Read-ahead would pull in the storages between the few bytes that describe them.
  advise(bytes(), MADV_RANDOM);
}

MappedFile::~MappedFile() {
  munmap(const_cast<std::uint8_t *>(data_), size_);
}

void MappedFile::will_need(ByteSpan range) const {
  advise(range, MADV_WILLNEED);
}

void MappedFile::release(ByteSpan range) const {
  advise(range, MADV_DONTNEED);
}

void MappedFile::advise(ByteSpan range, int advice) const {
  if (range.size == 0) return;
  // Whole pages; a page shared with a neighbour comes back from the file when it is needed.
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t start = static_cast<std::size_t>(range.data - data_) / page * page;
  const std::size_t end = static_cast<std::size_t>(range.data - data_) + range.size;
  // Advice only: the contents are right without it.
  (void)madvise(const_cast<std::uint8_t *>(data_) + start, end - start, advice);
}

std::string printable(const std::string &text) {
  constexpr std::size_t kLongest = 120;
  std::string result = text.substr(0, kLongest);
  for (char &c : result)
    if (c < ' ' || c > '~') c = '?';
  return result;
}

void fail(ErrorCode code, const std::string &path, const std::string &what) {
  throw Error(code, "\"" + path + "\" " + what);
}

void fail_damaged(const std::string &path, const std::string &what) {
  fail(ErrorCode::Format, path,
       "is damaged or not a checkpoint: " + what + "; download the checkpoint again");
}

}  // namespace w2l
