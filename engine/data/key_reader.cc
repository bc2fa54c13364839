// SPDX-License-Identifier: Apache-2.0
#include "engine/data/key_reader.h"

#include "base/check.h"
#include "base/hash.h"

namespace trident {
namespace {

void AppendField(const KeyField& field, const Column& column, uint32_t row, KeyPlace place,
                 std::string& out) {
  if (field.nullability == Nullability::kNullable) {
    bool null = column.IsNull(row);
    out.push_back(null ? 0 : 1);
    if (null) return;
  }
  switch (field.type->kind) {
    case TypeKind::kBool:
      return AppendKeyBool(out, As<bool>(column).values()[row]);
    case TypeKind::kInt64:
      return AppendKeyInt64(out, As<int64_t>(column).values()[row]);
    case TypeKind::kDouble:
      return AppendKeyDouble(out, As<double>(column).values()[row]);
    case TypeKind::kTimestamp:
      return AppendKeyInt64(out, As<Timestamp>(column).values()[row].micros);
    case TypeKind::kText:
      return AppendKeyText(out, As<Text>(column).values()[row], place);
    case TypeKind::kBytes:
      return AppendKeyText(out, As<Bytes>(column).values()[row].view, place);
    case TypeKind::kList:
    case TypeKind::kUser:
      break;
  }
  TRIDENT_CHECK(false) << "a key field of type " << field.type->name;
}

// Builds one key column from decoded values.
template <class T, class Read>
std::shared_ptr<ColumnOf<T>> ColumnFrom(const std::vector<std::vector<Datum>>& rows, size_t field,
                                        Read&& read) {
  auto column = std::make_shared<ColumnOf<T>>();
  for (const std::vector<Datum>& row : rows) {
    if (row[field].is_null()) {
      column->AppendNull();
    } else {
      column->Append(read(row[field]));
    }
  }
  return column;
}

ColumnRef OneColumn(const KeyField& field, const std::vector<std::vector<Datum>>& rows, size_t at) {
  switch (field.type->kind) {
    case TypeKind::kBool:
      return ColumnFrom<bool>(rows, at, [](const Datum& d) { return std::get<bool>(d.value); });
    case TypeKind::kInt64:
      return ColumnFrom<int64_t>(rows, at,
                                 [](const Datum& d) { return std::get<int64_t>(d.value); });
    case TypeKind::kDouble:
      return ColumnFrom<double>(rows, at, [](const Datum& d) { return std::get<double>(d.value); });
    case TypeKind::kTimestamp:
      return ColumnFrom<Timestamp>(rows, at,
                                   [](const Datum& d) { return std::get<Timestamp>(d.value); });
    case TypeKind::kText: {
      TextArena arena;
      auto column = ColumnFrom<Text>(
          rows, at, [&](const Datum& d) { return arena.Copy(std::get<std::string>(d.value)); });
      column->Retain(arena.Release());
      return column;
    }
    case TypeKind::kBytes: {
      TextArena arena;
      auto column = ColumnFrom<Bytes>(rows, at, [&](const Datum& d) {
        return Bytes{arena.Copy(std::get<OwnedBytes>(d.value).bytes)};
      });
      column->Retain(arena.Release());
      return column;
    }
    case TypeKind::kList:
    case TypeKind::kUser:
      break;
  }
  TRIDENT_CHECK(false) << "a key field of type " << field.type->name;
  return nullptr;
}

bool IsOneText(std::span<const KeyField> fields) {
  return fields.size() == 1 && fields[0].type->kind == TypeKind::kText &&
         fields[0].nullability == Nullability::kRequired;
}

}  // namespace

bool CanBeKey(const TypeInfo& type) {
  return type.kind != TypeKind::kList && type.kind != TypeKind::kUser;
}

KeyReader::KeyReader(const Schema& schema, std::vector<size_t> indices)
    : indices_(std::move(indices)) {
  for (size_t i : indices_) {
    const SchemaField& field = schema.field(i);
    fields_.push_back({field.name, field.type, field.nullability});
  }
  one_text_ = IsOneText(fields_);
}

void KeyReader::Read(const Slice& slice, ColumnVector<HashedKey>& keys,
                     std::vector<BufferRef>& retained) {
  keys.Reserve(keys.size() + slice.rows());
  if (one_text_) {
    ReadText(slice, keys, retained);
  } else {
    ReadEncoded(slice, keys, retained);
  }
}

std::span<const Text> KeyReader::Texts(const Slice& slice) const {
  return As<Text>(slice.column(indices_[0])).values();
}

void KeyReader::ReadText(const Slice& slice, ColumnVector<HashedKey>& keys,
                         std::vector<BufferRef>& retained) {
  for (const BufferRef& buffer : As<Text>(slice.column(indices_[0])).retained()) {
    if (retained.empty() || retained.back() != buffer) retained.push_back(buffer);
  }
  const std::span<const Text> values = Texts(slice);
  HashedKey* to = keys.Extend(slice.rows());
  if (slice.selection() == nullptr) {
    for (Text value : values) *to++ = {value, HashBytes(value)};
  } else {
    for (uint32_t row : *slice.selection()) *to++ = {values[row], HashBytes(values[row])};
  }
}

void KeyReader::Encode(const Slice& slice, std::string& bytes, std::vector<size_t>& ends) const {
  bytes.clear();
  ends.clear();
  ends.reserve(slice.rows());
  for (size_t i = 0; i < slice.rows(); ++i) {
    const uint32_t row = slice.RowAt(i);
    for (size_t f = 0; f < fields_.size(); ++f) {
      const KeyPlace place = f + 1 == fields_.size() ? KeyPlace::kLast : KeyPlace::kInner;
      AppendField(fields_[f], slice.column(indices_[f]), row, place, bytes);
    }
    ends.push_back(bytes.size());
  }
}

void KeyReader::ReadEncoded(const Slice& slice, ColumnVector<HashedKey>& keys,
                            std::vector<BufferRef>& retained) {
  if (slice.rows() == 0) return;
  auto bytes = std::make_shared<std::string>();
  std::vector<size_t> ends;
  Encode(slice, *bytes, ends);
  size_t begin = 0;
  for (size_t end : ends) {
    const std::string_view key = std::string_view(*bytes).substr(begin, end - begin);
    keys.Append(key, HashBytes(key));
    begin = end;
  }
  retained.push_back(std::move(bytes));
}

std::vector<ColumnRef> KeyColumns(std::span<const KeyField> fields, std::span<const size_t> wanted,
                                  const KeyColumn& keys) {
  std::vector<ColumnRef> columns;
  if (wanted.empty()) return columns;
  if (IsOneText(fields)) {
    auto column = std::make_shared<ColumnOf<Text>>();
    Text* to = column->mutable_values().Extend(keys.keys.size());
    for (const HashedKey& key : keys.keys) *to++ = key.key;
    column->RetainAll(keys.retained);
    columns.push_back(std::move(column));
    return columns;
  }
  std::vector<std::vector<Datum>> rows;
  rows.reserve(keys.keys.size());
  for (const HashedKey& key : keys.keys) {
    auto row = DecodeKey(fields, key.key);
    TRIDENT_CHECK_OK(row);
    rows.push_back(*std::move(row));
  }
  for (size_t at : wanted) columns.push_back(OneColumn(fields[at], rows, at));
  return columns;
}

}  // namespace trident
