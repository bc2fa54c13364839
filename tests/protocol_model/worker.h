// SPDX-License-Identifier: Apache-2.0
//
// A simulated worker: stages batches over one another in memory, writes a redo record, votes,
// applies what is decided in order, and survives crashes with what was durable.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_WORKER_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_WORKER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "coordinator/protocol/batch_protocol_actions.h"
#include "tests/protocol_model/oracle.h"

namespace trident::model {

class World;

// The step of the program's code that stages rows.
inline constexpr char kStageStep[] = "stage";

class Worker {
 public:
  Worker(World& world, uint32_t number) : world_(world), number_(number) {}

  void Start();
  void Crash();
  // Says that it lives and how far it has applied. Called now and then.
  void Announce();
  // Reads the decisions that it has not been told.
  void CatchUp();

  void OnBegin(const word::Begin& begin);
  void OnData(TxId txid, Attempt attempt, EmitterId from, std::shared_ptr<const Emission> emission);
  void OnPermit(const word::Permit& permit);
  void OnApply(TxId txid, Attempt attempt);
  void OnAbort(const word::Abort& abort);

  uint32_t number() const { return number_; }
  Incarnation incarnation() const { return incarnation_; }
  TxId applied() const { return applied_; }
  bool up() const { return up_; }
  // The row of `txid` that it was given alone.
  std::optional<RowPlace> RowAlone(TxId txid) const;

 private:
  using Changes = std::map<size_t, uint64_t>;  // new values, by place in the State
  // The newest attempt of a txid that it has heard of.
  struct Work {
    Attempt attempt;
    bool begun = false;
    Attempt prev_attempt;
    std::vector<EmitterId> emitters;
    Contents data;
    bool permitted = false;
    bool failed = false;
    std::optional<State> staged;  // the state after it
  };

  Work* WorkOn(TxId txid, Attempt attempt);
  void StageInOrder();
  // The state that the attempt is staged over, if that is there.
  const State* Below(TxId txid, const Work& work) const;
  void Stage(TxId txid, Work& work, const State& below);
  // The first row of its own that cannot be staged, or null.
  void StageOutside(TxId txid, const Work& work);
  void Fail(TxId txid, Work& work, Status cause);
  void ApplyInOrder();

  World& world_;
  const uint32_t number_;

  // Durable.
  State state_{};
  TxId applied_;
  Attempt applied_attempt_;
  std::map<std::pair<TxId, Attempt>, Changes> redo_;

  // Of this life.
  bool up_ = false;
  Incarnation incarnation_;
  std::map<TxId, Work> work_;
  std::map<TxId, Attempt> decided_;  // and not applied
};

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_WORKER_H_
