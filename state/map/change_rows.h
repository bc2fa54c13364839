// SPDX-License-Identifier: Apache-2.0
//
// The content of a state's redo section: the changes of one txid in one partition, row after row.
//
//   varint    key length * 8 + operation
//   key       canonical key bytes
//   value     Codec<V>; with kReplace, kAdd and kDelta
//
// Deltas come first. A key has at most one row that is no delta. Whether a key is new stands in the
// row so that recovery counts keys without reading the base.
#ifndef TRIDENT_STATE_MAP_CHANGE_ROWS_H_
#define TRIDENT_STATE_MAP_CHANGE_ROWS_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/codec.h"
#include "base/coding.h"
#include "base/guard.h"
#include "base/key_words.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/types.h"
#include "state/map/map_options.h"

namespace trident {

enum class RowOperation : uint8_t {
  kReplace = 0,        // the key had a value
  kAdd = 1,            // it had none
  kRemove = 2,         // it had one
  kRemoveNothing = 3,  // it had none
  kDelta = 4,          // the value is to be combined with the present one
};
inline constexpr bool HasValue(RowOperation operation) {
  return operation != RowOperation::kRemove && operation != RowOperation::kRemoveNothing;
}

// Appends rows to a string through a buffer on the stack: growing a string byte by byte costs more
// than all the rest of a row. Flushes when it goes out of scope.
template <class V>
class ChangeRowWriter {
 public:
  explicit ChangeRowWriter(std::string& out) : out_(out) {}
  ~ChangeRowWriter() { Flush(); }
  ChangeRowWriter(const ChangeRowWriter&) = delete;
  ChangeRowWriter& operator=(const ChangeRowWriter&) = delete;

  // `value` is read only if the operation has one.
  void Write(RowOperation operation, std::string_view key, const V& value) {
    if (key.size() > kShortKey || used_ + kShortKey + 2 * kVarintBytes > sizeof buffer_) {
      Flush();
    }
    PutVarintHere(key.size() * 8 + static_cast<uint64_t>(operation));
    if (key.size() > kShortKey) {
      Flush();
      out_.append(key);
    } else {
      if (key.size() <= KeyWords::kBytes) {
        KeyWords::Of(key).CopyTo(buffer_ + used_);
      } else {
        std::memcpy(buffer_ + used_, key.data(), key.size());
      }
      used_ += key.size();
    }
    if (HasValue(operation)) WriteValue(value);
  }

 private:
  static constexpr size_t kShortKey = 128;
  static constexpr size_t kVarintBytes = 10;

  void WriteValue(const V& value) {
    if constexpr (std::is_same_v<V, int64_t>) {
      PutVarintHere(ZigZag(value));
    } else if constexpr (std::is_same_v<V, Timestamp>) {
      PutVarintHere(ZigZag(value.micros));
    } else if constexpr (std::is_same_v<V, double>) {
      std::memcpy(buffer_ + used_, &value, sizeof value);
      used_ += sizeof value;
    } else {
      Flush();
      Codec<V>::Encode(value, out_);
    }
  }
  void PutVarintHere(uint64_t v) {
    while (v >= 0x80) {
      buffer_[used_++] = static_cast<char>(v | 0x80);
      v >>= 7;
    }
    buffer_[used_++] = static_cast<char>(v);
  }
  void Flush() {
    out_.append(buffer_, used_);
    used_ = 0;
  }

  std::string& out_;
  size_t used_ = 0;
  char buffer_[4096];
};

// Reads the operation and the key of a row. False, and !in.ok(), when the bytes are no row.
inline bool ReadChangeHead(ByteReader& in, RowOperation& operation, std::string_view& key) {
  const uint64_t head = in.Varint();
  if (!in.ok() || (head & 7) > static_cast<uint64_t>(RowOperation::kDelta) ||
      head / 8 > static_cast<uint64_t>(kKeyBytesMax)) {
    in.Invalidate();
    return false;
  }
  operation = static_cast<RowOperation>(head & 7);
  key = in.Bytes(head / 8);
  return in.ok();
}

template <class V>
struct ChangeRow {
  RowOperation operation;
  std::string_view key;      // into the section
  std::string_view encoded;  // the value, there too
  V value{};
  Status decoded = {};  // not ok: the program's codec threw for the value
};

// Reads one row. After the last: in.done(). False, and !in.ok(), when the bytes are no row, or when
// the codec threw and nobody knows where the row ends.
template <class V>
bool ReadChangeRow(ByteReader& in, const ValueCodec<V>& codec, ChangeRow<V>& row) {
  if (!ReadChangeHead(in, row.operation, row.key)) return false;
  const std::string_view rest = in.rest();
  if (HasValue(row.operation)) {
    if constexpr (std::is_same_v<V, UserValue>) {
      row.decoded = Guarded("the codec", [&] { row.value = codec.Decode(in); });
      if (!row.decoded.ok() && codec.type().kind != TypeKind::kUser) in.Invalidate();
    } else {
      row.value = codec.Decode(in);
    }
  }
  if (in.ok()) row.encoded = rest.substr(0, rest.size() - in.remaining());
  return in.ok();
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_CHANGE_ROWS_H_
