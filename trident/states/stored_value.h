// SPDX-License-Identifier: Apache-2.0
//
// The types that a user-defined map state stores for a key, by its kind:
//
//   V                      non-transactional: the value; a batch that is repeated counts again
//   TransactionalValue<V>  the value and the txid that made it; that txid changes it once only
//   OpaqueValue<V>         the value, the one before it, and the txid; that txid may make it anew
//
// Each has a UserCodec, so Codec<OpaqueValue<int64_t>> turns it into typed, versioned bytes for any
// store. Source of the semantics: Trident's TransactionalValue and OpaqueValue. An absent value is
// one that was removed: the entry stays until the removal cannot be taken back any more.
#ifndef TRIDENT_TRIDENT_STATES_STORED_VALUE_H_
#define TRIDENT_TRIDENT_STATES_STORED_VALUE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/codec.h"
#include "base/ids.h"
#include "base/status.h"
#include "state/disk/state_spec.h"
#include "trident/states/commit_history.h"

namespace trident {

template <class V>
struct TransactionalValue {
  TxId txid;
  std::optional<V> value;
  friend bool operator==(const TransactionalValue&, const TransactionalValue&) = default;
};

template <class V>
struct OpaqueValue {
  TxId txid;
  std::optional<V> curr;
  std::optional<V> prev;
  Epoch epoch = {};  // the epoch that wrote it

  friend bool operator==(const OpaqueValue&, const OpaqueValue&) = default;
};

// The newest batch, and the start that it belongs to.
struct CommitPoint {
  TxId txid;
  const CommitHistory* history;
};

// How a batch reads a stored value, and what it stores instead.
template <class Stored>
struct StoredTraits {
  using Value = Stored;
  static constexpr StateKind kKind = StateKind::kNonTransactional;
  // The value before the batch.
  static StatusOr<std::optional<Value>> Before(const Stored& stored, const CommitPoint&) {
    return std::optional<Value>(stored);
  }
  // True if the batch has made this value already, so that it must not be changed again.
  static bool IsMadeBy(const Stored&, TxId) { return false; }
  // The value for a reader that may see batches up to the commit point.
  static std::optional<Value> At(const Stored& stored, const CommitPoint&) { return stored; }
  static std::optional<Stored> Make(const CommitPoint&, const std::optional<Value>&,
                                    std::optional<Value> now) {
    return now;
  }
};

namespace stored_value_internal {

inline Status Behind(TxId at, TxId stored) {
  return FailedPrecondition(
      "txid ", at.value(), " is behind the state's txid ", stored.value(),
      ": the state was written by another run. It belongs to one state directory; use that one, or "
      "empty both");
}

inline Status Newer(Epoch at, Epoch stored) {
  return FailedPrecondition("the state was written by start ", stored.value(),
                            " of a state directory, but this is only start ", at.value(),
                            ": it belongs to another directory; use that one, or empty both");
}

}  // namespace stored_value_internal

template <class V>
struct StoredTraits<TransactionalValue<V>> {
  using Value = V;
  using Stored = TransactionalValue<V>;
  static constexpr StateKind kKind = StateKind::kTransactional;
  static StatusOr<std::optional<V>> Before(const Stored& stored, const CommitPoint& at) {
    if (stored.txid > at.txid) return stored_value_internal::Behind(at.txid, stored.txid);
    return stored.value;
  }
  static bool IsMadeBy(const Stored& stored, TxId txid) { return stored.txid == txid; }
  static std::optional<V> At(const Stored& stored, const CommitPoint&) { return stored.value; }
  static std::optional<Stored> Make(const CommitPoint& at, const std::optional<V>&,
                                    std::optional<V> now) {
    return Stored{at.txid, std::move(now)};
  }
};

template <class V>
struct StoredTraits<OpaqueValue<V>> {
  using Value = V;
  using Stored = OpaqueValue<V>;
  static constexpr StateKind kKind = StateKind::kOpaque;
  static StatusOr<std::optional<V>> Before(const Stored& stored, const CommitPoint& at) {
    if (stored.txid > at.txid) return stored_value_internal::Behind(at.txid, stored.txid);
    if (stored.epoch > at.history->epoch) {
      return stored_value_internal::Newer(at.history->epoch, stored.epoch);
    }
    const bool counts = stored.txid < at.txid && at.history->WasDecided(stored.epoch, stored.txid);
    return counts ? stored.curr : stored.prev;
  }
  static bool IsMadeBy(const Stored&, TxId) { return false; }
  static std::optional<V> At(const Stored& stored, const CommitPoint& at) {
    const bool counts = stored.txid <= at.txid && at.history->WasDecided(stored.epoch, stored.txid);
    return counts ? stored.curr : stored.prev;
  }
  static std::optional<Stored> Make(const CommitPoint& at, const std::optional<V>& before,
                                    std::optional<V> now) {
    return Stored{at.txid, std::move(now), before, at.history->epoch};
  }
};

// ---- encodings: version byte, varints, and for each value a byte that tells if it is there ----

namespace stored_value_internal {

inline constexpr char kVersion = 1;

template <class V>
void PutOptional(std::string& out, const std::optional<V>& value) {
  out.push_back(value.has_value() ? 1 : 0);
  if (value.has_value()) Codec<V>::Encode(*value, out);
}
template <class V>
std::optional<V> ReadOptional(ByteReader& in) {
  if (!Codec<bool>::Decode(in)) return std::nullopt;
  return Codec<V>::Decode(in);
}
inline bool StartsWithVersion(ByteReader& in) {
  const std::string_view version = in.Bytes(1);
  return in.ok() && version[0] == kVersion;
}
template <class V>
std::string Rendered(const std::optional<V>& value) {
  if (!value.has_value()) return "null";
  std::string bytes;
  Codec<V>::Encode(*value, bytes);
  ByteReader in(bytes);
  return ToString(TypeOf<V>().decode(in));
}

}  // namespace stored_value_internal

template <class V>
struct UserCodec<TransactionalValue<V>> {
  static std::string Name() { return "transactional<" + TypeOf<V>().name + ">"; }
  static void Encode(const TransactionalValue<V>& v, std::string& out) {
    out.push_back(stored_value_internal::kVersion);
    PutVarint(out, v.txid.value());
    stored_value_internal::PutOptional(out, v.value);
  }
  static bool Decode(std::string_view bytes, TransactionalValue<V>& out) {
    ByteReader in(bytes);
    if (!stored_value_internal::StartsWithVersion(in)) return false;
    out.txid = TxId(in.Varint());
    out.value = stored_value_internal::ReadOptional<V>(in);
    return in.done();
  }
  static std::string Render(const TransactionalValue<V>& v) {
    return stored_value_internal::Rendered(v.value) + " of txid " + ToString(v.txid);
  }
};

template <class V>
struct UserCodec<OpaqueValue<V>> {
  static std::string Name() { return "opaque<" + TypeOf<V>().name + ">"; }
  static void Encode(const OpaqueValue<V>& v, std::string& out) {
    out.push_back(stored_value_internal::kVersion);
    PutVarint(out, v.txid.value());
    PutVarint(out, v.epoch.value());
    stored_value_internal::PutOptional(out, v.curr);
    stored_value_internal::PutOptional(out, v.prev);
  }
  static bool Decode(std::string_view bytes, OpaqueValue<V>& out) {
    ByteReader in(bytes);
    if (!stored_value_internal::StartsWithVersion(in)) return false;
    out.txid = TxId(in.Varint());
    out.epoch = Epoch(in.Varint());
    out.curr = stored_value_internal::ReadOptional<V>(in);
    out.prev = stored_value_internal::ReadOptional<V>(in);
    return in.done();
  }
  static std::string Render(const OpaqueValue<V>& v) {
    return stored_value_internal::Rendered(v.curr) + " of txid " + ToString(v.txid) + ", before " +
           stored_value_internal::Rendered(v.prev);
  }
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STATES_STORED_VALUE_H_
