// SPDX-License-Identifier: Apache-2.0
//
// Operator: one step of the plan, at work on the tuples of a batch. These are the hooks, in the
// order in which the one executor thread that owns the operator calls them, for each batch attempt:
//
//   Begin(context)         once, before any tuple
//   Process(slice, out)    once per slice; slices come in a fixed order (edge, source task, number)
//   Finish(out)            once, when every slice of the attempt has been processed
//
// and for a CommittingOperator, in txid order, under permits that only the protocol gives:
//
//   Stage(permit, out)     computes the changes of t over those of t-1; instead of Finish
//   AppendRecord(...)      adds the changes to the batch's durable record
//   Apply(permit)          the batch is decided: the changes become the committed version
//   Abort(from)            forget the staged changes of txid `from` and later
//
// One operator object serves one attempt at a time and is used again for later ones: Begin must
// reset it. Several attempts are in flight at once, each with its own object. If they share
// something (a state partition), each object gets it when it is made. Operators take no locks.
#ifndef TRIDENT_ENGINE_OPERATOR_H_
#define TRIDENT_ENGINE_OPERATOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "engine/data/slice.h"

namespace trident {

// A committed cut that a request batch reads: one txid for each batch group. They stay readable as
// long as the object lives.
class ReadCut {
 public:
  virtual ~ReadCut() = default;
  virtual TxId At(GroupId group) const = 0;
};

// The facts that are the same for all operators during one attempt at a batch.
struct BatchContext {
  BatchId id;
  // Wall time at which the batch was cut, microseconds since the epoch; use it instead of a clock.
  int64_t batch_time_micros = 0;
  // For a request batch: the number of its requests (their rows carry 0 .. requests-1), and the cut
  // that they read. A stream's batch has neither.
  uint32_t requests = 0;
  std::shared_ptr<const ReadCut> cut;
};

// Takes the results of an operator. Empty slices may be given and are dropped.
class Output {
 public:
  virtual ~Output() = default;
  // An error comes from an operator further down. The caller returns it.
  virtual Status Emit(const Slice& slice) = 0;
  // A function of the program could not take the `row`-th selected row of the slice that is being
  // processed. Ok: the row is put aside, and the operator goes on with the next one; whatever it
  // has emitted of this row is dropped. Else the attempt fails with what is returned.
  virtual Status PutAside(const Slice& /*slice*/, size_t /*row*/, const Status& cause) {
    return cause;
  }
};

class Operator {
 public:
  virtual ~Operator() = default;
  virtual void Begin(const BatchContext& /*context*/) {}
  virtual Status Process(const Slice& slice, Output& out) = 0;
  virtual Status Finish(Output& /*out*/) { return absl::OkStatus(); }
  // Tells that Process keeps nothing of a slice, and makes each row that it emits of one row of the
  // slice: the same rows give the same results, alone or among others.
  virtual bool row_wise() const { return false; }
};

// Proof that the protocol lets an attempt take the step that the permit is named after. Only a
// task, which hears the protocol's words, can make one.
class StagePermit {
 public:
  const BatchId& id() const { return id_; }

 private:
  friend class Task;
  explicit StagePermit(BatchId id) : id_(id) {}
  BatchId id_;
};
class ApplyPermit {
 public:
  const BatchId& id() const { return id_; }

 private:
  friend class Task;
  explicit ApplyPermit(BatchId id) : id_(id) {}
  BatchId id_;
};

class CommittingOperator : public Operator {
 public:
  Status Finish(Output& /*out*/) final { return absl::OkStatus(); }
  virtual Status Stage(const StagePermit& permit, Output& out) = 0;
  // Appends the changes of permit.id() to its durable record, in the form in which recovery gets
  // them back.
  virtual Status AppendRecord(const StagePermit& permit, std::string& record) = 0;
  virtual void Apply(const ApplyPermit& permit) = 0;
  virtual void Abort(TxId from) = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_OPERATOR_H_
