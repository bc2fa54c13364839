// SPDX-License-Identifier: Apache-2.0
//
// The source partitions that a store knows of a topology's streams: whether the sources can go on
// from where they stand, and which of them are read no more. A start and its check share this.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_KNOWN_SOURCES_H_
#define TRIDENT_TRIDENT_RUN_PARTS_KNOWN_SOURCES_H_

#include <set>
#include <string>
#include <vector>

#include "base/source.h"
#include "base/status.h"
#include "coordinator/decision_log.h"
#include "state/disk/durable_store.h"
#include "trident/planner/planner.h"

namespace trident {

// A stream of a plan whose numbers are those of the store.
struct KnownStream {
  const DurableStore& store;
  const DecisionLog& log;
  NodeId node;
};

// Where the stream's source partitions stand. Requests about dead letters are none of them.
std::vector<SourcePosition> PositionsOf(const Plan& plan, const KnownStream& stream);

// FailedPrecondition if the stream's spout says that it cannot stand at `at`. The message tells
// whether a hand has set it, and what to do.
Status JudgePosition(const Plan& plan, const KnownStream& stream, const SourcePosition& at);

// The first that is refused, of all streams.
Status JudgePositions(const Plan& plan, const DurableStore& store, const DecisionLog& log);

// For people: what a stream has read and reads no more, and what is new, with a few names of each;
// "" if nothing is, and of a stream of which nothing was read yet.
std::string SourcesThatChanged(const std::string& stream, const std::vector<SourcePosition>& known,
                               const std::set<std::string>& read);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_KNOWN_SOURCES_H_
