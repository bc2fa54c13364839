// SPDX-License-Identifier: Apache-2.0
#include "state/disk/stream_registry.h"

#include "base/coding.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

constexpr char kStreamPrefix[] = "stream/";
constexpr char kNextKey[] = "streams";
constexpr uint8_t kRecordVersion = 1;

// Two numbers in a sealed record.
std::string Pair(uint32_t a, uint32_t b) {
  std::string content;
  PutVarint(content, a);
  PutVarint(content, b);
  return Seal(kRecordVersion, content);
}

StatusOr<StoredStream> ReadPair(const DurableStore& store, std::string_view key,
                                std::string_view sealed) {
  const std::string what = Concat("the record '", key, "' in ", store.Where());
  TRIDENT_ASSIGN_OR_RETURN(std::string_view content, Unseal(what, kRecordVersion, sealed));
  ByteReader in(content);
  StoredStream pair;
  pair.spout = SpoutId(static_cast<uint32_t>(in.Varint()));
  pair.group = GroupId(static_cast<uint32_t>(in.Varint()));
  if (in.done()) return pair;
  return DataLoss(what,
                  " is damaged: its content is not well-formed. Restore the directory from a "
                  "backup");
}

}  // namespace

StatusOr<std::optional<StreamRegistry>> ReadStreams(const DurableStore& store) {
  StreamRegistry registry;
  TRIDENT_ASSIGN_OR_RETURN(std::optional<std::string> next, store.Get(Table::kMeta, kNextKey));
  const auto cursor = store.NewCursor(Table::kMeta);
  for (cursor->Seek(kStreamPrefix); cursor->Valid() && cursor->key().starts_with(kStreamPrefix);
       cursor->Next()) {
    TRIDENT_ASSIGN_OR_RETURN(const StoredStream stream,
                             ReadPair(store, cursor->key(), cursor->value()));
    registry.streams[std::string(cursor->key().substr(sizeof(kStreamPrefix) - 1))] = stream;
  }
  TRIDENT_RETURN_IF_ERROR(cursor->status());
  if (!next && registry.streams.empty()) return std::optional<StreamRegistry>();
  if (!next) {
    return DataLoss("the record '", kNextKey, "' is missing in ", store.Where(),
                    ": it is damaged. Restore it from a backup");
  }
  TRIDENT_ASSIGN_OR_RETURN(const StoredStream numbers, ReadPair(store, kNextKey, *next));
  registry.next_spout = numbers.spout;
  registry.next_group = numbers.group;
  return std::optional<StreamRegistry>(std::move(registry));
}

void PutStreams(const StreamRegistry& registry, WriteSet& changes) {
  changes.Put(Table::kMeta, kNextKey,
              Pair(registry.next_spout.value(), registry.next_group.value()));
  for (const auto& [name, stream] : registry.streams) {
    changes.Put(Table::kMeta, kStreamPrefix + name,
                Pair(stream.spout.value(), stream.group.value()));
  }
}

void DeleteStream(const std::string& name, WriteSet& changes) {
  changes.Delete(Table::kMeta, kStreamPrefix + name);
}

}  // namespace trident
