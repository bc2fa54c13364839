// SPDX-License-Identifier: Apache-2.0
#include "state/disk/store_layout.h"

#include <cstring>

#include "base/coding.h"
#include "base/hash.h"

namespace trident {
namespace {

constexpr char kDecisionTag = 'd';
constexpr char kCutTag = 'c';
constexpr char kMarkerTag = '\x00';
constexpr char kKeyTag = '\x01';
constexpr uint8_t kMarkerVersion = 1;

void AppendBigEndian(std::string& out, uint32_t v) {
  v = __builtin_bswap32(v);
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
void AppendBigEndian(std::string& out, uint64_t v) {
  v = __builtin_bswap64(v);
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
uint32_t BigEndian32(std::string_view bytes, size_t at) {
  uint32_t v;
  std::memcpy(&v, bytes.data() + at, sizeof v);
  return __builtin_bswap32(v);
}
uint64_t BigEndian64(std::string_view bytes, size_t at) {
  uint64_t v;
  std::memcpy(&v, bytes.data() + at, sizeof v);
  return __builtin_bswap64(v);
}

std::string TaggedKey(std::string_view tag, GroupId group, TxId txid) {
  std::string key(tag);
  AppendBigEndian(key, group.value());
  AppendBigEndian(key, txid.value());
  return key;
}

std::optional<TxIdKey> ParseTaggedKey(std::string_view tag, std::string_view key) {
  if (!key.starts_with(tag)) return std::nullopt;
  key.remove_prefix(tag.size());
  if (key.size() != sizeof(uint32_t) + sizeof(uint64_t)) return std::nullopt;
  return TxIdKey{GroupId(BigEndian32(key, 0)), TxId(BigEndian64(key, sizeof(uint32_t)))};
}

std::string PartitionKey(StateId state, PartitionId partition, char tag, size_t more) {
  std::string key;
  key.reserve(kBasePrefixBytes + more);
  AppendBigEndian(key, state.value());
  AppendBigEndian(key, partition.value());
  key.push_back(tag);
  return key;
}

}  // namespace

std::string RedoKey(GroupId group, TxId txid) { return TaggedKey("", group, txid); }
std::string DecisionKey(GroupId group, TxId txid) {
  return TaggedKey({&kDecisionTag, 1}, group, txid);
}
std::string CutKey(GroupId group, TxId txid) { return TaggedKey({&kCutTag, 1}, group, txid); }

std::optional<TxIdKey> ParseRedoKey(std::string_view key) { return ParseTaggedKey("", key); }
std::optional<TxIdKey> ParseDecisionKey(std::string_view key) {
  return ParseTaggedKey({&kDecisionTag, 1}, key);
}
std::optional<TxIdKey> ParseCutKey(std::string_view key) {
  return ParseTaggedKey({&kCutTag, 1}, key);
}

std::string MarkerKey(StateId state, PartitionId partition) {
  return PartitionKey(state, partition, kMarkerTag, 0);
}
std::string BasePrefix(StateId state, PartitionId partition) {
  return PartitionKey(state, partition, kKeyTag, 0);
}
std::string BaseKey(StateId state, PartitionId partition, std::string_view key) {
  std::string out = PartitionKey(state, partition, kKeyTag, key.size());
  out.append(key);
  return out;
}
std::string PartitionEnd(StateId state, PartitionId partition) {
  return PartitionKey(state, partition, kKeyTag + 1, 0);
}

std::string StateBegin(StateId state) { return MarkerKey(state, PartitionId(0)); }

std::optional<ParsedBaseKey> ParseBaseKey(std::string_view key) {
  if (key.size() < kBasePrefixBytes) return std::nullopt;
  ParsedBaseKey parsed;
  parsed.state = StateId(BigEndian32(key, 0));
  parsed.partition = PartitionId(BigEndian32(key, sizeof(uint32_t)));
  const char tag = key[kBasePrefixBytes - 1];
  parsed.is_marker = tag == kMarkerTag;
  parsed.key = key.substr(kBasePrefixBytes);
  if (tag != kMarkerTag && tag != kKeyTag) return std::nullopt;
  if (parsed.is_marker && !parsed.key.empty()) return std::nullopt;
  return parsed;
}

std::string EncodeMarker(const Marker& marker) {
  std::string content;
  PutFixed64(content, marker.txid.value());
  PutFixed64(content, marker.attempt.epoch.value());
  PutFixed32(content, marker.attempt.counter);
  PutFixed64(content, marker.checksum);
  PutFixed64(content, marker.keys);
  return Seal(kMarkerVersion, content);
}

StatusOr<Marker> DecodeMarker(std::string_view bytes) {
  TRIDENT_ASSIGN_OR_RETURN(std::string_view content,
                           Unseal("partition marker", kMarkerVersion, bytes));
  ByteReader in(content);
  Marker marker;
  marker.txid = TxId(in.Fixed64());
  marker.attempt.epoch = Epoch(in.Fixed64());
  marker.attempt.counter = in.Fixed32();
  marker.checksum = in.Fixed64();
  marker.keys = in.Fixed64();
  if (!in.done()) {
    return DataLoss("partition marker is damaged: expected 36 bytes of content, found ",
                    content.size());
  }
  return marker;
}

std::string Seal(uint8_t version, std::string_view content) {
  std::string sealed(1, static_cast<char>(version));
  sealed.append(content);
  PutFixed64(sealed, HashBytes(sealed));
  return sealed;
}

StatusOr<std::string_view> Unseal(std::string_view what, uint8_t version, std::string_view sealed) {
  constexpr size_t kChecksumBytes = sizeof(uint64_t);
  if (sealed.size() < 1 + kChecksumBytes) {
    return DataLoss(what, " is damaged: expected at least ", 1 + kChecksumBytes, " bytes, found ",
                    sealed.size());
  }
  const std::string_view signed_part = sealed.substr(0, sealed.size() - kChecksumBytes);
  const uint64_t stored = ByteReader(sealed.substr(signed_part.size())).Fixed64();
  if (const uint64_t computed = HashBytes(signed_part); computed != stored) {
    return DataLoss(what, " is damaged: its checksum is ", stored, ", but its ", signed_part.size(),
                    " bytes give ", computed);
  }
  const auto found = static_cast<uint8_t>(sealed.front());
  if (found != version) {
    return FailedPrecondition(what, " has version ", static_cast<int>(found),
                              ", this program reads version ", static_cast<int>(version),
                              ": use the release that wrote it");
  }
  return signed_part.substr(1);
}

}  // namespace trident
