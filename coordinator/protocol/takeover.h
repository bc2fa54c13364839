// SPDX-License-Identifier: Apache-2.0
//
// Takeover: how a leader begins an epoch, as a pure state machine. It collects what every worker
// promises and has, finds out what the epochs before decided, has that written, and only then says
// a word about batches. Every change of leader, worker, life or assignment goes this one way.
//
//   asking --(every worker of the base epoch and of this one promised)-->
//   writing logs --(each new scribe has the log, durable)--> writing the start
//   --(it is written: this epoch was still the newest)--> started
//
// Its rules (docs/cluster.md):
//   1. Every worker of the base epoch must have promised: what its report does not show can never
//      come any more (C5).
//   2. What a worker knows to be decided is decided. After the greatest known txid the chain goes
//      on as long as all workers of the base epoch hold a record of one and the same attempt of
//      that epoch, over the decided attempt before it. Records of older epochs do not count: they
//      were settled when the base epoch started (C3, C6).
//   3. The end of the chain is written into the record of the epoch, which fails if a newer epoch
//      has begun. Nobody is told anything before (C6).
//   4. A worker that starts again ends the epoch: it has forgotten what it staged (C7).
//   5. A scribe of this epoch that was none in the base, or lacks a logged cut, is given the
//      settled log, and the epoch starts when that is durable (C8).
//   6. An epoch that begins because workers ended in the program's code counts as one more end of
//      the first undecided batch. Ends are carried from epoch to epoch (JudgeDeaths), so a row
//      that ends its worker is found as in one process. An end in an older epoch than the base was
//      counted when the base started (C9).
//   7. A worker that can show neither a base nor a record of a decided txid is damaged, and the
//      epoch does not start without it being restored (R14).
#ifndef TRIDENT_COORDINATOR_PROTOCOL_TAKEOVER_H_
#define TRIDENT_COORDINATOR_PROTOCOL_TAKEOVER_H_

#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/batch_protocol_types.h"
#include "coordinator/protocol/epoch_words.h"

namespace trident {

namespace takeover_event {

// The worker can be reached, for the first time or again: it is told again what it may have missed.
struct Connected {
  WorkerId worker;
  Incarnation incarnation;
};

// What WriteStart asked for is written, or it is refused because a newer epoch has begun. An
// unknown outcome is no answer: the record is read again until it is known.
struct StartWritten {
  Status status;
};

}  // namespace takeover_event

using TakeoverEvent = std::variant<word::Promised, word::LogWritten, word::Refused,
                                   takeover_event::Connected, takeover_event::StartWritten>;

namespace takeover_action {

struct Ask {
  WorkerId worker;
  word::PromiseAsked word;
};

struct WriteLog {
  WorkerId worker;
  word::WriteLog word;
};

// Put this record in the place of the one with which the epoch began.
struct WriteStart {
  EpochRecord record;
};

struct Tell {
  WorkerId worker;
  word::Settled word;
};

// The epoch has started. One for each group, in the order of the record.
struct Lead {
  struct Group {
    GroupId group;
    Recovered recovered;
    std::optional<EarlierDeaths> deaths;  // for its GroupConfig
  };
  std::vector<Group> groups;
};

// This epoch will not start.
struct GiveUp {
  Status cause;
};

}  // namespace takeover_action

using TakeoverAction =
    std::variant<takeover_action::Ask, takeover_action::WriteLog, takeover_action::WriteStart,
                 takeover_action::Tell, takeover_action::Lead, takeover_action::GiveUp>;

// Not thread-safe: one caller at a time. No I/O, clock, thread or randomness.
class Takeover {
 public:
  // `mine` is the record with which this epoch began. It names every group of the topology, and
  // `configs` has one for each.
  Takeover(EpochRecord mine, const std::vector<GroupConfig>& configs);

  void Step(const TakeoverEvent& event, std::vector<TakeoverAction>& out);

  // Whose promise, and then whose log, is awaited; for people.
  std::vector<WorkerId> awaited() const;

 private:
  enum class Phase { kAsking, kWritingLogs, kWriting, kStarted, kOver };
  struct Group {
    std::map<TxId, Attempt> attempts;  // decided, from the oldest that a worker lacks on
    Recovered recovered;
  };

  void On(const word::Promised& event);
  void On(const word::LogWritten& event);
  void On(const word::Refused& event);
  void On(const takeover_event::Connected& event);
  void On(const takeover_event::StartWritten& event);

  bool MustPromise(WorkerId worker) const;
  void SettleAll();
  Status Settle(const GroupStart& base);
  // Learns from what workers have applied and hold, up to the greatest known txid.
  Status FollowKnown(const GroupStart& base, Group& group) const;
  // Goes on where all workers of the base epoch hold the same.
  void FollowRecords(GroupId id, Group& group) const;
  Status RecoverSources(GroupId id, Group& group) const;
  std::optional<EarlierDeaths> JudgeLives(const GroupStart& base) const;
  bool HasLog(WorkerId worker) const;
  void GiveLog(WorkerId worker);
  void WriteStart();
  const GroupReport* ReportOf(WorkerId worker, GroupId group) const;
  void Tell(WorkerId worker);
  void GiveUp(Status cause);

  EpochRecord record_;
  std::map<GroupId, GroupConfig> configs_;
  Phase phase_ = Phase::kAsking;
  std::map<WorkerId, word::Promised> promised_;
  std::map<GroupId, Group> groups_;
  std::set<WorkerId> awaits_log_;               // of the scribes that were given it
  std::vector<TakeoverAction>* out_ = nullptr;  // during Step
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_TAKEOVER_H_
