// SPDX-License-Identifier: Apache-2.0
//
// Workload: a topology with one invariant that can be said aloud, the input for it, and what its
// states must hold, computed by code that shares nothing with the engine.
#ifndef TRIDENT_TESTS_SIM_WORKLOAD_H_
#define TRIDENT_TESTS_SIM_WORKLOAD_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/source.h"
#include "trident/topology.h"

namespace trident::sim {

// What a state holds: key -> value, both as text.
using Content = std::map<std::string, std::string>;
// The states of a stream's group at a txid, by name.
using Cut = std::map<std::string, Content>;

class Workload {
 public:
  explicit Workload(Trial& trial) : trial_(trial) {}
  virtual ~Workload() = default;

  virtual std::string MakeRow(const RowSeed& seed) const = 0;
  // Adds stream number `number`, with its states and its request function.
  virtual void AddStream(Topology& topology, uint32_t number, std::shared_ptr<Spout> spout) = 0;
  // The states of stream `number` before the first batch.
  virtual Cut EmptyCut(uint32_t number) const = 0;
  // What a batch of this time does to them, before its rows.
  virtual void Begin(int64_t /*batch_time_micros*/, Cut& /*cut*/) const {}
  // What a row of it that was processed does to them.
  virtual void Fold(const std::string& row, int64_t batch_time_micros, Cut& cut) const = 0;
  // The invariant, on what a reader saw; nullopt: it holds.
  virtual std::optional<std::string> Breach(const Cut& seen) const = 0;

  // The request function of stream `number`, arguments for it, and the rows that answer them.
  virtual std::string FunctionOf(uint32_t number) const = 0;
  virtual std::string Question(Rng& rng) const = 0;
  virtual std::vector<std::vector<std::string>> Answer(const std::string& question,
                                                       const Cut& cut) const = 0;

 protected:
  // To be called for each row by the topology's function: throws if the row fails this time.
  void MayThrow(Text row) const;
  StateOptions StateNamed(std::string name) const;

  Trial& trial_;
};

std::unique_ptr<Workload> MakeWordCount(Trial& trial);
std::unique_ptr<Workload> MakeBank(Trial& trial);
std::unique_ptr<Workload> MakeRing(Trial& trial);
std::unique_ptr<Workload> MakeWorkload(Trial& trial);

// "counts" of the first stream, "counts-2" of the second.
std::string NameFor(const std::string& what, uint32_t number);
std::vector<std::string> WordsOf(const std::string& text);
int64_t NumberAt(const Content& content, const std::string& key);

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_WORKLOAD_H_
