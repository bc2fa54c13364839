// SPDX-License-Identifier: Apache-2.0
//
// RunOptions: how a topology is to run in a process.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_RUN_OPTIONS_H_
#define TRIDENT_TRIDENT_RUN_PARTS_RUN_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/limits.h"

namespace trident {

// The fate of a batch that keeps failing.
enum class OnFailure : uint8_t {
  kStop,        // the batch group stops, and says why
  kDeadLetter,  // the row that fails goes to the dead letters, the rest commits
};

// PEM files for an address that other machines can reach. Clients need certificates too.
struct ServingTls {
  std::string certificate;  // our own, with the chain
  std::string key;          // its private key; readable by its owner only (mode 0600)
  std::string client_ca;    // who signs the certificates of the clients
};

enum class CommitSync : uint8_t {
  kFsync,  // a commit survives the machine
  kNone,   // a commit survives the process; for tests and for what can be made again
};

struct RunOptions {
  // The directory of the state; made if its parent exists. Empty: state is in memory, gone with the
  // process.
  std::string state_dir = {};
  uint32_t executors = 1;  // threads that run tasks; 1 to kExecutorsMax
  uint64_t memory_bytes = kMemoryBytesDefault;
  // Serves queries, DRPC and administration here, "host:port"; empty: not at all.
  std::string address = {};
  std::optional<ServingTls> tls = {};
  uint32_t max_pending = kMaxPendingDefault;
  // A batch is cut when it reaches either of these, or its part of an eighth of memory_bytes; see
  // kBatchMemoryBytesPerRow.
  uint64_t batch_rows = kBatchRowsMaxDefault;
  uint64_t batch_bytes = kBatchBytesMaxDefault;
  Nanos batch_age = 0;  // how long input may wait for a batch to fill
  uint32_t retry_limit = kRetryLimitDefault;
  OnFailure on_failure = OnFailure::kStop;
  // An attempt of which nothing is heard for so long has failed. A call of the program's code that
  // does not return for so long is told of in the log, and after twice as long ends the run.
  Nanos progress_deadline = kProgressDeadlineMsDefault * kMillisecond;
  CommitSync sync = CommitSync::kFsync;
  uint64_t readable_versions = kReadableVersions;
  // States of the directory that the topology does not declare any more: this start deletes them,
  // when nothing can refuse it any more. Those that are not there are passed over.
  std::set<std::string> drop_states = {};
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_RUN_OPTIONS_H_
