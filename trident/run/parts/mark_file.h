// SPDX-License-Identifier: Apache-2.0
//
// MarkFile: what each executor of a process is doing, and each other thread that calls the
// program's code, in a file of the state directory that outlives the process; and what this start
// made of those before it. The threads write the mapped file as memory, without a call of the
// system. A machine that fails may lose it; nothing depends on it but the search for rows that end
// their process.
//
//   the file `MARKS`: text "trident marks 1\n", then the length and the XXH3-64 of what follows
//   (uint64 each): the groups with earlier deaths; from byte kHeadBytes on a WorkMark an executor,
//   and SideMarks::kMarks others.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_MARK_FILE_H_
#define TRIDENT_TRIDENT_RUN_PARTS_MARK_FILE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "base/work_mark.h"
#include "coordinator/protocol/earlier_deaths.h"
#include "coordinator/protocol/epoch_words.h"
#include "trident/run/parts/side_marks.h"

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
  SideMarks& sides() { return *sides_; }

  // What the process that had `epoch` was doing for `group` when it ended.
  LastProcess LastOf(GroupId group, Epoch epoch, TxId last_decided) const {
    return LastIn(left_, group, epoch, last_decided);
  }
  // The same by the marks alone: in the newest epoch of which there are any, and as of the txid
  // before the first one that it was at work on. nullopt: it was at work on nothing, and no row
  // stood alone.
  std::optional<LastLife> LastLifeOf(GroupId group) const { return LifeIn(left_, group); }
  // What this process was doing, now that no thread writes a mark: no call is under way, but a row
  // may have stood alone.
  std::optional<LastLife> LifeOf(GroupId group) const;
  std::optional<EarlierDeaths> DeathsBefore(GroupId group) const;
  // What it was doing for no batch: "while the fold of state counts worked (partition 3)".
  std::vector<std::string> CallsBesideBatches() const;

  // Puts a new file in the place of the old one; from then on the marks are in it. Call it when no
  // thread writes a mark. After an error the marks are in memory only.
  Status Begin(const std::map<GroupId, EarlierDeaths>& deaths);

 private:
  MarkFile(std::string dir, uint32_t executors) : dir_(std::move(dir)), executors_(executors) {}
  size_t mark_bytes() const { return (executors_ + SideMarks::kMarks) * sizeof(WorkMark); }
  Status Reserve();
  void ReadLast();
  Status Write(int fd, const std::map<GroupId, EarlierDeaths>& deaths);

  struct Left {
    WorkMark::Seen seen;
    std::optional<WorkMark::NotedRow> row;
  };
  using Marks = std::vector<Left>;
  static LastProcess LastIn(const Marks& marks, GroupId group, Epoch epoch, TxId last_decided);
  static std::optional<LastLife> LifeIn(const Marks& marks, GroupId group);
  // For the cause, if letters were tried again in one of the batches; else "".
  static std::string LetterTriedIn(const Marks& marks, const std::set<BatchId>& batches);

  const std::string dir_;
  const uint32_t executors_;
  WorkMark* marks_ = nullptr;
  std::unique_ptr<SideMarks> sides_;
  Marks left_;
  std::map<GroupId, EarlierDeaths> before_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_MARK_FILE_H_
