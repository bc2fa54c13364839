// SPDX-License-Identifier: Apache-2.0
#include "state/disk/stream_registry.h"

#include "base/coding.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

constexpr char kStreamPrefix[] = "stream/";
constexpr char kSourcePrefix[] = "source/";
constexpr char kNextKey[] = "streams";
constexpr uint8_t kRecordVersion = 1;

Status NotWellFormed(const std::string& what) {
  return DataLoss(what,
                  " is damaged: its content is not well-formed. Restore the directory from a "
                  "backup");
}

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
  return NotWellFormed(what);
}

std::string EncodeForm(const PositionForm& form) {
  std::string content;
  PutVarint(content, static_cast<uint64_t>(form.goes_back));
  PutLengthPrefixed(content, form.pattern);
  PutLengthPrefixed(content, form.counts);
  return Seal(kRecordVersion, content);
}

// nullopt: there is no such record.
StatusOr<std::optional<PositionForm>> ReadForm(const DurableStore& store, const std::string& name) {
  const std::string key = kSourcePrefix + name;
  TRIDENT_ASSIGN_OR_RETURN(const auto sealed, store.Get(Table::kMeta, key));
  if (!sealed) return std::optional<PositionForm>();
  const std::string what = Concat("the record '", key, "' in ", store.Where());
  TRIDENT_ASSIGN_OR_RETURN(std::string_view content, Unseal(what, kRecordVersion, *sealed));
  ByteReader in(content);
  PositionForm form;
  const uint64_t goes_back = in.Varint();
  form.goes_back = static_cast<PositionForm::GoesBack>(goes_back);
  form.pattern = std::string(in.LengthPrefixed());
  form.counts = std::string(in.LengthPrefixed());
  if (in.done() && goes_back <= 2) return std::optional(std::move(form));
  return NotWellFormed(what);
}

}  // namespace

StatusOr<std::optional<StreamRegistry>> ReadStreams(const DurableStore& store) {
  StreamRegistry registry;
  TRIDENT_ASSIGN_OR_RETURN(std::optional<std::string> next, store.Get(Table::kMeta, kNextKey));
  const auto cursor = store.NewCursor(Table::kMeta);
  for (cursor->Seek(kStreamPrefix); cursor->Valid() && cursor->key().starts_with(kStreamPrefix);
       cursor->Next()) {
    TRIDENT_ASSIGN_OR_RETURN(StoredStream stream, ReadPair(store, cursor->key(), cursor->value()));
    const std::string name(cursor->key().substr(sizeof(kStreamPrefix) - 1));
    TRIDENT_ASSIGN_OR_RETURN(stream.positions, ReadForm(store, name));
    registry.streams[name] = std::move(stream);
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
    if (!stream.positions) continue;
    changes.Put(Table::kMeta, kSourcePrefix + name, EncodeForm(*stream.positions));
  }
}

void DeleteStream(const std::string& name, WriteSet& changes) {
  changes.Delete(Table::kMeta, kStreamPrefix + name);
  changes.Delete(Table::kMeta, kSourcePrefix + name);
}

}  // namespace trident
