// SPDX-License-Identifier: Apache-2.0
//
// MarkFile: what each executor of a process is doing, in a file of the state directory that
// outlives the process, and what this start made of those before it. The executors write the mapped
// file as memory, without a call of the system. A machine that fails may lose it; nothing depends
// on it but the search for rows that end their process.
//
//   the file `MARKS`: text "trident marks 1\n", then the length and the XXH3-64 of what follows
//   (uint64 each): the groups with earlier deaths; from byte kHeadBytes on a WorkMark an executor.
#ifndef TRIDENT_TRIDENT_RUN_MARK_FILE_H_
#define TRIDENT_TRIDENT_RUN_MARK_FILE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/earlier_deaths.h"
#include "engine/work_mark.h"

namespace trident {

// Not thread-safe, but for the marks themselves.
class MarkFile {
 public:
  // Reads what the last process left in `dir`, and changes nothing. A file that is missing or of
  // other making counts as empty; an empty `dir` is nowhere.
  static StatusOr<std::unique_ptr<MarkFile>> Open(const std::string& dir, uint32_t executors);
  ~MarkFile();
  MarkFile(const MarkFile&) = delete;
  MarkFile& operator=(const MarkFile&) = delete;

  // One an executor; valid as long as the file, also before Begin.
  WorkMark* marks() { return marks_; }

  // What the process that had `epoch` was doing for `group` when it ended.
  LastProcess LastOf(GroupId group, Epoch epoch, TxId last_decided) const;
  std::optional<EarlierDeaths> DeathsBefore(GroupId group) const;

  // Puts a new file in the place of the old one; from then on the marks are in it. Call it when no
  // thread writes a mark. After an error the marks are in memory only.
  Status Begin(const std::map<GroupId, EarlierDeaths>& deaths);

 private:
  MarkFile(std::string dir, uint32_t executors) : dir_(std::move(dir)), executors_(executors) {}
  Status Reserve();
  void ReadLast();
  Status Write(int fd, const std::map<GroupId, EarlierDeaths>& deaths);

  struct Left {
    WorkMark::Seen seen;
    std::optional<WorkMark::NotedRow> row;
  };

  const std::string dir_;
  const uint32_t executors_;
  WorkMark* marks_ = nullptr;
  std::vector<Left> left_;
  std::map<GroupId, EarlierDeaths> before_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_MARK_FILE_H_
