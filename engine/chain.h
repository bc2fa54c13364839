// SPDX-License-Identifier: Apache-2.0
//
// Chain: the fused operators of one stage, wired for one task. Everything between two exchanges
// runs here by plain calls, one virtual call per operator and slice.
//
// Operators up to the first committing one run while batches overlap (process phase); a committing
// operator and what lies behind it run in txid order (stage phase).
//
// ProcessSparing lets a slice through of which some rows may fail. The row-wise operators at the
// chain's beginning see all of it first, and what they make of it waits. Then the rows that failed
// are known, and only what comes of the others goes on to operators that keep or send it.
#ifndef TRIDENT_ENGINE_CHAIN_H_
#define TRIDENT_ENGINE_CHAIN_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/operator.h"

namespace trident {

enum class Phase : uint8_t { kProcess, kStage };

// A row that a function of the program could not take.
struct FailedRow {
  uint32_t place = 0;  // among the selected rows of the slice that entered the chain
  Status cause;
};

class Chain {
 public:
  // Where a node stands; nodes are added upstream first.
  using NodeIndex = size_t;

  Chain();
  ~Chain();
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  // The partition of the task, for those who ask where work stands. 0 until it is set.
  void set_partition(uint32_t partition) { partition_ = partition; }
  // Adds an operator that takes what the `inputs` emit. `step` is the user's name for it, for
  // errors.
  NodeIndex Add(std::string step, std::unique_ptr<Operator> op,
                const std::vector<NodeIndex>& inputs);
  // Tuples that arrive at input port `port` (0, 1, ... in order of these calls) go to `node`.
  void AddInput(NodeIndex node);
  size_t input_ports() const { return inputs_.size(); }
  // From now on `go_on` is asked before each call of an operator's Process or Finish; its error
  // ends the batch there. For chains whose batches may be given up.
  void AskBetweenSteps(std::function<Status()> go_on) { go_on_ = std::move(go_on); }
  // Does any operator commit?
  bool commits() const { return commits_; }

  // What an operator's Begin throws, Process and FinishProcess return.
  void Begin(const BatchContext& context);
  Status Process(size_t port, const Slice& slice);
  // As Process, but as if the slice did not have the rows at which a row-wise operator's function
  // throws. These are appended to `failed`, in the slice's order, each once.
  Status ProcessSparing(size_t port, const Slice& slice, std::vector<FailedRow>& failed);
  // All slices of all ports are in.
  Status FinishProcess();
  Status Stage(const StagePermit& permit);
  Status AppendRecord(const StagePermit& permit, std::string& record);
  void Apply(const ApplyPermit& permit);
  void Abort(TxId from);

 private:
  struct Node;
  struct Sparing;
  Status FinishNode(Node& node);
  Status Release(Sparing& sparing);

  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Node*> inputs_;
  bool commits_ = false;
  Status begun_;
  BatchId id_;  // of the last Begin
  uint32_t partition_ = 0;
  std::function<Status()> go_on_;
  Sparing* sparing_ = nullptr;  // during ProcessSparing, until its slices are released
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_CHAIN_H_
