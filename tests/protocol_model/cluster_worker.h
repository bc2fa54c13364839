// SPDX-License-Identifier: Apache-2.0
//
// A simulated worker of a cluster: it drives the real ParticipantProtocol over a disk whose writes
// take time, become durable in order, and are cut off anywhere by a crash.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_WORKER_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_WORKER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/protocol/participant_protocol.h"
#include "tests/protocol_model/oracle.h"

namespace trident::model {

class ClusterWorld;

class ClusterWorker {
 public:
  ClusterWorker(ClusterWorld& world, uint32_t number);

  void Start();
  void Crash();
  // It ends in the program's code: `step` was at work on `txid`.
  void EndIn(const std::string& step, TxId txid);
  // Says that it lives, and what it has applied. Called now and then.
  void Announce();

  void OnBegin(const word::Begin& begin);
  void OnData(const BatchId& id, EmitterId from, std::shared_ptr<const Emission> emission);
  void Step(const ParticipantEvent& event);
  // A leader asks it to keep a cut; `done` is told when it is durable.
  void OnLogCut(const batch_action::LogCut& cut, std::function<void()> done);

  WorkerId id() const { return WorkerId(number_); }
  Incarnation incarnation() const { return incarnation_; }
  bool up() const { return up_; }
  TxId known() const { return known_; }
  // True if the attempt is on its disk: applied, or as a record.
  bool Holds(TxId txid, Attempt attempt) const;
  // Whether its disk tells where the sources stand after `txid`, and has a cut.
  std::optional<LogReport> LogAfter(TxId txid) const;
  bool HasCut(TxId txid) const { return disk_.cuts.contains(txid); }
  // What the attempt took from the sources, if its disk says so.
  std::shared_ptr<const BatchCut> CutOf(TxId txid, Attempt attempt) const;
  // Over which attempt the record of txid on its disk was computed.
  Attempt PreviousOf(TxId txid) const;
  Attempt outside(TxId txid) const;

 private:
  using Changes = std::map<size_t, uint64_t>;  // new values, by place in the State
  struct Record {
    PreparedRecord record;
    Changes changes;
  };
  struct Disk {
    Epoch promised;
    TxId known;
    Attempt known_attempt;
    State state{};                                                  // after known
    std::map<TxId, Record> records;                                 // after known
    TxId log_after;                                                 // at least known at a scribe
    std::map<std::pair<SpoutId, std::string>, Position> positions;  // after log_after
    int64_t batch_time_micros = 0;                                  // of log_after
    std::map<TxId, std::vector<SourceRange>> cuts;
  };
  // The newest attempt of a txid that it has heard of.
  struct Work {
    Attempt attempt;
    Attempt prev_attempt;
    bool begun = false;
    bool permitted = false;
    bool failed = false;
    std::vector<EmitterId> emitters;
    Contents data;
    std::shared_ptr<const BatchCut> cut;
    std::optional<State> staged;
  };
  struct Write {
    std::function<void(Disk&)> change;
    std::function<void()> done;
  };

  void Perform(const word::Promised& action);
  void Perform(const word::LogWritten& action);
  void Perform(const word::Refused& action);
  void Perform(const word::WriteLog& action);
  void Perform(const word::Voted& action);
  void Perform(const word::Voided& action);
  void Perform(const word::Permit& action);
  void Perform(const word::Abort& action);
  void Perform(const participant_action::Forget& action);
  void Perform(const participant_action::WritePromise& action);
  void Perform(const participant_action::WriteRecord& action);
  void Perform(const participant_action::DropRecords& action);
  void Perform(const participant_action::ApplyStaged& action);
  void Perform(const participant_action::ApplyRecord& action);
  void Perform(const participant_action::Join& action);
  void Perform(const participant_action::Damaged& action);

  // Durable some time later, behind all writes before it.
  void Enqueue(std::function<void(Disk&)> change, std::function<void()> done);
  void WriteNext();
  void Apply(const BatchId& id);
  void NoteKnown();
  void TellWhetherItHolds(Epoch joined);

  Work* WorkOn(TxId txid, Attempt attempt);
  void StageInOrder();
  const State* Below(TxId txid, const Work& work) const;
  void Stage(TxId txid, Work& work, const State& below);
  void StageOutside(TxId txid, const Work& work);

  ClusterWorld& world_;
  const uint32_t number_;
  Disk disk_;
  std::optional<LastLife> last_life_;  // in a file that it writes as memory
  std::map<TxId, Attempt> outside_;    // a state elsewhere: the attempt whose values it has

  // Of this life.
  bool up_ = false;
  Incarnation incarnation_;
  std::unique_ptr<ParticipantProtocol> protocol_;
  bool holds_ = false;
  TxId known_;
  Attempt known_attempt_;
  State state_{};
  std::map<TxId, Work> work_;
  std::map<std::pair<TxId, Attempt>, Changes> made_;  // of records that are not written
  std::deque<Write> writes_;
};

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_WORKER_H_
