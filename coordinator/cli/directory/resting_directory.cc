// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/resting_directory.h"

#include <utility>

#include "base/hash.h"
#include "base/limits.h"
#include "base/spelling.h"
#include "state/disk/rocks_directory.h"

namespace trident {
namespace {

// Every block is looked at once.
constexpr uint64_t kCacheBytes = 32 * kMiB;

}  // namespace

RestingState::RestingState(StoredState stored, std::vector<KeyField> key_fields)
    : stored_(std::move(stored)),
      key_fields_(std::move(key_fields)),
      value_type_(stored_.value_type) {}

std::string RestingState::KeyText(std::string_view key) const {
  const StatusOr<std::vector<Datum>> values = DecodeKey(key);
  if (!values.ok()) return ToString(Datum{OwnedBytes{std::string(key)}});
  std::string out = "[";
  for (const Datum& value : *values) out += (out.size() > 1 ? ", " : "") + ToString(value);
  return out + "]";
}

bool RestingState::Owns(PartitionId partition, std::string_view key) const {
  return PartitionOfHash(HashBytes(key), stored_.partitions) == partition.value();
}

std::string RestingState::Place(PartitionId partition) const {
  return Concat("state ", name(), ", partition ", partition.value());
}

StatusOr<std::unique_ptr<RocksStore>> RestingDirectory::OpenFiles(const std::string& dir,
                                                                  std::string_view while_it_runs) {
  StatusOr<std::unique_ptr<RocksStore>> store =
      RocksStore::Open({.dir = dir,
                        .access = RocksStoreOptions::Access::kReadOnly,
                        .cache_bytes = kCacheBytes,
                        .write_buffer_bytes = kCacheBytes});
  if (!store.ok()) return InUseAdvice(store.status(), Concat("; while it runs, ", while_it_runs));
  return store;
}

StatusOr<std::unique_ptr<RestingDirectory>> RestingDirectory::Read(
    std::unique_ptr<RocksStore> files) {
  TRIDENT_ASSIGN_OR_RETURN(auto out, ReadFrom(*files));
  out->files_ = std::move(files);
  return out;
}

StatusOr<std::unique_ptr<RestingDirectory>> RestingDirectory::ReadFrom(const DurableStore& store) {
  auto out = std::make_unique<RestingDirectory>();
  out->store_ = &store;
  TRIDENT_ASSIGN_OR_RETURN(out->identity_, ReadIdentity(*out->store_));
  TRIDENT_ASSIGN_OR_RETURN(out->streams_, ReadStreams(*out->store_));
  for (const StoredState& state : out->identity_.states) {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<KeyField> key, KeyFieldsOf(state));
    out->states_.try_emplace(state.id, state, std::move(key));
  }
  return out;
}

std::string RestingDirectory::topology() const {
  return identity_.owner ? identity_.owner->topology : "";
}

StatusOr<const RestingState*> RestingDirectory::FindState(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& [id, state] : states_) {
    if (state.name() == name) return &state;
    names.push_back(state.name());
  }
  return NotFound("there is no state '", name, "' in ", store_->Where(),
                  SpellingHint(name, "states", names));
}

}  // namespace trident
