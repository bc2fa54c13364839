// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/file_watch.h"

#include <linux/magic.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/logging.h"

namespace trident {
namespace {

constexpr uint32_t kContent = IN_MODIFY;
constexpr uint32_t kNames =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
// A look at everything, in case that a change was not told: another name of a file may lead through
// a folder that nobody watches.
constexpr Nanos kLookAtLeastEvery = 5 * kSecond;
constexpr Nanos kLookAgainEvery = 100 * kMillisecond;  // while something is undecided
// Changes that come one after the other are looked at together.
constexpr Nanos kGather = kMillisecond;
// Looking takes at most one part in so many of the time.
constexpr Nanos kLookShare = 50;
constexpr Nanos kToldLookShare = 10;  // when names change all the time

// Does another machine, or another program, write without the kernel's knowledge?
bool IsRemote(const std::string& folder) {
  constexpr std::array<uint64_t, 5> kRemote = {NFS_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
                                               FUSE_SUPER_MAGIC, V9FS_MAGIC};
  struct statfs found;
  if (::statfs(folder.c_str(), &found) != 0) return false;
  const auto type = static_cast<uint32_t>(found.f_type);
  return std::find(kRemote.begin(), kRemote.end(), type) != kRemote.end();
}

}  // namespace

FileWatch::FileWatch()
    : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      notify_fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

FileWatch::~FileWatch() {
  Stop();
  ::close(wake_fd_);
  if (notify_fd_ >= 0) ::close(notify_fd_);
}

void FileWatch::Start(InputFiles* files, Nanos poll) {
  if (thread_.joinable()) return;
  files_ = files;
  poll_ = poll;
  stopping_ = false;
  look_ = true;
  is_told_ = notify_fd_ >= 0;
  thread_ = std::thread([this] { Watch(); });
}

void FileWatch::Stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  LookSoon();
  thread_.join();
}

void FileWatch::LookSoon() {
  look_ = true;
  const uint64_t one = 1;
  // It fails only if the counter is full, and then the thread is awake.
  if (::write(wake_fd_, &one, sizeof one) < 0) return;
}

void FileWatch::Watch() {
  Nanos look_at = 0;
  Nanos not_before = 0;
  while (!stopping_) {
    if (is_told_ && TakeEvents()) look_ = true;
    const Nanos now = RealClock().MonotonicNanos();
    if (now >= look_at || (look_ && now >= not_before)) {
      look_ = false;
      WatchFolders();  // before the look, or what comes in between is missed
      const InputFiles::Again again = files_->Look();
      WatchFolders();
      const Nanos took = RealClock().MonotonicNanos() - now;
      if (again == InputFiles::Again::kAtOnce) {
        look_at = 0;
        continue;
      }
      Nanos next = again == InputFiles::Again::kSoon ? kLookAgainEvery : kLookAtLeastEvery;
      if (!is_told_) next = poll_;
      look_at = now + took + std::max(next, took * kLookShare);
      not_before = now + took + took * kToldLookShare;
    }
    const Nanos until = look_ ? not_before : look_at;
    WaitFor(std::max<Nanos>(until - RealClock().MonotonicNanos(), 0));
  }
}

void FileWatch::WatchFolders() {
  if (!is_told_) return;
  for (const std::string& folder : files_->Folders()) {
    std::error_code error;
    const std::string place = std::filesystem::canonical(folder, error).string();
    if (error) continue;
    const int watch = ::inotify_add_watch(notify_fd_, place.c_str(), kContent | kNames);
    if (watch >= 0 && !IsRemote(place)) {
      folders_[watch] = place;
      continue;
    }
    TRIDENT_LOG(INFO) << "changes in \"" << place << "\" are not told, so it is looked at";
    is_told_ = false;
    return;
  }
}

bool FileWatch::TakeEvents() {
  alignas(inotify_event) char buffer[16 * 1024];
  bool look = false;
  std::set<std::string> changed;
  for (ssize_t got = 0; (got = ::read(notify_fd_, buffer, sizeof buffer)) > 0;) {
    for (const char* at = buffer; at < buffer + got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      const auto folder = folders_.find(event->wd);
      const bool is_content = (event->mask & kContent) != 0 && event->len > 0;
      if (is_content && folder != folders_.end()) {
        changed.insert(folder->second + "/" + event->name);
      } else {
        look = true;
      }
    }
  }
  for (const std::string& place : changed) {
    if (!files_->Touch(place)) look = true;
  }
  return look;
}

void FileWatch::WaitFor(Nanos timeout) {
  const auto millis = [](Nanos nanos) {
    return static_cast<int>(std::min<Nanos>((nanos + kMillisecond - 1) / kMillisecond, 60'000));
  };
  pollfd fds[] = {{wake_fd_, POLLIN, 0}, {notify_fd_, POLLIN, 0}};
  ::poll(fds, is_told_ ? 2 : 1, millis(timeout));
  uint64_t count = 0;
  const bool is_woken = ::read(wake_fd_, &count, sizeof count) > 0;
  if (!is_woken && (fds[1].revents & POLLIN) != 0) ::poll(fds, 1, millis(kGather));
}

}  // namespace trident
