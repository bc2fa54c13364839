// SPDX-License-Identifier: Apache-2.0
//
// Put before the C library with LD_PRELOAD, this is a disk that fills up or turns read-only. It
// needs no privileges, counts for root too, and strikes at one chosen call:
//   FAULTY_DIR     what is in this directory, and itself, stand on the faulty disk
//   FAULTY_KIND    full: what needs space is refused, and of the first write a half gets in
//                  readonly: what changes anything is refused
//   FAULTY_CALL    the first call that is refused, beginning with 1; so is each one after it
//   FAULTY_SINCE   if set: counted are the calls of that thread alone which first makes a file in
//                  this directory, that one included
//   FAULTY_REPORT  a file that gets a line for each call that was refused: its name and its path
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

const char* Setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// What a call wants of the disk.
enum class Wants { kSpace, kChange };

std::atomic<long> g_calls{0};
std::atomic<bool> g_refuses{false};
std::atomic<pid_t> g_counted_thread{0};

bool IsIn(const char* path, const char* dir) {
  const size_t n = std::strlen(dir);
  return n > 0 && std::strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

template <class Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

void Report(const char* call, const char* path) {
  const int file =
      Next<int(const char*, int, ...)>("open")(Setting("FAULTY_REPORT"), O_WRONLY | O_APPEND);
  if (file < 0) return;
  char line[4200];
  const int n = std::snprintf(line, sizeof line, "%s %s\n", call, path);
  (void)!Next<ssize_t(int, const void*, size_t)>("write")(file, line, static_cast<size_t>(n));
  ::close(file);
}

bool IsCounted(const char* path) {
  const char* const since = Setting("FAULTY_SINCE");
  if (*since == '\0') return true;
  pid_t none = 0;
  if (IsIn(path, since) && std::strcmp(path, since) != 0) {
    g_counted_thread.compare_exchange_strong(none, ::gettid());
  }
  return g_counted_thread == ::gettid();
}

enum class Answer { kGoesOn, kHalf, kRefused };

Answer Ask(Wants wants, const char* call, const char* path) {
  if (!IsIn(path, Setting("FAULTY_DIR"))) return Answer::kGoesOn;
  const bool readonly = std::strcmp(Setting("FAULTY_KIND"), "readonly") == 0;
  if (wants == Wants::kChange && !readonly) return Answer::kGoesOn;
  const bool is_first =
      !g_refuses && IsCounted(path) && ++g_calls == std::atol(Setting("FAULTY_CALL"));
  if (!is_first && !g_refuses) return Answer::kGoesOn;
  // Reported before any other thread is refused, so that the chosen call is the first line.
  Report(call, path);
  g_refuses = true;
  errno = readonly ? EROFS : ENOSPC;
  return is_first && !readonly ? Answer::kHalf : Answer::kRefused;
}
bool IsRefused(Wants wants, const char* call, const char* path) {
  const int error = errno;
  if (Ask(wants, call, path) != Answer::kGoesOn) return true;
  errno = error;
  return false;
}

// The path of an open file; "" of none.
struct PathOf {
  explicit PathOf(int fd) {
    char link[64];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const int error = errno;
    const ssize_t n = ::readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    errno = error;
  }
  char path[4096];
};

// How much of a write is let through; -1 if nothing.
ssize_t Room(const char* call, int fd, size_t wanted) {
  const int error = errno;
  const Answer answer = Ask(Wants::kSpace, call, PathOf(fd).path);
  if (answer == Answer::kRefused || (answer == Answer::kHalf && wanted < 2)) return -1;
  errno = error;
  return static_cast<ssize_t>(answer == Answer::kHalf ? wanted / 2 : wanted);
}

bool Exists(const char* path) {
  struct stat found;
  const int error = errno;
  const bool exists = ::stat(path, &found) == 0;
  errno = error;
  return exists;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  const bool makes = (flags & O_CREAT) != 0 && !Exists(path);
  const bool changes = (flags & O_ACCMODE) != O_RDONLY;
  if (makes ? IsRefused(Wants::kSpace, "open", path)
            : changes && IsRefused(Wants::kChange, "open", path)) {
    return -1;
  }
  return Next<int(const char*, int, ...)>("open")(path, flags, mode);
}
int mkdir(const char* path, mode_t mode) noexcept {
  if (!Exists(path) && IsRefused(Wants::kSpace, "mkdir", path)) return -1;
  return Next<int(const char*, mode_t)>("mkdir")(path, mode);
}
int link(const char* from, const char* to) noexcept {
  if (IsRefused(Wants::kSpace, "link", to)) return -1;
  return Next<int(const char*, const char*)>("link")(from, to);
}
int rename(const char* from, const char* to) noexcept {
  if (IsRefused(Wants::kChange, "rename", to)) return -1;
  return Next<int(const char*, const char*)>("rename")(from, to);
}
int unlink(const char* path) noexcept {
  if (Exists(path) && IsRefused(Wants::kChange, "unlink", path)) return -1;
  return Next<int(const char*)>("unlink")(path);
}
int ftruncate(int fd, off_t size) noexcept {
  if (IsRefused(Wants::kChange, "ftruncate", PathOf(fd).path)) return -1;
  return Next<int(int, off_t)>("ftruncate")(fd, size);
}
// Asks without a change, so it is no call of its own: refused only by a disk that refuses already.
int access(const char* path, int mode) noexcept {
  if ((mode & W_OK) != 0 && IsIn(path, Setting("FAULTY_DIR")) &&
      std::strcmp(Setting("FAULTY_KIND"), "readonly") == 0 &&
      (g_refuses || std::atol(Setting("FAULTY_CALL")) == 1)) {
    Report("access", path);
    errno = EROFS;
    return -1;
  }
  return Next<int(const char*, int)>("access")(path, mode);
}
// RocksDB asks for space in advance and goes on without it.
int fallocate(int fd, int mode, off_t at, off_t size) {
  if (g_refuses && IsIn(PathOf(fd).path, Setting("FAULTY_DIR"))) {
    errno = ENOSPC;
    return -1;
  }
  return Next<int(int, int, off_t, off_t)>("fallocate")(fd, mode, at, size);
}
ssize_t write(int fd, const void* bytes, size_t size) {
  const ssize_t room = Room("write", fd, size);
  if (room < 0) return -1;
  return Next<ssize_t(int, const void*, size_t)>("write")(fd, bytes, static_cast<size_t>(room));
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  const ssize_t room = Room("pwrite", fd, size);
  if (room < 0) return -1;
  return Next<ssize_t(int, const void*, size_t, off_t)>("pwrite")(fd, bytes,
                                                                  static_cast<size_t>(room), at);
}
// Where space is given out late, a full disk shows at the sync.
int fdatasync(int fd) {
  if (IsRefused(Wants::kSpace, "fdatasync", PathOf(fd).path)) return -1;
  return Next<int(int)>("fdatasync")(fd);
}
int fsync(int fd) {
  if (IsRefused(Wants::kSpace, "fsync", PathOf(fd).path)) return -1;
  return Next<int(int)>("fsync")(fd);
}
}
