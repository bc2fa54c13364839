// SPDX-License-Identifier: Apache-2.0
//
// Run: a topology at work in this process. It opens the state directory, recovers the decided
// batches, runs batches until its sources end or it is stopped, and answers queries and requests
// meanwhile.
//
//   auto run = Run::Start(topology, {.state_dir = "/var/lib/words", .address = "127.0.0.1:7411"});
//   if (!run.ok()) ...
//   (*run)->AwaitEnd();                        // sources that end; or Stop() from elsewhere
//   auto answer = (*run)->Drpc("words", "the cat");
#ifndef TRIDENT_TRIDENT_RUN_RUN_H_
#define TRIDENT_TRIDENT_RUN_RUN_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/lag.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/types.h"
#include "state/view/state_catalog.h"
#include "trident/run/parts/run_options.h"
#include "trident/topology.h"

namespace trident {

// The progress of a batch group since the start.
struct RunProgress {
  GroupId group;
  TxId last_decided;
  uint64_t rows = 0;  // of the sources; rows of dead letters that are tried again are none
  uint64_t batches = 0;
  // Time from the begin of the attempt that committed until its decision was durable, over the last
  // commits; 0: none yet.
  Nanos commit_p50 = 0;
  Nanos commit_p99 = 0;
  uint64_t pending = 0;  // batches that are cut and not decided
  uint64_t failures = 0;
  uint64_t rows_aside = 0;  // of `rows`, those that became dead letters
  uint64_t rows_lost = 0;   // failed attempts took them along, of spouts that cannot go back
  // Input that waits in the sources after the last committed batch: bytes of files, rows of other
  // spouts. See Spout::BacklogAfter.
  Lag lag = {};
};

struct DrpcRows {
  // The committed cut that the answer was read at. If the function reads several batch groups, this
  // is the txid of the first of them, in the order of the queries, that has committed anything; 0
  // if none has.
  TxId txid;
  std::vector<std::string> fields;
  std::vector<std::vector<Datum>> rows;
};

// Thread-safe. No call may be going on when it is destroyed.
class Run {
 public:
  // Opens, recovers and starts the topology. Errors: InvalidArgument for `options` out of their
  // bounds; ResourceExhausted if the system gives it no more threads; those of Topology::Build, of
  // opening and recovering the state directory, and of the spouts.
  static StatusOr<std::unique_ptr<Run>> Start(const Topology& topology, RunOptions options);
  // Stops at once. Undecided batches are forgotten, and their input is cut again at the next start.
  virtual ~Run() = default;

  // Returns when every source has ended and all of it is committed (ok), when a batch group stopped
  // for good (its error), when a call of the program's code did not return for twice
  // progress_deadline (DeadlineExceeded; the destructor then waits until it returns), or on Stop
  // (Cancelled).
  virtual Status AwaitEnd() = 0;
  // As AwaitEnd, with true for ok; false if `timeout` passed first.
  virtual StatusOr<bool> AwaitEndFor(Nanos timeout) = 0;
  // Waits until txid is committed and visible in `group`.
  virtual Status AwaitCommitted(GroupId group, TxId txid, Nanos timeout) = 0;
  // Makes AwaitEnd return Cancelled, now and later, unless a batch group stopped for good. Returns
  // at once. Batches, queries and requests go on until the Run is destroyed.
  virtual void Stop() = 0;
  // After Pause no attempt of a batch begins, in any group, until Resume; attempts in flight are
  // finished. States are read and requests answered meanwhile. Neither call waits; repeating either
  // changes nothing.
  virtual void Pause() = 0;
  virtual void Resume() = 0;

  // Calls `function` and waits for its rows, at most `timeout`. If no other request waits, the
  // calling thread does the work itself, and once begun finishes it. Errors: NotFound names the
  // nearest function; InvalidArgument: `args` are longer than kDrpcArgumentBytesMax;
  // ResourceExhausted: too many requests wait; DeadlineExceeded; Aborted: a step of the function
  // threw; else the error of one of its steps.
  virtual StatusOr<DrpcRows> Drpc(std::string_view function, std::string_view args,
                                  Nanos timeout = 10 * kSecond) = 0;
  // Valid as long as the Run, and so is everything that it gives out: release snapshots and watches
  // first.
  virtual const StateCatalog& states() const = 0;
  // One element for each batch group. Any thread may call it at any time; batches go on meanwhile,
  // so the numbers need not be of one moment.
  virtual std::vector<RunProgress> progress() const = 0;
  // For people: rows of the input that the spouts left out, as their options tell them to, or that
  // are none yet; how many, where and why, a part of a sentence each. Any thread.
  virtual std::vector<std::string> LeftOut() const = 0;
  // The calls of the program's code that have not returned for at least `longer_than`, each as
  // "step
  // ... has not returned for 12 s: partition 0, txid 3, row 7". A call counts from when this method
  // or AwaitEnd first saw it. Any thread.
  virtual std::vector<std::string> CallsUnderWay(Nanos longer_than) const = 0;
  // The address that is served, "host:port", with the port that was chosen; empty if none is
  // served.
  virtual std::string address() const = 0;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_RUN_H_
