// SPDX-License-Identifier: Apache-2.0
//
// Which keys stand in which table of a DurableStore. Integers in keys are big-endian, so that byte
// order is their order.
//
//   kRedo      group u32, txid u64                     redo record (state/redo/redo_record.h)
//   kDecision  'd', group u32, txid u64                decision record   (the coordinator's)
//              'c', group u32, txid u64                logged cut        (the coordinator's)
//              other tags: see coordinator/decision_log.h
//   kBase      state u32, partition u32, 0x00          marker of the partition
//              state u32, partition u32, 0x01, key     value of a key (base/key_encoding.h)
//   kMeta      see state/disk/store_identity.h
//
// A marker sorts before all keys of its partition and is installed by the same bulk load as they
// are, so that a partition's base always is what its marker says.
#ifndef TRIDENT_STATE_DISK_STORE_LAYOUT_H_
#define TRIDENT_STATE_DISK_STORE_LAYOUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"

namespace trident {

// ---- redo and decisions ----

struct TxIdKey {
  GroupId group;
  TxId txid;
  friend bool operator==(const TxIdKey&, const TxIdKey&) = default;
};

std::string RedoKey(GroupId group, TxId txid);
std::string DecisionKey(GroupId group, TxId txid);
std::string CutKey(GroupId group, TxId txid);
// nullopt: the bytes are no such key.
std::optional<TxIdKey> ParseRedoKey(std::string_view key);
std::optional<TxIdKey> ParseDecisionKey(std::string_view key);
std::optional<TxIdKey> ParseCutKey(std::string_view key);

// ---- base ----

inline constexpr size_t kBasePrefixBytes = 9;  // what stands before the key itself

std::string MarkerKey(StateId state, PartitionId partition);
// What every key of the partition starts with, and no marker.
std::string BasePrefix(StateId state, PartitionId partition);
std::string BaseKey(StateId state, PartitionId partition, std::string_view key);
// The first key after all of the partition, its marker included.
std::string PartitionEnd(StateId state, PartitionId partition);

// The first key of all partitions of a state; that of the next id is their end.
std::string StateBegin(StateId state);

struct ParsedBaseKey {
  StateId state;
  PartitionId partition;
  bool is_marker = false;
  std::string_view key;  // a view into what was parsed
};
// nullopt: the bytes are no key of the base.
std::optional<ParsedBaseKey> ParseBaseKey(std::string_view key);

// ---- markers ----

// How far a partition of the base is, and what it held then.
struct Marker {
  TxId txid;              // every decided txid up to this one is in, none after it
  Attempt attempt;        // which was decided for `txid`
  uint64_t checksum = 0;  // rolling, over the changes of the partition; kept by the state
  uint64_t keys = 0;      // in the base; about, once deltas were appended unread

  friend bool operator==(const Marker&, const Marker&) = default;
};
std::string EncodeMarker(const Marker& marker);
// DataLoss when the bytes are damaged, FailedPrecondition when a newer release wrote them.
StatusOr<Marker> DecodeMarker(std::string_view bytes);

// ---- small sealed values: version byte, content, XXH3-64 of both ----

std::string Seal(uint8_t version, std::string_view content);
// The content, a view into `sealed`. `what` names the value in errors: DataLoss when it is damaged,
// FailedPrecondition when its version is not `version`.
StatusOr<std::string_view> Unseal(std::string_view what, uint8_t version, std::string_view sealed);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_STORE_LAYOUT_H_
