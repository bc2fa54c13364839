// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/repartition.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/limits.h"
#include "coordinator/cli/directory/decided_txids.h"
#include "coordinator/cli/directory/findings.h"
#include "coordinator/cli/directory/partition_markers.h"
#include "coordinator/cli/directory/redo_changes.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "coordinator/cli/directory/state_changes.h"
#include "coordinator/cli/directory/state_rows.h"
#include "state/disk/store_layout.h"
#include "state/disk/stored_expiry.h"

namespace trident {
namespace {

// New partitions that are written beside each other, a file each. The old rows are read once for so
// many.
constexpr uint32_t kWrittenAtOnce = 64;

// The old partitions that have keys of the new ones in [first, end). Partitions are equal parts of
// the hashes' range (PartitionOfHash).
std::pair<PartitionId, PartitionId> Overlapping(uint32_t old_count, uint32_t new_count,
                                                uint32_t first, uint32_t end) {
  const uint64_t from = uint64_t{first} * old_count / new_count;
  const uint64_t to = (uint64_t{end} * old_count + new_count - 1) / new_count;
  return {PartitionId(static_cast<uint32_t>(from)),
          PartitionId(static_cast<uint32_t>(std::min<uint64_t>(to, old_count)))};
}

// A row of the base: the value, and what was appended to it.
std::string Encoded(const StoredValue& value) {
  std::string out = value.value.value_or("");
  for (const std::string& delta : value.deltas) out += delta;
  return out;
}

// Writes the rows of one state under the number and the partitions of another.
class Copying {
 public:
  struct From {
    const DecidedState& decided;
    const RestingState& state;
    const RedoChanges& redo;
  };
  Copying(DurableStore& store, const From& from, const StoredState& made)
      : store_(store), from_(from), made_(made) {}

  // Returns the number of rows.
  StatusOr<uint64_t> CopyAll();

 private:
  Status Copy(uint32_t first, uint32_t end);
  StateRows RowsFor(uint32_t first, uint32_t end) const;
  StatusOr<std::unique_ptr<BulkLoad>> Begin(PartitionId partition, uint64_t keys);

  DurableStore& store_;
  const From from_;
  const StoredState& made_;
  uint64_t rows_ = 0;
};

StatusOr<uint64_t> Copying::CopyAll() {
  for (uint32_t first = 0; first < made_.partitions; first += kWrittenAtOnce) {
    TRIDENT_RETURN_IF_ERROR(Copy(first, std::min(first + kWrittenAtOnce, made_.partitions)));
  }
  return rows_;
}

StateRows Copying::RowsFor(uint32_t first, uint32_t end) const {
  const auto [from, to] =
      Overlapping(from_.state.stored().partitions, made_.partitions, first, end);
  return StateRows({.directory = from_.decided.directory,
                    .state = from_.state,
                    .redo = from_.redo,
                    .first = from,
                    .end = to});
}

// The marker comes before the keys and knows how many they are; so they are walked twice.
Status Copying::Copy(uint32_t first, uint32_t end) {
  std::vector<uint64_t> keys(end - first, 0);
  const auto index = [&](const std::string& key) {
    return PartitionOfHash(HashBytes(key), made_.partitions) - first;  // wraps below `first`
  };
  StateRows counted = RowsFor(first, end);
  for (; counted.Valid(); counted.Next()) {
    if (const uint32_t i = index(counted.key()); i < keys.size()) ++keys[i];
  }
  TRIDENT_RETURN_IF_ERROR(counted.status());
  std::vector<std::unique_ptr<BulkLoad>> loads;
  for (uint32_t p = first; p < end; ++p) {
    TRIDENT_ASSIGN_OR_RETURN(auto load, Begin(PartitionId(p), keys[p - first]));
    loads.push_back(std::move(load));
  }
  StateRows rows = RowsFor(first, end);
  for (; rows.Valid(); rows.Next()) {
    const uint32_t i = index(rows.key());
    if (i >= loads.size()) continue;
    ++rows_;
    TRIDENT_RETURN_IF_ERROR(loads[i]->Put(BaseKey(made_.id, PartitionId(first + i), rows.key()),
                                          Encoded(rows.value())));
  }
  TRIDENT_RETURN_IF_ERROR(rows.status());
  for (const std::unique_ptr<BulkLoad>& load : loads) TRIDENT_RETURN_IF_ERROR(load->Install());
  return {};
}

StatusOr<std::unique_ptr<BulkLoad>> Copying::Begin(PartitionId partition, uint64_t keys) {
  TRIDENT_ASSIGN_OR_RETURN(auto load, store_.NewBulkLoad(Table::kBase));
  const Marker marker{
      .txid = made_.since,
      .attempt = from_.decided.decided.AttemptOf(made_.group, made_.since).value_or(Attempt{}),
      .checksum = 0,
      .keys = keys};
  TRIDENT_RETURN_IF_ERROR(load->Put(MarkerKey(made_.id, partition), EncodeMarker(marker)));
  return load;
}

}  // namespace

StatusOr<Repartitioned> RepartitionStateOf(DurableStore& store, const std::string& name,
                                           uint32_t partitions) {
  if (partitions < 1 || partitions > kStatePartitionsMax) {
    return InvalidArgument("a state has 1 to ", kStatePartitionsMax, " partitions, not ",
                           partitions);
  }
  TRIDENT_RETURN_IF_ERROR(CheckMayChange(name));
  TRIDENT_ASSIGN_OR_RETURN(const auto directory, RestingDirectory::ReadFrom(store));
  TRIDENT_ASSIGN_OR_RETURN(const RestingState* old, directory->FindState(name));
  Repartitioned done{.was = old->stored()};
  if (done.was.partitions == partitions) return done;
  Findings findings;
  const DecidedTxIds decided(*directory, findings);
  const PartitionMarkers markers(*directory, decided, findings);
  const DecidedState from{*directory, decided, markers};
  const RedoChanges redo(from, {.which = RedoChanges::Keep::Which::kWaiting, .only = old},
                         findings);
  TRIDENT_RETURN_IF_ERROR(findings.ToStatus());

  StoreIdentity identity = directory->identity();
  StoredState made = done.was;
  made.id = std::exchange(identity.next_state, identity.next_state.Next());
  made.partitions = partitions;
  made.since = decided.LastDecided(made.group);
  WriteSet begin;
  TRIDENT_RETURN_IF_ERROR(AddUpkeep(store, identity, begin));
  PutDropped(made.id, name, begin);
  TRIDENT_RETURN_IF_ERROR(store.Write(begin, Durability::kSynced));
  // Without a decision there are no rows, and a partition without a marker stands where it should.
  if (made.since != TxId()) {
    TRIDENT_ASSIGN_OR_RETURN(done.rows, Copying(store, {from, *old, redo}, made).CopyAll());
  }
  TRIDENT_ASSIGN_OR_RETURN(const int64_t expiry_micros, ReadExpiry(store, name));
  WriteSet change;
  DropState(done.was, change);
  PutState(made, change);
  PutExpiry(name, expiry_micros, change);
  TRIDENT_RETURN_IF_ERROR(store.Write(change, Durability::kSynced));
  // If this is cut off, a start tells what is left to do.
  const std::string times = name + std::string(kLastWriteSuffix);
  for (const StoredState& other : identity.states) {
    if (other.name != times || other.combiner != kLastWriteCombiner) continue;
    TRIDENT_RETURN_IF_ERROR(RepartitionStateOf(store, times, partitions).status());
  }
  return done;
}

}  // namespace trident
