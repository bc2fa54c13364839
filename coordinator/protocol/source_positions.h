// SPDX-License-Identifier: Apache-2.0
//
// Where each source partition stands after the newest cut, and the check that no cut overlaps,
// skips or goes back: the next range of a partition starts, byte for byte, where the last one
// ended.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_SOURCE_POSITIONS_H_
#define TRIDENT_COORDINATOR_PROTOCOL_SOURCE_POSITIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/batch_protocol_types.h"

namespace trident {

// Not thread-safe. Spouts are named by their index in the group's configuration.
class SourcePositions {
 public:
  explicit SourcePositions(size_t spouts) : spouts_(spouts) {}

  // A position from the decision log. Fails with DataLoss if the partition is there already.
  Status Restore(uint32_t spout, const SourcePosition& at);

  // Whether a range must start where the partition stands.
  enum class Start { kChecked, kTrusted };
  // Moves the partition to the end of `range`, which belongs to `txid`. A partition seen for the
  // first time may start anywhere. Fails without a change if it does not start where it should, or
  // if `txid` has moved it already.
  Status Advance(uint32_t spout, TxId txid, const SourceRange& range, Start start);
  // Takes back the latest Advance of the partition, which was by `range`. A partition that appeared
  // with it stays known, at the start of the range: a new cut finds the same rows.
  void Undo(uint32_t spout, const SourceRange& range);

  // True if the partition stands at that place; one of which nothing is known stands at its
  // beginning.
  bool StandsAt(uint32_t spout, const SourcePosition& at) const;

  // The tasks of this spout may read other partitions from now on.
  void ForgetReaders(uint32_t spout);
  // Appends where `task` starts: its partitions and those whose reader is not known.
  void AppendStarts(uint32_t spout, uint32_t task, std::vector<SourcePosition>& out) const;

 private:
  struct Partition {
    SourcePosition at;
    std::optional<uint32_t> reader;  // task that read it last
    TxId moved;                      // by this txid last; 0 = not since it was restored or undone
  };
  struct SpoutPartitions {
    std::vector<Partition> partitions;  // in the order in which they appeared
    absl::flat_hash_map<std::string, uint32_t> index;
  };

  std::vector<SpoutPartitions> spouts_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_SOURCE_POSITIONS_H_
