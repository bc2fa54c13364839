// SPDX-License-Identifier: Apache-2.0
//
// TopologyControl: what may be seen of a running topology, and done to it, from outside.
#ifndef TRIDENT_COORDINATOR_SERVE_TOPOLOGY_CONTROL_H_
#define TRIDENT_COORDINATOR_SERVE_TOPOLOGY_CONTROL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/lag.h"
#include "base/status.h"

namespace trident {

// One batch that is not decided yet.
struct BatchView {
  TxId txid;
  Attempt attempt;
  std::string phase;  // "emitting", "staging", ...
  uint64_t rows = 0;  // known so far
};

// One batch group, as people see it.
struct BatchGroupView {
  std::string name;
  TxId last_decided;
  std::vector<BatchView> in_flight;  // in txid order
  int32_t max_pending = 0;
  uint64_t rows_limit = 0;  // of the next batch, as are the next two
  uint64_t bytes_limit = 0;
  Nanos age_limit = 0;
  uint64_t rows_committed = 0;   // since the start
  uint32_t retries = 0;          // of the txid after last_decided
  uint64_t retries_total = 0;    // since the start
  uint64_t dead_letters = 0;     // rows that became letters, since the start
  uint64_t letters_retried = 0;  // rows of letters that were tried again, since the start
  std::string waits_for;         // why no batch starts now; empty: nothing holds it
  Status last_failure;           // of the txid after last_decided
  Status halted;                 // why the group stopped for good
  bool paused = false;
  // From the begin of the attempt that committed to its decision being durable, over the last
  // commits; 0: none yet.
  Nanos commit_p50 = 0;
  Nanos commit_p99 = 0;
  Lag lag = {};  // what waits in the sources behind last_decided
  // Rows that the spouts left out or mended, as their options say, since the start.
  uint64_t source_rows_skipped = 0;
  uint64_t source_rows_repaired = 0;
  uint64_t source_rows_left = 0;
};

struct TopologyView {
  std::string name;
  Epoch epoch;
  std::vector<BatchGroupView> groups;
};

// A worker, as it says of itself.
struct WorkerView {
  WorkerId worker = {};
  bool leads = false;
  std::string address = {};  // at which other workers reach it; "": there are none
  Status away = {};          // it did not answer, and why; then the rest is not known
  Epoch epoch = {};          // in which it works; zero: none
  uint32_t executors = 0;
  uint32_t tasks = 0;
  // The partitions that it has of a state: `first`, and those behind it.
  struct StatePart {
    std::string state;
    uint32_t first = 0;
    uint32_t count = 0;
    uint32_t of = 0;  // partitions in all
  };
  std::vector<StatePart> states = {};
  // The newest txid that its readers see, by batch group.
  std::vector<std::pair<std::string, TxId>> published = {};
  uint64_t rows_read =
      0;  // by its spout tasks, since the process began; also of attempts that failed
  uint64_t rows_per_second = 0;  // of these, lately
  uint64_t memory_bytes = 0;     // resident
  Nanos uptime = 0;
};

enum class ExplainFormat { kText, kDot };

// The files of a state directory as they were at one moment: what a backup takes away.
struct BackupFile {
  std::string name;  // below the directory, such as "db/000012.sst"
  std::string path;  // where its bytes are, in this process; empty for who has them sent
  uint64_t bytes = 0;
};
struct BackupFiles {
  std::vector<BackupFile> files;
  std::shared_ptr<const void> held;  // the files are there, unchanged, as long as this lives
};

// A dead letter, by its key.
struct LetterName {
  std::string stream;
  int64_t txid = 0;
  int64_t row = 0;
};

enum class LetterAction : uint8_t {
  kRetry,  // its row goes through the topology again
  kDrop,   // it is given up
  kLook,   // nothing
};

// Where a letter stands after a LetterAction.
struct LetterStanding {
  enum class Now : uint8_t {
    kUnderWay,  // what was asked waits for its batch to be committed
    kThere,     // it is a letter, and nothing about it is under way
    kGone,      // there is no such letter
    kRefused,   // it is a letter, if it was one; nothing was begun
    kNoRoom,    // the same, because much waits already: ask again
  } now = Now::kThere;
  std::string why;  // of the last two
};

// Thread-safe. Calls return soon, unless they say otherwise: they wait for no batch.
class TopologyControl {
 public:
  virtual ~TopologyControl() = default;

  // True if View, Workers, Pause, Resume and DoWithLetters may wait for another process: they are
  // not for a thread that must not wait.
  virtual bool MayWait() const { return false; }
  virtual std::string topology() const = 0;
  // What this moment looks like. Unavailable: the process that knows cannot be reached.
  virtual StatusOr<TopologyView> View() const = 0;
  // All workers, by their number. Waits for them if MayWait.
  virtual std::vector<WorkerView> Workers() const = 0;
  virtual StatusOr<std::string> Explain(ExplainFormat format) const = 0;
  // After Pause no batch is emitted, in any group, until Resume; what is in flight is finished.
  // Repeating either changes nothing. Errors as for View.
  virtual Status Pause() = 0;
  virtual Status Resume() = 0;
  // Counters and latencies in Prometheus' text format.
  virtual std::string Metrics() const = 0;
  // The state directory as the last commit left it; batches go on. Waits for a flush.
  // FailedPrecondition: there is no directory, or it takes no writes any more.
  virtual StatusOr<BackupFiles> NewBackup() = 0;
  // Asks it for each of the letters; the standings come in their order. A retry or a drop takes
  // effect once, by the commit of a batch, or not at all if the process ends before; kLook tells.
  virtual std::vector<LetterStanding> DoWithLetters(LetterAction action,
                                                    const std::vector<LetterName>& letters) = 0;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_TOPOLOGY_CONTROL_H_
