// SPDX-License-Identifier: Apache-2.0
#include "engine/data/slice.h"

#include "base/check.h"

namespace trident {
namespace {

std::shared_ptr<const Slice::Origins> OriginsOf(const std::shared_ptr<const Slice::Origins>& all,
                                                std::span<const uint32_t> column_rows) {
  if (all == nullptr) return nullptr;
  auto origins = std::make_shared<Slice::Origins>();
  origins->reserve(column_rows.size());
  for (uint32_t row : column_rows) origins->push_back((*all)[row]);
  return origins;
}

}  // namespace

Slice::Slice(SchemaRef schema, std::vector<ColumnRef> columns, size_t rows)
    : schema_(std::move(schema)), columns_(std::move(columns)), column_rows_(rows) {
  TRIDENT_CHECK_EQ(schema_->size(), columns_.size()) << schema_->ToString();
  for (const ColumnRef& column : columns_) TRIDENT_CHECK_EQ(column->size(), rows);
}

Slice Slice::Select(std::vector<uint32_t> selection) const {
  Slice out = *this;
  out.keys_ = nullptr;
  out.selection_ = std::make_shared<const std::vector<uint32_t>>(std::move(selection));
  return out;
}

Slice Slice::Project(SchemaRef schema, std::span<const size_t> indices) const {
  Slice out;
  out.schema_ = std::move(schema);
  out.columns_.reserve(indices.size());
  for (size_t i : indices) out.columns_.push_back(columns_[i]);
  out.column_rows_ = column_rows_;
  out.selection_ = selection_;
  out.origins_ = origins_;
  return out;
}

Slice Slice::Gather(std::span<const uint32_t> places) const {
  std::vector<uint32_t> mapped;
  std::span<const uint32_t> rows = places;
  if (selection_) {
    mapped.reserve(places.size());
    for (uint32_t place : places) mapped.push_back((*selection_)[place]);
    rows = mapped;
  }
  Slice out;
  out.schema_ = schema_;
  out.columns_.reserve(columns_.size());
  for (const ColumnRef& column : columns_) out.columns_.push_back(column->Gather(rows));
  out.column_rows_ = places.size();
  out.origins_ = OriginsOf(origins_, rows);
  if (keys_) {
    auto keys = std::make_shared<KeyColumn>();
    HashedKey* to = keys->keys.Extend(places.size());
    for (uint32_t place : places) *to++ = keys_->keys[place];
    keys->retained = keys_->retained;
    out.keys_ = std::move(keys);
  }
  return out;
}

Slice Slice::Extend(SchemaRef schema, std::span<const size_t> kept,
                    std::span<const uint32_t> parents, const std::vector<ColumnRef>& made,
                    size_t rows) const {
  std::vector<ColumnRef> columns;
  columns.reserve(kept.size() + made.size());
  for (size_t place : kept) columns.push_back(columns_[place]->Gather(parents));
  columns.insert(columns.end(), made.begin(), made.end());
  Slice out(std::move(schema), std::move(columns), rows);
  out.origins_ = OriginsOf(origins_, parents);
  return out;
}

Slice Slice::Compact() const {
  if (!selection_) return *this;
  std::vector<uint32_t> places(rows());
  for (uint32_t i = 0; i < places.size(); ++i) places[i] = i;
  return Gather(places);
}

std::vector<Datum> Slice::Row(size_t i) const {
  std::vector<Datum> out;
  for (const ColumnRef& column : columns_) out.push_back(column->At(RowAt(i)));
  return out;
}

size_t Slice::MemoryBytes() const {
  size_t bytes = keys_ == nullptr ? 0 : keys_->keys.size() * sizeof(HashedKey);
  for (const ColumnRef& column : columns_) bytes += column->ValueBytes() + column->PointedBytes();
  return bytes;
}

std::string RowText(std::span<const Datum> row) {
  std::string out = "[";
  for (const Datum& value : row) {
    if (out.size() > 1) out += ", ";
    out += ToString(value);
  }
  return out + "]";
}

}  // namespace trident
