// SPDX-License-Identifier: Apache-2.0
//
// Everything that the leader of a topology and one of its workers say to each other on their
// control stream: the words about batches and about epochs, each with what it is about, and the
// words with which both begin. All are values; none holds a pointer into its sender.
#ifndef TRIDENT_COORDINATOR_CLUSTER_CONTROL_WORDS_H_
#define TRIDENT_COORDINATOR_CLUSTER_CONTROL_WORDS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "coordinator/protocol/epoch_words.h"
#include "coordinator/protocol/read_lease.h"
#include "engine/transport/words.h"

namespace trident {

// Of what is said on a control stream. Both ends must have the same.
inline constexpr uint32_t kControlVersion = 3;

// ---- from a worker to its leader ----

// What a worker says of itself when it comes: one life of it, the directory to which it is bound,
// and what it would run.
struct WorkerHello {
  WorkerId worker;
  Incarnation incarnation;  // at least 1
  std::string store;        // the directory: its name, a space, and where it is
  std::string topology;
  uint64_t plan_fingerprint = 0;
  uint32_t protocol_version = kControlVersion;
  std::string exchange_address;  // "host:port" where it takes rows of other workers

  friend bool operator==(const WorkerHello&, const WorkerHello&) = default;
};

// A word about batches of `group`, in an epoch that has started. What the word itself names may be
// of an older epoch: who hears it compares. A BatchId in the word is of `group`.
struct GroupWordToLeader {
  Epoch epoch;  // at least 1
  GroupId group;
  WordToLeader word;
};

using WorkerWord = std::variant<word::Promised, word::LogWritten, word::Refused,
                                word::LeaseAcknowledged, GroupWordToLeader>;

// ---- from a leader to one of its workers ----

// An epoch as its workers must know it: who they are and where they take rows, and which source
// partitions every spout task counts its own from.
struct Welcome {
  struct Worker {
    WorkerId worker;
    Incarnation incarnation;
    std::string exchange_address;
    friend bool operator==(const Worker&, const Worker&) = default;
  };
  struct Spout {
    SpoutId spout;
    std::vector<std::string> partitions;  // as the leader listed them, in that order
    friend bool operator==(const Spout&, const Spout&) = default;
  };
  Epoch epoch;
  std::vector<Worker> workers;
  std::vector<Spout> spouts;

  friend bool operator==(const Welcome&, const Welcome&) = default;
};

// As GroupWordToLeader.
struct GroupWordToWorker {
  Epoch epoch;
  GroupId group;
  WordToWorker word;
};

// All input has ended and is committed by all workers: there is no more work, in this epoch or a
// later one.
struct Farewell {
  Epoch epoch;
  friend bool operator==(const Farewell&, const Farewell&) = default;
};

using LeaderWord = std::variant<Welcome, word::PromiseAsked, word::WriteLog, word::Settled,
                                word::LeaseRound, Farewell, GroupWordToWorker>;

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_CONTROL_WORDS_H_
