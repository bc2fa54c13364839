// SPDX-License-Identifier: Apache-2.0
#include "engine/frames/slice_codec.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <type_traits>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "base/limits.h"
#include "engine/frames/frame_format.h"

namespace trident {

using namespace frame_format;

namespace {

// Which rows of a slice are written, in their order. A column is read at RowAt, the keys at
// PlaceAt.
class AllRows {
 public:
  explicit AllRows(size_t rows) : rows_(rows) {}
  size_t size() const { return rows_; }
  size_t RowAt(size_t i) const { return i; }
  size_t PlaceAt(size_t i) const { return i; }

 private:
  const size_t rows_;
};
class ChosenRows {
 public:
  ChosenRows(const Slice& slice, std::span<const uint32_t> places) : places_(places) {
    if (slice.selection() == nullptr) {
      rows_ = places;
      return;
    }
    mapped_.reserve(places.size());
    for (uint32_t place : places) mapped_.push_back((*slice.selection())[place]);
    rows_ = mapped_;
  }
  ChosenRows(const ChosenRows&) = delete;
  ChosenRows& operator=(const ChosenRows&) = delete;
  size_t size() const { return places_.size(); }
  size_t RowAt(size_t i) const { return rows_[i]; }
  size_t PlaceAt(size_t i) const { return places_[i]; }

 private:
  const std::span<const uint32_t> places_;
  std::span<const uint32_t> rows_;
  std::vector<uint32_t> mapped_;
};

std::string_view StringOf(Text text) { return text; }
std::string_view StringOf(Bytes bytes) { return bytes.view; }

// Calls `use` with a function that gives the string of a column row. REQUIRES: a text or bytes
// column.
template <class Use>
auto WithStrings(const Column& column, Use use) {
  if (column.type().kind == TypeKind::kText) {
    return use([v = As<Text>(column).values().data()](size_t row) { return StringOf(v[row]); });
  }
  return use([v = As<Bytes>(column).values().data()](size_t row) { return StringOf(v[row]); });
}

// Makes room for `bytes` more, and returns where they go.
char* Extend(std::string& out, size_t bytes) {
  const size_t at = out.size();
  out.resize(at + bytes);
  return out.data() + at;
}

template <class Length, class StringAt>
void PutLengths(size_t rows, const StringAt& string_at, std::string& out) {
  char* to = Extend(out, rows * sizeof(Length));
  for (size_t i = 0; i < rows; ++i) {
    const auto length = static_cast<Length>(string_at(i).size());
    std::memcpy(to, &length, sizeof length);
    to += sizeof length;
  }
}

template <class StringAt>
void PutStrings(size_t rows, const StringAt& string_at, std::string& out) {
  size_t longest = 0;
  size_t total = 0;
  for (size_t i = 0; i < rows; ++i) {
    const size_t size = string_at(i).size();
    longest = std::max(longest, size);
    total += size;
  }
  TRIDENT_CHECK_LE(longest, 0xffffffffu);
  const char width = longest <= 0xff ? 1 : longest <= 0xffff ? 2 : 4;
  out.push_back(width);
  if (width == 1) PutLengths<uint8_t>(rows, string_at, out);
  if (width == 2) PutLengths<uint16_t>(rows, string_at, out);
  if (width == 4) PutLengths<uint32_t>(rows, string_at, out);
  char* to = Extend(out, total);
  for (size_t i = 0; i < rows; ++i) {
    const std::string_view s = string_at(i);
    if (!s.empty()) std::memcpy(to, s.data(), s.size());
    to += s.size();
  }
}

template <class T, class Rows>
void PutFixed(const Column& column, const Rows& rows, std::string& out) {
  const T* values = As<T>(column).values().data();
  if constexpr (std::is_same_v<Rows, AllRows>) {
    out.append(reinterpret_cast<const char*>(values), rows.size() * sizeof(T));
  } else {
    char* to = Extend(out, rows.size() * sizeof(T));
    for (size_t i = 0; i < rows.size(); ++i) {
      std::memcpy(to, &values[rows.RowAt(i)], sizeof(T));
      to += sizeof(T);
    }
  }
}

template <class Rows>
void PutValues(const Column& column, const Rows& rows, std::string& out) {
  switch (column.type().kind) {
    case TypeKind::kBool:
      return PutFixed<bool>(column, rows, out);
    case TypeKind::kInt64:
      return PutFixed<int64_t>(column, rows, out);
    case TypeKind::kDouble:
      return PutFixed<double>(column, rows, out);
    case TypeKind::kTimestamp:
      return PutFixed<Timestamp>(column, rows, out);
    case TypeKind::kText:
    case TypeKind::kBytes:
      return WithStrings(column, [&](const auto& string_of) {
        PutStrings(
            rows.size(), [&](size_t i) { return string_of(rows.RowAt(i)); }, out);
      });
    case TypeKind::kList:
    case TypeKind::kUser:
      for (size_t i = 0; i < rows.size(); ++i) {
        if (!column.IsNull(rows.RowAt(i))) column.EncodeValue(rows.RowAt(i), out);
      }
  }
}

template <class Rows>
bool AnyNull(const Column& column, const Rows& rows) {
  for (size_t i = 0; column.has_nulls() && i < rows.size(); ++i) {
    if (column.IsNull(rows.RowAt(i))) return true;
  }
  return false;
}

template <class Rows>
void PutColumn(const Column& column, const Rows& rows, std::string& out) {
  const bool any_null = AnyNull(column, rows);
  out.push_back(any_null ? 1 : 0);
  for (size_t i = 0; any_null && i < rows.size(); ++i) {
    out.push_back(column.IsNull(rows.RowAt(i)) ? 0 : 1);
  }
  PutValues(column, rows, out);
}

// The column whose values the keys are, in place: what grouping by one text field leaves.
template <class Rows>
std::optional<size_t> ColumnOfKeys(const Slice& slice, const Rows& rows) {
  const HashedKey* keys = slice.keys()->keys.data();
  for (size_t c = 0; c < slice.columns().size() && rows.size() > 0; ++c) {
    const Column& column = slice.column(c);
    if (!IsStrings(column.type()) || AnyNull(column, rows)) continue;
    const bool same = WithStrings(column, [&](const auto& string_of) {
      for (size_t i = 0; i < rows.size(); ++i) {
        const std::string_view value = string_of(rows.RowAt(i));
        const std::string_view key = keys[rows.PlaceAt(i)].key;
        if (value.data() != key.data() || value.size() != key.size()) return false;
      }
      return true;
    });
    if (same) return c;
  }
  return std::nullopt;
}

template <class Rows>
void PutKeys(const Slice& slice, const Rows& rows, std::string& out) {
  const HashedKey* keys = slice.keys()->keys.data();
  PutStrings(
      rows.size(), [&](size_t i) { return keys[rows.PlaceAt(i)].key; }, out);
}

// To make room for a frame at once, if its texts are short; they are not looked at.
size_t RoughBytes(const Slice& slice, size_t rows) {
  constexpr size_t kTextBytes = 1 + 16;
  size_t row_bytes = 0;
  for (const ColumnRef& column : slice.columns()) {
    if (IsStrings(column->type())) {
      row_bytes += kTextBytes;
    } else {
      row_bytes += column->type().kind == TypeKind::kBool ? 1 : sizeof(int64_t);
    }
  }
  return kFrameBytesMin + rows * row_bytes;
}

template <class Rows>
void PutFrame(const Slice& slice, const Rows& rows, std::string& out) {
  TRIDENT_CHECK_LE(rows.size(), static_cast<size_t>(kFrameRowsMax));
  const bool has_keys = slice.keys() != nullptr;
  std::optional<size_t> column_of_keys;
  if (has_keys) column_of_keys = ColumnOfKeys(slice, rows);

  const size_t begin = out.size();
  out.reserve(begin + RoughBytes(slice, rows.size()));
  out.push_back(kVersion);
  out.push_back(!has_keys ? kNoKeys : column_of_keys ? kKeysAreColumn : kKeysApart);
  PutFixed64(out, SchemaFingerprint(slice.schema()));
  PutVarint(out, rows.size());
  for (const ColumnRef& column : slice.columns()) PutColumn(*column, rows, out);
  if (column_of_keys) {
    PutVarint(out, *column_of_keys);
  } else if (has_keys) {
    PutKeys(slice, rows, out);
  }
  PutFixed64(out, HashBytes(std::string_view(out).substr(begin)));
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
  if (slice.selection() == nullptr) return PutFrame(slice, AllRows(slice.rows()), out);
  std::vector<uint32_t> places(slice.rows());
  std::iota(places.begin(), places.end(), 0u);
  EncodeRows(slice, places, out);
}

void EncodeRows(const Slice& slice, std::span<const uint32_t> places, std::string& out) {
  PutFrame(slice, ChosenRows(slice, places), out);
}

}  // namespace trident
