// SPDX-License-Identifier: Apache-2.0
//
// What the leader of a cluster and its workers say to each other, all of it: the words about epochs
// (coordinator/protocol/epoch_words.h) and those about batches (engine/transport/words.h).
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_WORDS_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_WORDS_H_

#include <variant>

#include "base/ids.h"
#include "coordinator/protocol/epoch_words.h"
#include "engine/transport/words.h"

namespace trident {

// Each names its epoch, alone or with the attempt that it is about.
using LeaderSays = std::variant<word::PromiseAsked, word::WriteLog, word::Settled, WordToWorker>;

// A word about batches from a worker, in the epoch in which it takes part.
struct BatchSays {
  Epoch epoch;
  GroupId group;
  WordToLeader word;
};
using WorkerSays = std::variant<word::Promised, word::LogWritten, word::Refused, BatchSays>;

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_WORDS_H_
