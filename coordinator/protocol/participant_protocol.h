// SPDX-License-Identifier: Apache-2.0
//
// ParticipantProtocol: a worker's half of the commit where the last vote is the decision, as a pure
// state machine. It says what the worker promises, writes, votes for, takes back and applies.
// BatchProtocol is the other half while an epoch lasts, Takeover between two epochs.
//
// An attempt of t is decided once t - 1 is, and every worker holds the durable record of that
// attempt, computed over the decided attempt of t - 1 (rule C3 of docs/cluster.md). Nobody writes
// a decision. A worker knows of one when the leader tells it, or when an epoch starts.
//
// Its rules:
//   1. It takes part in one epoch: that which it promised in this life, once that epoch has
//      started (Settled). A word of any other has no effect and is answered with Refused. So a
//      worker that lost its memory waits for a newer epoch (C2, C7).
//   2. It writes one record a (group, txid), and that of t after that of t - 1, over which it was
//      computed. A record takes the place of all earlier ones of its txid and of later txids, so
//      the records of a group are a chain that starts at the newest known txid (C1, C2).
//   3. It votes when the record is durable, if the attempt was not cancelled and no newer epoch was
//      promised meanwhile (C2).
//   4. A promise is written behind all records. When it is durable, the report says all that will
//      ever be there of older epochs (C5).
//   5. Voided is said when no record of the attempt is on disk or on its way there (C4).
//   6. What Settled calls decided and is not applied here is applied from its records. Where such
//      a record is missing, the directory is damaged, and the worker takes no part (R14).
//   7. The log that a leader gives it is written after the promise and before the epoch starts
//   (C8).
//
// Writes are done in the order in which they are asked for, and become durable in that order.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_PARTICIPANT_PROTOCOL_H_
#define TRIDENT_COORDINATOR_PROTOCOL_PARTICIPANT_PROTOCOL_H_

#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/epoch_words.h"
#include "engine/transport/words.h"

namespace trident {

namespace participant_event {

// Every executor has staged the attempt, and its record is made.
struct Staged {
  BatchId id;
  PreparedRecord record;
};

// What WriteRecord, DropRecords, WritePromise or WriteLog asked for is durable. A write that fails
// ends the process: its outcome is unknown, and the next life reads what is there.
struct RecordWritten {
  BatchId id;
};
struct RecordsDropped {
  BatchId id;
};
struct PromiseWritten {
  Epoch epoch;
};
struct LogWritten {
  Epoch epoch;
};

}  // namespace participant_event

using ParticipantEvent =
    std::variant<word::PromiseAsked, word::WriteLog, word::Settled, word::Permit, word::Abort,
                 word::Apply, participant_event::Staged, participant_event::RecordWritten,
                 participant_event::RecordsDropped, participant_event::PromiseWritten,
                 participant_event::LogWritten>;

// A Promised lacks the log: the shell adds it where the worker has it. A WriteLog takes the place
// of all that the worker has of the log.
namespace participant_action {

// Forget all that is staged and not decided, of every group; nothing of it will be asked for again.
struct Forget {};

// Writes, durable in the order in which they are asked for.
struct WritePromise {
  Epoch epoch;
};
// Takes the place of every record of the group from record.txid on.
struct WriteRecord {
  BatchId id;
  PreparedRecord record;
};
// Deletes every record of the group from id.txid on.
struct DropRecords {
  BatchId id;
};

// The attempt is decided and staged: make it the committed state. In txid order.
struct ApplyStaged {
  BatchId id;
};
// The attempt is decided and not staged in this epoch: apply its record. In txid order.
struct ApplyRecord {
  BatchId id;
};

// The worker takes part in the epoch, and has applied all that was decided before it.
struct Join {
  Epoch epoch;
};

// What is decided is not here. The worker can take no part until its directory is restored.
struct Damaged {
  Status cause;
};

}  // namespace participant_action

using ParticipantAction =
    std::variant<word::Promised, word::LogWritten, word::Refused, word::WriteLog, word::Voted,
                 word::Voided, word::Permit, word::Abort, participant_action::Forget,
                 participant_action::WritePromise, participant_action::WriteRecord,
                 participant_action::DropRecords, participant_action::ApplyStaged,
                 participant_action::ApplyRecord, participant_action::Join,
                 participant_action::Damaged>;

// What a life of a worker finds on its disk.
struct Remembered {
  Epoch promised;
  std::vector<GroupReport> groups;  // of every group of the topology
};

// Not thread-safe: one caller at a time. No I/O, clock, thread or randomness.
class ParticipantProtocol {
 public:
  ParticipantProtocol(WorkerId worker, Incarnation incarnation, Remembered remembered);

  // Takes in one event and appends the actions that follow, which are to be done in that order.
  void Step(const ParticipantEvent& event, std::vector<ParticipantAction>& out);

  // The epoch that it takes part in, whose words its executors may obey; zero: none.
  Epoch joined() const { return is_settled_ ? promised_ : Epoch(); }
  TxId known(GroupId group) const { return groups_.at(group).known; }

 private:
  struct Prepared {
    PreparedRecord record;
    bool is_durable = false;
  };
  // A DropRecords that was asked for and is not done.
  struct Drop {
    BatchId from;
    std::vector<BatchId> to_void;  // with it
    uint64_t writes_before = 0;
  };
  struct Group {
    TxId known;
    Attempt known_attempt;
    std::optional<LastLife> last_life;
    std::map<TxId, Prepared> records;                   // a chain from known on
    std::map<TxId, participant_event::Staged> waiting;  // for the record before it
    std::map<TxId, Attempt> cancelled;                  // in this epoch
    TxId may_hold;        // the highest txid of which a record may be on disk, or on its way there
    uint64_t writes = 0;  // of records, asked for
    std::vector<Drop> drops;
  };

  void On(const word::PromiseAsked& event);
  void On(const word::WriteLog& event);
  void On(const word::Settled& event);
  void On(const word::Permit& event);
  void On(const word::Abort& event);
  void On(const word::Apply& event);
  void On(const participant_event::Staged& event);
  void On(const participant_event::RecordWritten& event);
  void On(const participant_event::RecordsDropped& event);
  void On(const participant_event::PromiseWritten& event);
  void On(const participant_event::LogWritten& event);

  // The group of a word of this epoch; null, and the sender is told, if it is of another.
  Group* GroupOf(const BatchId& id);
  bool TakesPartIn(Epoch epoch) const { return epoch == joined() && epoch != Epoch(); }
  void RefuseIfOld(Epoch epoch);
  void WriteInOrder(GroupId id, Group& group);
  // Applies the records up to txid, in order.
  template <class Apply>
  void Know(GroupId id, Group& group, TxId txid);
  Status Check(const GroupSettlement& settlement) const;
  std::vector<GroupReport> Report() const;

  const WorkerId worker_;
  const Incarnation incarnation_;
  std::map<GroupId, Group> groups_;
  // The newest promise, and how far it has come in this life.
  Epoch promised_;
  bool is_of_this_life_ = false;
  bool is_durable_ = false;
  bool log_is_asked_ = false;
  bool log_is_durable_ = false;
  bool is_settled_ = false;  // the epoch has started
  bool is_damaged_ = false;
  std::vector<ParticipantAction>* out_ = nullptr;  // during Step
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_PARTICIPANT_PROTOCOL_H_
