// SPDX-License-Identifier: Apache-2.0
//
// StoredSources: where each stream's source partitions stand in a directory that no process is
// running on, and changes of that by hand.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_STORED_SOURCES_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_STORED_SOURCES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/source.h"
#include "base/status.h"
#include "coordinator/decision_log.h"
#include "state/disk/durable_store.h"
#include "state/disk/stream_registry.h"

namespace trident {

struct StoredSource {
  struct Range {
    TxId txid;
    Position start;
    Position end;
    uint64_t rows = 0;
  };
  std::optional<PositionRow> row;  // nullopt: nothing of it is known
  std::vector<Range> ranges;       // of the decisions that are still in the log, in txid order
};

// A part of the source of a stream, and where it should stand; nullopt: as if it was never read.
struct SourceChange {
  std::string stream;
  std::string partition;
  std::optional<Position> to;
};

class StoredSources {
 public:
  // DataLoss when a record is damaged. FailedPrecondition when an older release wrote the
  // directory, which did not store the names of streams.
  static StatusOr<StoredSources> Read(const DurableStore& store);

  struct Stream {
    StoredStream numbers;
    // By name. Requests about dead letters are read as one more partition, which is not among
    // these.
    std::map<std::string, StoredSource> partitions;
  };
  const std::map<std::string, Stream>& streams() const { return streams_; }
  // NotFound names the nearest stream and those that there are.
  StatusOr<const Stream*> Find(const std::string& stream) const;

  // InvalidArgument if the position can be none of the stream's source, as far as the directory
  // tells. REQUIRES: there is such a stream.
  Status Check(const SourceChange& change) const;
  // False: the directory does not tell how the positions of this stream are written; a start will
  // judge. REQUIRES: there is such a stream.
  bool KnowsForm(const std::string& stream) const;
  // False: its source cannot go back, so rows are neither read again nor skipped. REQUIRES: there
  // is such a stream.
  bool MayGoBack(const std::string& stream) const;
  // The place where a partition stands; nullopt: at its beginning. REQUIRES: there is such a
  // stream.
  std::optional<Position> PlaceOf(const std::string& stream, const std::string& partition) const;
  // What a change costs, for people: the rows or bytes that are read again or skipped, as far as
  // the positions and the decisions tell it. REQUIRES: there is such a stream.
  std::string CostOf(const SourceChange& change) const;

  // Adds the row of a change. FailedPrecondition while a batch with a logged cut waits to be made
  // again: it needs the same rows. REQUIRES: there is such a stream.
  Status Add(const SourceChange& change, WriteSet& changes) const;
  // Forgets the stream itself, when all its partitions are forgotten: a start does not miss it.
  void AddForgotten(const std::string& stream, WriteSet& changes) const;

 private:
  explicit StoredSources(const DurableStore& store) : where_(store.Where()) {}
  Status ReadDecisions(const DurableStore& store);

  struct Group {
    TxId first;  // of which there still is a decision
    TxId last;
    std::set<TxId> cuts;
  };
  std::string where_;
  std::map<std::string, Stream> streams_;
  std::map<GroupId, Group> groups_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_STORED_SOURCES_H_
