// SPDX-License-Identifier: Apache-2.0
//
// ClusterRun: a process of a topology that runs over several: one of its workers, and in one
// process the leader too. It has the store, the links to the others over gRPC, and the threads.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_RUN_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_RUN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ports/tls_files.h"
#include "base/status.h"
#include "coordinator/batch_coordinator.h"
#include "coordinator/serve/request_handler.h"
#include "state/view/state_catalog.h"
#include "trident/plan/logical_plan.h"
#include "trident/run/parts/run_options.h"
#include "trident/run/parts/worker_parts.h"

namespace trident {

struct ClusterOptions {
  uint32_t workers = 1;
  uint32_t worker = 0;  // which of them this process is, from 0
  // "host:port" of the leader. Empty: this process leads, as worker 0.
  std::string leader;
  // Of the leader: where it listens for workers; port 0 takes a free one.
  std::string control_address = "127.0.0.1:0";
  // Where this process listens for rows and questions of other workers; port 0 takes a free one.
  std::string exchange_address = "127.0.0.1:0";
  // The host by which the other processes dial this one. "": that of the addresses, which then
  // cannot be all addresses of the machine.
  std::string peer_host;
  // A secret that all processes of the topology know; "" asks for none. Addresses that others than
  // this machine reach need one, and `tls`.
  std::string token;
  // The certificate of this process, for the host of each address at which it listens, and who
  // signs those of the others. All processes have it, or none.
  std::optional<TlsFiles> tls = std::nullopt;
  // Of the leader: the processes go on, and answer, when all input is committed.
  bool keep_serving = false;
};

// Thread-safe. No call may be going on when it is destroyed.
class ClusterRun {
 public:
  // Opens the store and begins. Errors: those of the store, of the plan, of the addresses;
  // FailedPrecondition when the store is another worker's, or the plan has what several workers
  // cannot do so far.
  static StatusOr<std::unique_ptr<ClusterRun>> Start(std::shared_ptr<const LogicalPlan> logical,
                                                     const RunOptions& options,
                                                     const ClusterOptions& cluster);
  virtual ~ClusterRun() = default;

  // Where workers find the leader; "" in a process that does not lead.
  virtual std::string control_address() const = 0;
  // Waits until all input has ended and is committed by all workers, as the leader says, or until
  // `timeout`: false. The error with which the process can do no more; Cancelled after Stop.
  virtual StatusOr<bool> AwaitEndFor(Nanos timeout) = 0;
  // In the leader's process: all input has ended and is committed by all workers. Any thread.
  virtual bool Ended() const = 0;
  // AwaitEndFor returns. Any thread.
  virtual void Stop() = 0;

  // The states of all workers, as this one shows them. Valid as long as the run. Any thread.
  virtual const StateCatalog& states() const = 0;
  // Calls a function, as Run::Drpc does, and waits for its answer at most until `deadline` (of
  // Clock::MonotonicNanos()).
  virtual DrpcResult Drpc(std::string_view function, std::string_view args, Nanos deadline) = 0;
  // Where queries and requests are served, "host:port"; "" if nowhere.
  virtual std::string address() const = 0;

  // The calls of the program's code that have not returned for so long, for people. Any thread.
  virtual std::vector<std::string> CallsUnderWay(Nanos longer_than) const = 0;

  // In the leader's process: rows that were put aside since it began.
  virtual uint64_t RowsAside() const = 0;
  // Lines that this process has left out, for people; see Run::LeftOut.
  virtual std::vector<std::string> LeftOut() const = 0;

  // "epoch 3 of 2 workers, all there", or for whom it waits; for people.
  virtual std::string Describe() const = 0;
  // True while this process takes part in an epoch: its worker works, and who leads, leads.
  virtual bool TakesPart() const = 0;
  // The parts of the worker in the present epoch; null: there are none at the moment.
  virtual std::shared_ptr<WorkerParts> parts() const = 0;
  virtual const std::vector<GroupId>& groups() const = 0;
  // Of the leader's process, while it leads: how a group stands.
  virtual std::optional<GroupStatus> StatusOf(GroupId group) const = 0;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_RUN_H_
