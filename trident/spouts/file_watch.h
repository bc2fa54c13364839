// SPDX-License-Identifier: Apache-2.0
//
// FileWatch: a thread that keeps an eye on followed files. The kernel tells it of changes
// (inotify); where it does not, on a network's file system for example, the thread looks from time
// to time.
#ifndef TRIDENT_TRIDENT_SPOUTS_FILE_WATCH_H_
#define TRIDENT_TRIDENT_SPOUTS_FILE_WATCH_H_

#include <atomic>
#include <map>
#include <string>
#include <thread>

#include "base/clock.h"
#include "trident/spouts/input_files.h"

namespace trident {

class FileWatch {
 public:
  FileWatch();
  ~FileWatch();  // Stop()

  // `files` outlives the thread. `poll` is how often it looks where nobody tells of changes.
  void Start(InputFiles* files, Nanos poll);
  void Stop();
  // Makes the thread look soon. Any thread; never blocks.
  void LookSoon();

 private:
  void Watch();
  void WatchFolders();
  // True if somebody has to look at all files again.
  bool TakeEvents();
  void WaitFor(Nanos timeout);

  InputFiles* files_ = nullptr;
  Nanos poll_ = 0;
  const int wake_fd_;
  const int notify_fd_;  // -1: there is no inotify
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> look_ = false;
  std::thread thread_;
  // Of the thread.
  bool is_told_ = true;  // of all changes
  std::map<int, std::string> folders_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_FILE_WATCH_H_
