// SPDX-License-Identifier: Apache-2.0
//
// Epochs, and the words with which a leader begins one. An epoch has exactly one leader and one set
// of workers, each in one life. It begins by a record that only one can write (EpochRecord), and it
// starts when its leader has found out what the epochs before it decided (takeover.h).
#ifndef TRIDENT_COORDINATOR_PROTOCOL_EPOCH_WORDS_H_
#define TRIDENT_COORDINATOR_PROTOCOL_EPOCH_WORDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/source.h"
#include "coordinator/protocol/batch_protocol_types.h"
#include "coordinator/protocol/earlier_deaths.h"
#include "engine/transport/words.h"

namespace trident {

// How far a group was decided when an epoch started.
struct GroupStart {
  GroupId group;
  TxId decided;
  Attempt attempt;  // that was decided for it; zero if nothing was
  // What its first batches are to fear, from workers that ended in the program's code.
  std::optional<EarlierDeaths> deaths = {};

  friend bool operator==(const GroupStart&, const GroupStart&) = default;
};

// The one record of a topology that says which epoch there is. It is changed by compare-and-set
// alone: the first change begins the epoch, the second one starts it.
struct EpochRecord {
  Epoch epoch;
  WorkerId leader;
  Incarnation leader_life;
  std::vector<WorkerId> workers;  // who votes in it
  std::vector<WorkerId> scribes;  // of these, who keeps the log: one to three
  bool started = false;
  // The last epoch that started before this one, and who voted and kept the log in it; zero if
  // there was none. What is not decided can be in the records of that epoch alone.
  Epoch base;
  std::vector<WorkerId> base_workers;
  std::vector<WorkerId> base_scribes;
  // By group: as this epoch started or, if it has not, as `base` did.
  std::vector<GroupStart> groups;

  friend bool operator==(const EpochRecord&, const EpochRecord&) = default;
};

// The record with which a leader begins the epoch after `last`; it has still to be named in it.
EpochRecord NextEpoch(const EpochRecord& last, std::vector<WorkerId> workers,
                      std::vector<WorkerId> scribes);

// What a worker wrote, durably, of an attempt before it voted for it.
struct PreparedRecord {
  TxId txid;
  Attempt attempt;
  Attempt previous;  // of txid - 1: the changes lie over those of this attempt
  uint64_t rows = 0;
  uint64_t checksum = 0;
  std::shared_ptr<const BatchCut> cut;  // null where the log is not kept
};

// What a worker that keeps the log knows of the sources of a group. Its records go on from there.
struct LogReport {
  TxId after;                            // all of it is as of this txid
  std::vector<SpoutPosition> positions;  // where `after` ended
  int64_t batch_time_micros = 0;         // of `after`
  std::vector<LoggedCut> cuts;           // of later txids, in txid order
};

// How the life before this one ended, if it did while the program's code worked; without steps, the
// row that this life read alone, at which another worker may have ended. The worker keeps it until
// it takes part in an epoch again.
struct LastLife {
  Epoch epoch;  // in which it took part
  // `last_decided` is the txid before the first one that it was at work on: what it had applied is
  // not all durable.
  LastProcess process;
};

struct GroupReport {
  GroupId group;
  TxId known;                           // the newest txid that the worker knows to be decided
  Attempt known_attempt;                // that was decided for it
  std::vector<PreparedRecord> records;  // of known + 1, + 2, ... each over the one before it
  std::optional<LogReport> log;         // of a worker that has it without a gap up to `known`
  std::optional<LastLife> last_life = {};
};

struct GroupLog {
  GroupId group;
  LogReport log;
};

// What was decided in a group before an epoch started.
struct GroupSettlement {
  GroupId group;
  TxId decided;
  // Of the txids up to `decided`, as many of the last ones as the worker that is told lacks.
  std::vector<Attempt> attempts;
};

namespace word {

// ---- from a leader to workers ----

// Take part in nothing older than the epoch, and say what you have. Asked again until it is
// answered.
struct PromiseAsked {
  Epoch epoch;
};

// Keep the log in the epoch, which has not started: put this in the place of what you have of it.
// Asked again until it is answered.
struct WriteLog {
  Epoch epoch;
  std::vector<GroupLog> groups;
};

// The epoch has started, and this is decided. Everything else of older epochs is void.
struct Settled {
  Epoch epoch;
  std::vector<GroupSettlement> groups;
};

// ---- from a worker to a leader ----

// The promise is durable. No record of an older epoch will ever be there but these.
struct Promised {
  Epoch epoch;
  WorkerId worker;
  Incarnation incarnation;
  std::vector<GroupReport> groups;
};

// What WriteLog gave is durable.
struct LogWritten {
  Epoch epoch;
  WorkerId worker;
  Incarnation incarnation;
};

// To the sender of a word of an epoch in which the worker does not take part (any more).
struct Refused {
  Epoch epoch;  // of the word
  WorkerId worker;
  Incarnation incarnation;
  Epoch promised;  // newer, or the same by an earlier life
};

}  // namespace word

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_EPOCH_WORDS_H_
