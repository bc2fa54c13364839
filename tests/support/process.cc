// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/check.h"
#include "tests/support/paths.h"

namespace trident {
namespace {

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe MakePipe() {
  int ends[2];
  TRIDENT_CHECK_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {ends[0], ends[1]};
}

// Root's programs get these back at exec from the bounding set, so there they are dropped.
void DropOverride() {
  for (int capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) {
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}

// Between fork and exec only what is safe there.
pid_t Spawn(const std::vector<std::string>& words, int out, int err, const Surroundings& around) {
  const std::string program = InBuild(words.front());
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (size_t i = 1; i < words.size(); ++i) argv.push_back(const_cast<char*>(words[i].c_str()));
  argv.push_back(nullptr);
  // Of two values of one name, the first counts.
  std::vector<char*> environment;
  for (const std::string& entry : around.environment) {
    environment.push_back(const_cast<char*>(entry.c_str()));
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("TRIDENT_ADDRESS=")) environment.push_back(*entry);
  }
  environment.push_back(nullptr);
  int network = -1;
  if (!around.network.empty()) {
    network = ::open(around.network.c_str(), O_RDONLY | O_CLOEXEC);
    TRIDENT_CHECK_GE(network, 0) << around.network;
  }
  const pid_t pid = ::fork();
  TRIDENT_CHECK_GE(pid, 0);
  if (pid > 0) {
    if (network >= 0) ::close(network);
    return pid;
  }
  if (network >= 0 && ::setns(network, CLONE_NEWNET) != 0) ::_exit(126);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (around.rights == Rights::kNoOverride) DropOverride();
  ::execve(program.c_str(), argv.data(), environment.data());
  ::_exit(127);
}

// Reads both to their ends.
void Drain(int out, int err, Ended& ended) {
  std::array<pollfd, 2> ends = {pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<std::string*, 2> into = {&ended.out, &ended.err};
  for (int open = 2; open > 0;) {
    ::poll(ends.data(), ends.size(), -1);
    for (size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t n = ::read(ends[i].fd, buffer, sizeof buffer);
      if (n > 0) {
        into[i]->append(buffer, static_cast<size_t>(n));
        continue;
      }
      ::close(ends[i].fd);
      ends[i].fd = -1;
      --open;
    }
  }
}

int CodeOf(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Ended RunProgramToEnd(const std::vector<std::string>& words, const Surroundings& around) {
  const Pipe out = MakePipe(), err = MakePipe();
  const pid_t pid = Spawn(words, out.write, err.write, around);
  ::close(out.write);
  ::close(err.write);
  Ended ended;
  Drain(out.read, err.read, ended);
  ended.code = CodeOf(pid);
  return ended;
}

Ended RunTrident(const std::vector<std::string>& arguments, Rights rights) {
  std::vector<std::string> words = {"trident"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return RunProgramToEnd(words, {.rights = rights});
}

Background::Background(const std::vector<std::string>& words) {
  const Pipe err = MakePipe();
  const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  pid_ = Spawn(words, nothing, err.write, {});
  ::close(nothing);
  ::close(err.write);
  err_ = err.read;
}

Background::Background(const std::vector<std::string>& words, const std::string& says_to,
                       const Surroundings& around) {
  const int err = ::open(says_to.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  TRIDENT_CHECK_GE(err, 0) << says_to;
  const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  pid_ = Spawn(words, nothing, err, around);
  ::close(nothing);
  ::close(err);
}

Background::~Background() {
  if (pid_ > 0) End(SIGKILL);
  if (err_ >= 0) ::close(err_);
}

std::string Background::AwaitLine(const std::string& text) {
  for (;;) {
    const size_t at = said_.find(text);
    const size_t end = at == std::string::npos ? at : said_.find('\n', at);
    if (end != std::string::npos) {
      const size_t begin = said_.rfind('\n', at) + 1;
      return said_.substr(begin, end - begin);
    }
    char buffer[4096];
    const ssize_t n = ::read(err_, buffer, sizeof buffer);
    if (n <= 0) return "";
    said_.append(buffer, static_cast<size_t>(n));
  }
}

int Background::End(int signal) {
  ::kill(pid_, signal);
  const int code = CodeOf(pid_);
  pid_ = -1;
  return code;
}

std::optional<int> Background::EndsWithin(int milliseconds) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  pollfd ended{fd, POLLIN, 0};
  const int n = ::poll(&ended, 1, milliseconds);
  ::close(fd);
  if (n <= 0) return std::nullopt;
  const int code = CodeOf(pid_);
  pid_ = -1;
  return code;
}

}  // namespace trident
