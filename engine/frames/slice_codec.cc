// SPDX-License-Identifier: Apache-2.0
#include "engine/frames/slice_codec.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "base/limits.h"
#include "engine/frames/frame_format.h"

namespace trident {

using namespace frame_format;

namespace {

template <class Length>
void PutLengths(std::span<const std::string_view> strings, std::string& out) {
  const size_t at = out.size();
  out.resize(at + strings.size() * sizeof(Length));
  char* to = out.data() + at;
  for (std::string_view s : strings) {
    const auto length = static_cast<Length>(s.size());
    std::memcpy(to, &length, sizeof length);
    to += sizeof length;
  }
}

void PutStrings(std::span<const std::string_view> strings, std::string& out) {
  size_t longest = 0;
  size_t total = 0;
  for (std::string_view s : strings) {
    longest = std::max(longest, s.size());
    total += s.size();
  }
  TRIDENT_CHECK_LE(longest, 0xffffffffu);
  const char width = longest <= 0xff ? 1 : longest <= 0xffff ? 2 : 4;
  out.push_back(width);
  if (width == 1) PutLengths<uint8_t>(strings, out);
  if (width == 2) PutLengths<uint16_t>(strings, out);
  if (width == 4) PutLengths<uint32_t>(strings, out);
  const size_t at = out.size();
  out.resize(at + total);
  char* to = out.data() + at;
  for (std::string_view s : strings) {
    if (!s.empty()) std::memcpy(to, s.data(), s.size());
    to += s.size();
  }
}

template <class T>
void PutFixed(const Column& column, std::string& out) {
  const std::span<const T> values = As<T>(column).values();
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

void PutValues(const Column& column, std::string& out) {
  switch (column.type().kind) {
    case TypeKind::kBool:
      return PutFixed<bool>(column, out);
    case TypeKind::kInt64:
      return PutFixed<int64_t>(column, out);
    case TypeKind::kDouble:
      return PutFixed<double>(column, out);
    case TypeKind::kTimestamp:
      return PutFixed<Timestamp>(column, out);
    case TypeKind::kText:
    case TypeKind::kBytes:
      return PutStrings(StringsOf(column), out);
    case TypeKind::kList:
    case TypeKind::kUser:
      for (size_t row = 0; row < column.size(); ++row) {
        if (!column.IsNull(row)) column.EncodeValue(row, out);
      }
  }
}

void PutColumn(const Column& column, std::string& out) {
  const size_t begin = out.size();
  out.push_back(0);
  bool any_null = false;
  for (size_t row = 0; row < column.size() && column.has_nulls(); ++row) {
    out.push_back(column.IsNull(row) ? 0 : 1);
    any_null |= column.IsNull(row);
  }
  if (any_null) {
    out[begin] = 1;
  } else {
    out.resize(begin + 1);
  }
  PutValues(column, out);
}

// The column whose values the keys are, in place: what grouping by one text field leaves.
std::optional<size_t> ColumnOfKeys(const Slice& slice, std::span<const HashedKey> keys) {
  for (size_t c = 0; c < slice.columns().size() && !keys.empty(); ++c) {
    const Column& column = slice.column(c);
    if (!IsStrings(column.type()) || column.has_nulls()) continue;
    const std::vector<std::string_view> values = StringsOf(column);
    const bool same =
        std::equal(values.begin(), values.end(), keys.begin(), keys.end(),
                   [](std::string_view value, const HashedKey& key) {
                     return value.data() == key.key.data() && value.size() == key.key.size();
                   });
    if (same) return c;
  }
  return std::nullopt;
}

}  // namespace

uint64_t SchemaFingerprint(const Schema& schema) {
  std::string text;
  for (const SchemaField& field : schema.fields()) {
    PutLengthPrefixed(text, field.name);
    PutLengthPrefixed(text, field.type->name);
    text.push_back(field.nullability == Nullability::kNullable ? 1 : 0);
  }
  return HashBytes(text);
}

void EncodeSlice(const Slice& slice, std::string& out) {
  const Slice rows = slice.Compact();
  TRIDENT_CHECK_LE(rows.rows(), static_cast<size_t>(kFrameRowsMax));
  const KeyColumn* keys = rows.keys().get();
  std::optional<size_t> column_of_keys;
  if (keys != nullptr) column_of_keys = ColumnOfKeys(rows, keys->keys.view());
  const KeysKind keys_kind = keys == nullptr  ? kNoKeys
                             : column_of_keys ? kKeysAreColumn
                                              : kKeysApart;

  const size_t begin = out.size();
  out.push_back(kVersion);
  out.push_back(keys_kind);
  PutFixed64(out, SchemaFingerprint(rows.schema()));
  PutVarint(out, rows.rows());
  for (const ColumnRef& column : rows.columns()) PutColumn(*column, out);
  if (column_of_keys) {
    PutVarint(out, *column_of_keys);
  } else if (keys != nullptr) {
    std::vector<std::string_view> strings;
    for (const HashedKey& key : keys->keys) strings.push_back(key.key);
    PutStrings(strings, out);
  }
  PutFixed64(out, HashBytes(std::string_view(out).substr(begin)));
}

}  // namespace trident
