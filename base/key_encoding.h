// SPDX-License-Identifier: Apache-2.0
//
// Canonical key bytes: byte order is key order, field by field. A key is a list of fields of fixed
// types; it is hashed, compared and stored only in this form.
//
//   bool       1 byte, 0 or 1
//   int64      8 bytes big-endian, sign bit flipped        timestamp  the same, of its microseconds
//   double     8 bytes big-endian; sign bit flipped if positive, all bits if negative; -0 is 0,
//              every NaN is the one NaN that sorts last
//   text,bytes last field: as they are. Elsewhere: 0x00 becomes 0x00 0xff, and 0x00 0x01 ends it
//   nullable   one byte before the field: 0x00 null (nothing follows), 0x01 present
//
// So a key of one text field is the text itself, and grouping by a word copies and encodes nothing.
#ifndef TRIDENT_BASE_KEY_ENCODING_H_
#define TRIDENT_BASE_KEY_ENCODING_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/types.h"

namespace trident {

// The place of a field in its key. A text is stored as it is only in the last place.
enum class KeyPlace : uint8_t { kInner, kLast };

void AppendKeyBool(std::string& out, bool v);
void AppendKeyInt64(std::string& out, int64_t v);
void AppendKeyDouble(std::string& out, double v);
void AppendKeyText(std::string& out, std::string_view v, KeyPlace place);

// The key of `values`, one per field. InvalidArgument, naming the field, if a value has another
// type.
StatusOr<std::string> EncodeKey(std::span<const KeyField> fields, std::span<const Datum> values);
// The first fields of a key, for prefix scans: every key that starts with these values, and no
// other, starts with the returned bytes. A text in the key's last place is itself a prefix.
StatusOr<std::string> EncodeKeyPrefix(std::span<const KeyField> fields,
                                      std::span<const Datum> values);
// Inverse of EncodeKey. DataLoss if the bytes are no key of these fields.
StatusOr<std::vector<Datum>> DecodeKey(std::span<const KeyField> fields, std::string_view key);
// Parses a value that a person typed. InvalidArgument, naming the expected type, if it is no such
// value.
StatusOr<Datum> ParseDatum(const TypeInfo& type, std::string_view text);

// The least string greater than every string that starts with `prefix`; empty means no bound.
std::string PrefixEnd(std::string_view prefix);

}  // namespace trident

#endif  // TRIDENT_BASE_KEY_ENCODING_H_
