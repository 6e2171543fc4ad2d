// gst-wav2lip tests: fork, exec, wait4.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "subprocess.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace w2l::test {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int scratch_file() {
  char name[] = "/tmp/w2l-test-XXXXXX";
  const int fd = mkstemp(name);
  if (fd < 0) throw std::runtime_error("cannot create a file in /tmp");
  unlink(name);
  return fd;
}

std::string contents(int fd) {
  std::string text;
  char block[4096];
  lseek(fd, 0, SEEK_SET);
  for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;) text.append(block, n);
  return text;
}

double seconds(const timeval &time) {
  return time.tv_sec + time.tv_usec / 1e6;
}

}  // namespace

Subprocess::Subprocess(const std::vector<std::string> &arguments,
                       const std::vector<std::string> &environment)
    : out_(scratch_file()), err_(scratch_file()), start_(now()) {
  std::vector<char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  dup2(out_, STDOUT_FILENO);
  dup2(err_, STDERR_FILENO);
  // The tests themselves may run in the background.
  for (int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);
  for (const std::string &variable : environment) putenv(const_cast<char *>(variable.c_str()));
  execvp(argv[0], argv.data());
  _exit(127);
}

Subprocess::~Subprocess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
  close(err_);
}

void Subprocess::signal(int number) {
  kill(pid_, number);
}

Finished Subprocess::wait() {
  int status = 0;
  rusage usage{};
  wait4(pid_, &status, 0, &usage);
  pid_ = -1;
  Finished result;
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.seconds = now() - start_;
  result.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  result.peak_kilobytes = usage.ru_maxrss;
  result.out = contents(out_);
  result.err = contents(err_);
  return result;
}

Finished run(const std::vector<std::string> &arguments,
             const std::vector<std::string> &environment) {
  return Subprocess(arguments, environment).wait();
}

}  // namespace w2l::test
