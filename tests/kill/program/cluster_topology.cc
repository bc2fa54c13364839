// SPDX-License-Identifier: Apache-2.0
//
// cluster_topology DIR INPUT KIND WORKER LEADER: one of three processes that run the word topology.
// Worker 0 leads, and listens at LEADER; it ends with 0 when all input is committed. The others end
// by a signal.
#include <cstdio>
#include <cstdlib>

#include "tests/kill/word_topology.h"
#include "trident/run/cluster_command.h"
#include "trident/run/process_end.h"

int main(int argc, char** argv) {
  using namespace trident;
  if (argc != 6) {
    std::fprintf(stderr, "usage: cluster_topology DIR INPUT KIND WORKER LEADER\n");
    return 2;
  }
  const auto kind = static_cast<StateKind>(std::atoi(argv[3]));
  ClusterProcess process;
  process.run = KillRunOptions(argv[1]);
  process.cluster.workers = 3;
  process.cluster.worker = static_cast<uint32_t>(std::atoi(argv[4]));
  (process.cluster.worker == 0 ? process.cluster.control_address : process.cluster.leader) =
      argv[5];
  CatchSignals();
  ProcessHealth health(RealClock());
  return RunClusterProcess("cluster_topology", WordTopology(argv[2], kind), process, health);
}
