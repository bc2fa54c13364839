// SPDX-License-Identifier: Apache-2.0
//
// What is true in a simulated history, kept apart from those who take part in it: what each attempt
// emitted, what was decided, and which state follows from the decisions alone. Violations are named
// by the invariants of tests/protocol_model/README.md.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_ORACLE_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_ORACLE_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/protocol/batch_protocol_actions.h"
#include "tests/protocol_model/options.h"

namespace trident::model {

// One row: the k-th of a source partition, with what the source gave when it was read.
struct Row {
  uint32_t source = 0;
  uint64_t index = 0;
  uint64_t content = 0;
  bool poison = false;
  bool diverted = false;
};

// What an emitter sent for one attempt.
struct Emission {
  std::vector<SourceRange> ranges;
  std::vector<std::vector<Row>> rows;  // by range

  uint64_t diverted() const;
};

// The state of a worker: a value for each of its keys, and one for its dead letters. Values depend
// on the order of everything that went into them.
inline constexpr size_t kKeys = 6;
using State = std::array<uint64_t, kKeys + 1>;

uint32_t KeyOf(const Row& row);
uint32_t WorkerOf(const Row& row, size_t workers);
// The place in a State that the row changes.
size_t SlotOf(const Row& row);
uint64_t Fold(uint64_t value, const Row& row);

// All that was emitted for an attempt, by emitter.
using Contents = std::map<EmitterId, std::shared_ptr<const Emission>>;

// True if the worker has a row that it cannot stage.
bool HasPoison(const Contents& contents, uint32_t worker, size_t workers);
// Null: there is not one row in all.
const SourceRange* RangeOfOneRow(const Contents& contents);
// What a user-defined transactional state is given: the rows of transactional spouts.
uint64_t TransactionalContent(const Contents& contents, const GroupConfig& config);

class Oracle {
 public:
  explicit Oracle(const Options& options);

  void Violation(const std::string& what);
  const std::string& violation() const { return violation_; }  // the first; "" = none

  void OnBegin(TxId txid, Attempt attempt);
  void OnEmission(TxId txid, Attempt attempt, EmitterId emitter, const Emission& emission);
  // The record has become durable.
  void OnDecision(const DecisionRecord& record);
  // A worker shows its state at `txid`.
  void OnApplied(uint32_t worker, TxId txid, Attempt attempt, const State& state);
  // Success was told.
  void OnTold(TxId txid, Attempt attempt);
  // A worker could not stage an attempt whose only row is that of `range`.
  void OnFailedAlone(const SourceRange& range) { ++failed_alone_[{range.partition, range.start}]; }
  // A worker gave a user-defined transactional state its rows of `txid`.
  void OnStagedOutside(uint32_t worker, TxId txid, uint64_t content);

  TxId last_decided() const { return TxId(decided_.size()); }
  Attempt decided_attempt(TxId txid) const { return decided_[txid.value() - 1]; }
  // Positions after last_decided(), by (spout, partition name).
  const std::map<std::pair<uint32_t, std::string>, std::string>& positions() const {
    return positions_;
  }
  uint64_t rows_diverted() const { return rows_diverted_; }

 private:
  void CheckRow(const DecisionRecord& record, const SourceRange& range, const Row& row);
  void CheckRange(const DecisionRecord& record, const SourceRange& range);
  const std::vector<Row>* RowsOf(const DecisionRecord& record, const SourceRange& range) const;

  const Options& options_;
  std::string violation_;
  std::map<std::pair<TxId, Attempt>, std::map<EmitterId, Emission>> emissions_;
  std::map<std::pair<TxId, Attempt>, int> begun_;
  std::vector<Attempt> decided_;   // by txid - 1
  int64_t batch_time_micros_ = 0;  // of the last of them
  std::map<std::pair<uint32_t, std::string>, std::string> positions_;
  std::vector<std::vector<State>> expected_;  // by worker, then txid
  std::map<std::pair<uint32_t, TxId>, uint64_t> staged_outside_;
  std::map<std::pair<std::string, std::string>, uint32_t> failed_alone_;  // by place
  uint64_t rows_diverted_ = 0;
};

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_ORACLE_H_
