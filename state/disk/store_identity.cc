// SPDX-License-Identifier: Apache-2.0
#include "state/disk/store_identity.h"

#include <algorithm>

#include "base/coding.h"
#include "state/disk/store_layout.h"
#include "state/disk/stored_expiry.h"

namespace trident {
namespace {

constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kOwnerKey = "owner";
constexpr std::string_view kEpochKey = "epoch";
constexpr std::string_view kStatePrefix = "state/";
constexpr std::string_view kNextStateKey = "states";
constexpr std::string_view kDroppedPrefix = "dropped/";
constexpr uint8_t kRecordVersion = 1;

std::string StateKey(std::string_view name) { return Concat(kStatePrefix, name); }
std::string DroppedKey(StateId id) { return Concat(kDroppedPrefix, id.value()); }

Status Malformed(const DurableStore& store, std::string_view what) {
  return DataLoss("the record '", what, "' in ", store.Where(),
                  " is damaged: its content is not well-formed. Restore the directory from a "
                  "backup");
}

// nullopt: no such record.
StatusOr<std::optional<std::string>> ReadRecord(const DurableStore& store, std::string_view key) {
  TRIDENT_ASSIGN_OR_RETURN(std::optional<std::string> sealed, store.Get(Table::kMeta, key));
  if (!sealed) return std::optional<std::string>();
  const StatusOr<std::string_view> content =
      Unseal(Concat("the record '", key, "' in ", store.Where()), kRecordVersion, *sealed);
  if (!content.ok()) return content.status();
  return std::optional<std::string>(std::in_place, *content);
}

std::string EncodeNumber(uint64_t v) {
  std::string out;
  PutFixed64(out, v);
  return out;
}

StatusOr<std::optional<uint64_t>> ReadNumber(const DurableStore& store, std::string_view key) {
  TRIDENT_ASSIGN_OR_RETURN(std::optional<std::string> content, ReadRecord(store, key));
  if (!content) return std::optional<uint64_t>();
  ByteReader in(*content);
  const uint64_t v = in.Fixed64();
  if (!in.done()) return Malformed(store, key);
  return std::optional<uint64_t>(v);
}

std::string EncodeOwner(const StoreOwner& owner) {
  std::string out;
  PutLengthPrefixed(out, owner.topology);
  PutFixed64(out, owner.fingerprint);
  if (owner.workers == 1) return out;  // as before there were several
  PutVarint(out, owner.worker);
  PutVarint(out, owner.workers);
  return out;
}

StatusOr<std::optional<StoreOwner>> ReadOwner(const DurableStore& store) {
  TRIDENT_ASSIGN_OR_RETURN(std::optional<std::string> content, ReadRecord(store, kOwnerKey));
  if (!content) return std::optional<StoreOwner>();
  ByteReader in(*content);
  StoreOwner owner;
  owner.topology = in.LengthPrefixed();
  owner.fingerprint = in.Fixed64();
  if (in.ok() && in.remaining() > 0) {
    owner.worker = static_cast<uint32_t>(in.Varint());
    owner.workers = static_cast<uint32_t>(in.Varint());
  }
  if (!in.done()) return Malformed(store, kOwnerKey);
  return std::optional<StoreOwner>(std::move(owner));
}

std::string EncodeState(const StoredState& state) {
  std::string out;
  PutVarint(out, state.id.value());
  PutVarint(out, static_cast<uint64_t>(state.kind));
  PutVarint(out, state.group.value());
  PutVarint(out, state.partitions);
  PutVarint(out, state.since.value());
  PutLengthPrefixed(out, state.value_type);
  PutLengthPrefixed(out, state.combiner);
  PutVarint(out, state.key.size());
  for (const StoredState::KeyPart& part : state.key) {
    PutLengthPrefixed(out, part.name);
    PutLengthPrefixed(out, part.type);
    PutVarint(out, static_cast<uint64_t>(part.nullability));
  }
  return out;
}

StoredState::KeyPart DecodeKeyPart(ByteReader& in) {
  StoredState::KeyPart part;
  part.name = in.LengthPrefixed();
  part.type = in.LengthPrefixed();
  const uint64_t nullability = in.Varint();
  if (nullability > static_cast<uint64_t>(Nullability::kNullable)) in.Invalidate();
  part.nullability = static_cast<Nullability>(nullability);
  return part;
}

std::optional<StoredState> DecodeState(std::string_view name, std::string_view content) {
  ByteReader in(content);
  StoredState state;
  state.name = name;
  state.id = StateId(static_cast<uint32_t>(in.Varint()));
  state.kind = static_cast<StateKind>(in.Varint());
  state.group = GroupId(static_cast<uint32_t>(in.Varint()));
  state.partitions = static_cast<uint32_t>(in.Varint());
  state.since = TxId(in.Varint());
  state.value_type = in.LengthPrefixed();
  state.combiner = in.LengthPrefixed();
  const uint64_t parts = in.Varint();
  for (uint64_t i = 0; i < parts && in.ok(); ++i) state.key.push_back(DecodeKeyPart(in));
  if (!in.done()) return std::nullopt;
  return state;
}

StatusOr<std::vector<StoredState>> ReadStates(const DurableStore& store) {
  std::vector<StoredState> states;
  const std::unique_ptr<Cursor> cursor = store.NewCursor(Table::kMeta);
  for (cursor->Seek(kStatePrefix); cursor->Valid() && cursor->key().starts_with(kStatePrefix);
       cursor->Next()) {
    const std::string key(cursor->key());
    TRIDENT_ASSIGN_OR_RETURN(std::string_view content,
                             Unseal(Concat("the record '", key, "' in ", store.Where()),
                                    kRecordVersion, cursor->value()));
    std::optional<StoredState> state =
        DecodeState(std::string_view(key).substr(kStatePrefix.size()), content);
    if (!state) return Malformed(store, key);
    states.push_back(std::move(*state));
  }
  TRIDENT_RETURN_IF_ERROR(cursor->status());
  std::sort(states.begin(), states.end(),
            [](const StoredState& a, const StoredState& b) { return a.id < b.id; });
  return states;
}

// Where older releases wrote none, they gave the id after the greatest.
StatusOr<StateId> ReadNextState(const DurableStore& store, uint64_t format,
                                const std::vector<StoredState>& states) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<uint64_t> next, ReadNumber(store, kNextStateKey));
  StateId least(1);
  for (const StoredState& state : states) least = std::max(least, state.id.Next());
  if (!next && format < kCountedStatesFormat) return least;
  if (!next || *next < least.value()) {
    return DataLoss("the record '", kNextStateKey, "' in ", store.Where(),
                    next ? " is less than the id of a state" : " is missing",
                    ": it is damaged. Restore it from a backup");
  }
  return StateId(static_cast<uint32_t>(*next));
}

StatusOr<std::map<StateId, std::string>> ReadDropped(const DurableStore& store) {
  std::map<StateId, std::string> dropped;
  const std::unique_ptr<Cursor> cursor = store.NewCursor(Table::kMeta);
  for (cursor->Seek(kDroppedPrefix); cursor->Valid() && cursor->key().starts_with(kDroppedPrefix);
       cursor->Next()) {
    const std::string key(cursor->key());
    TRIDENT_ASSIGN_OR_RETURN(std::string_view content,
                             Unseal(Concat("the record '", key, "' in ", store.Where()),
                                    kRecordVersion, cursor->value()));
    ByteReader in(content);
    const StateId id(static_cast<uint32_t>(in.Varint()));
    const std::string name(in.LengthPrefixed());
    if (!in.done() || key != DroppedKey(id)) return Malformed(store, key);
    dropped[id] = name;
  }
  TRIDENT_RETURN_IF_ERROR(cursor->status());
  return dropped;
}

// The record is made with the claim: an epoch that was forgotten must not begin at 1 again.
StatusOr<Epoch> ReadEpoch(const DurableStore& store) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<uint64_t> epoch, ReadNumber(store, kEpochKey));
  if (!epoch) {
    return DataLoss("the record '", kEpochKey, "' is missing in ", store.Where(),
                    ": it is damaged. Restore it from a backup");
  }
  return Epoch(*epoch);
}

StatusOr<bool> IsEmpty(const DurableStore& store, Table table) {
  const std::unique_ptr<Cursor> cursor = store.NewCursor(table);
  cursor->Seek("");
  TRIDENT_RETURN_IF_ERROR(cursor->status());
  return !cursor->Valid();
}

// A store that no one claimed may hold nothing yet.
Status CheckUnclaimedIsEmpty(const DurableStore& store) {
  for (Table table : {Table::kMeta, Table::kRedo, Table::kDecision, Table::kBase}) {
    TRIDENT_ASSIGN_OR_RETURN(const bool empty, IsEmpty(store, table));
    if (!empty) {
      return DataLoss(store.Where(),
                      " holds data but no record of its owner: it is damaged. "
                      "Restore it from a backup");
    }
  }
  return {};
}

Status CheckFormat(const DurableStore& store, uint64_t format) {
  if (format >= 1 && format <= kCountedStatesFormat) return {};
  return FailedPrecondition(store.Where(), " has format ", format,
                            ", this program reads formats 1 to ", kCountedStatesFormat,
                            ": use the release that wrote it");
}

}  // namespace

StoredState Describe(const StateSpec& spec, const TypeInfo& value_type) {
  StoredState state;
  state.name = spec.name;
  state.kind = spec.kind;
  state.group = spec.group;
  state.partitions = spec.partitions;
  state.value_type = value_type.name;
  state.combiner = spec.combiner;
  for (const KeyField& field : spec.key_fields) {
    state.key.push_back({field.name, field.type->name, field.nullability});
  }
  return state;
}

std::string ToString(const StoredState& state) {
  std::string out = "key (";
  for (const StoredState::KeyPart& part : state.key) {
    if (&part != &state.key.front()) out += ", ";
    out += part.name + " " + part.type;
    if (part.nullability == Nullability::kNullable) out += " or null";
  }
  out += "), value " + state.value_type;
  if (!state.combiner.empty()) out += " (" + state.combiner + ")";
  return Concat(out, ", ", state.partitions,
                state.partitions == 1 ? " partition, " : " partitions, ", ToString(state.kind),
                ", group ", state.group.value());
}

StatusOr<StoreIdentity> ReadIdentity(const DurableStore& store) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<uint64_t> format, ReadNumber(store, kFormatKey));
  if (!format) {
    TRIDENT_RETURN_IF_ERROR(CheckUnclaimedIsEmpty(store));
    return StoreIdentity();
  }
  TRIDENT_RETURN_IF_ERROR(CheckFormat(store, *format));
  StoreIdentity identity;
  TRIDENT_ASSIGN_OR_RETURN(identity.owner, ReadOwner(store));
  if (!identity.owner) {
    return DataLoss("the record '", kOwnerKey, "' is missing in ", store.Where(),
                    ": it is damaged. Restore it from a backup");
  }
  TRIDENT_ASSIGN_OR_RETURN(identity.epoch, ReadEpoch(store));
  TRIDENT_ASSIGN_OR_RETURN(identity.states, ReadStates(store));
  TRIDENT_ASSIGN_OR_RETURN(identity.next_state, ReadNextState(store, *format, identity.states));
  TRIDENT_ASSIGN_OR_RETURN(identity.dropped, ReadDropped(store));
  for (const StoredState& state : identity.states) identity.dropped.erase(state.id);
  return identity;
}

void PutOwner(const StoreOwner& owner, WriteSet& changes) {
  changes.Put(Table::kMeta, std::string(kOwnerKey), Seal(kRecordVersion, EncodeOwner(owner)));
  PutEpoch(Epoch(0), changes);
}

void PutState(const StoredState& state, WriteSet& changes) {
  changes.Put(Table::kMeta, StateKey(state.name), Seal(kRecordVersion, EncodeState(state)));
}

void PutEpoch(Epoch epoch, WriteSet& changes) {
  changes.Put(Table::kMeta, std::string(kEpochKey),
              Seal(kRecordVersion, EncodeNumber(epoch.value())));
}

void PutNextState(StateId next, WriteSet& changes) {
  changes.Put(Table::kMeta, std::string(kFormatKey),
              Seal(kRecordVersion, EncodeNumber(kCountedStatesFormat)));
  changes.Put(Table::kMeta, std::string(kNextStateKey),
              Seal(kRecordVersion, EncodeNumber(next.value())));
}

void PutDropped(StateId id, std::string_view name, WriteSet& changes) {
  std::string content;
  PutVarint(content, id.value());
  PutLengthPrefixed(content, name);
  changes.Put(Table::kMeta, DroppedKey(id), Seal(kRecordVersion, content));
}

void RenameState(const StoredState& state, const std::string& name, WriteSet& changes) {
  StoredState renamed = state;
  renamed.name = name;
  changes.Delete(Table::kMeta, StateKey(state.name));
  PutState(renamed, changes);
}

void DropState(const StoredState& state, WriteSet& changes) {
  changes.Delete(Table::kMeta, StateKey(state.name));
  PutExpiry(state.name, 0, changes);
  PutDropped(state.id, state.name, changes);
  changes.DeleteRange(Table::kBase, StateBegin(state.id), StateBegin(state.id.Next()));
}

Status DeleteLeftovers(const DurableStore& store, const std::map<StateId, std::string>& dropped,
                       WriteSet& changes) {
  for (const auto& [id, name] : dropped) {
    const std::string end = StateBegin(id.Next());
    const std::unique_ptr<Cursor> cursor = store.NewCursor(Table::kBase, {.end = end});
    cursor->Seek(StateBegin(id));
    TRIDENT_RETURN_IF_ERROR(cursor->status());
    if (cursor->Valid()) changes.DeleteRange(Table::kBase, StateBegin(id), end);
  }
  return {};
}

}  // namespace trident
