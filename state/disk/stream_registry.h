// SPDX-License-Identifier: Apache-2.0
//
// The streams that a store knows by name: the numbers under which positions, decisions and redo of
// a stream and its batch group are kept. A number that was given is never given again.
//
//   kMeta  "stream/" name    spout, group
//   kMeta  "source/" name    the form of its positions: pattern, what they count, whether the
//   source
//                            goes back; each start writes it. Earlier releases wrote none
//   kMeta  "streams"         the next spout, the next group
//
// A store whose record "format" is 1 has no such records: there numbers followed the order of the
// program.
#ifndef TRIDENT_STATE_DISK_STREAM_REGISTRY_H_
#define TRIDENT_STATE_DISK_STREAM_REGISTRY_H_

#include <map>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/position_form.h"
#include "base/status.h"
#include "state/disk/durable_store.h"

namespace trident {

struct StoredStream {
  SpoutId spout;
  GroupId group;
  std::optional<PositionForm> positions = std::nullopt;
  friend bool operator==(const StoredStream&, const StoredStream&) = default;
};

struct StreamRegistry {
  std::map<std::string, StoredStream> streams;
  SpoutId next_spout;
  GroupId next_group{1};
};

// nullopt: the store has none. DataLoss when a record is damaged or missing.
StatusOr<std::optional<StreamRegistry>> ReadStreams(const DurableStore& store);

// The records of all of it. Whoever writes them writes the format too (PutNextState).
void PutStreams(const StreamRegistry& registry, WriteSet& changes);
// The store does not know the stream any more; its numbers are not given again.
void DeleteStream(const std::string& name, WriteSet& changes);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_STREAM_REGISTRY_H_
