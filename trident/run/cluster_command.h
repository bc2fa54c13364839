// SPDX-License-Identifier: Apache-2.0
//
// The commands of a program that runs over several processes: `lead` and `worker`.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_COMMAND_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "trident/run/cluster/cluster_run.h"
#include "trident/run/parts/run_options.h"
#include "trident/run/process_health.h"
#include "trident/topology.h"

namespace CLI {
class App;
}

namespace trident {

// What the two commands were asked for, beside what `run` is.
struct ClusterFlags {
  std::string workers;
  std::string worker;
  std::string leader;
  std::string peer_address = "127.0.0.1:0";
  std::string exchange_address = "127.0.0.1:0";
  std::string peer_host;
  std::string token_file;
  TlsFiles tls;  // no certificate: none
};
void AddLeadOptions(CLI::App& command, ClusterFlags& flags);
void AddWorkerOptions(CLI::App& command, ClusterFlags& flags);
// InvalidArgument names the option.
StatusOr<ClusterOptions> OptionsOf(const ClusterFlags& flags);

struct ClusterProcess {
  RunOptions run;
  ClusterOptions cluster;
  bool quiet = false;
};
// Runs until all input is committed, which the leader's process knows, or until a signal that was
// asked for (CatchSignals), and says in `health` how it goes. Returns
// the exit code.
int RunClusterProcess(const std::string& program, const Topology& topology,
                      const ClusterProcess& process, ProcessHealth& health);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_COMMAND_H_
