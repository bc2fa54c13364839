// SPDX-License-Identifier: Apache-2.0
//
// Readers: who reads while batches commit: at latest, at least N, exactly N, under snapshots that
// are held for long, and through the request functions. Every answer must be a row of the history;
// none goes back.
#ifndef TRIDENT_TESTS_SIM_READERS_H_
#define TRIDENT_TESTS_SIM_READERS_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/history.h"
#include "trident/run/parts/run_parts.h"

namespace trident::sim {

class Readers {
 public:
  Readers(Trial& trial, const Workload& workload, History& history)
      : trial_(trial), workload_(workload), history_(history) {}

  // A life of the process begins and ends. `parts` must not end before Disconnect.
  void Connect(RunParts& parts);
  void Disconnect();

  // One reader asks something.
  void RunOnce();
  // Reads everything at latest, and in the same group exactly N for every N that must be readable.
  void ReadEverything();

 private:
  void ReadLatest(GroupId group);
  void ReadAtLeast(GroupId group);
  void ReadExactly(GroupId group, TxId at);
  void ReadHeld();
  void Ask(GroupId group);
  void Check(GroupId group, TxId at);
  Content ContentOf(const std::string& state, TxId at);
  StatePage NextPage(const ReadableState& state, TxId at, const KeyRange& range);
  History::Letters LettersAt(GroupId group, TxId at);
  void CheckKeys(const std::string& state, TxId at, const Content& content);
  void ExpectNotBack(GroupId group, TxId seen);

  Trial& trial_;
  const Workload& workload_;
  History& history_;
  RunParts* parts_ = nullptr;
  std::vector<Snapshot> held_;
  std::vector<std::unique_ptr<RequestChain>> functions_;  // by stream
  std::vector<TxId> started_at_;  // by group: published when this life began
  std::vector<TxId> seen_;        // by group: the newest that was seen
};

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_READERS_H_
