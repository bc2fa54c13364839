// SPDX-License-Identifier: Apache-2.0
//
// Slice: typed columns for some or all rows of one batch at one point of the plan. A small batch is
// one slice; a large one travels as several, which operators see one after the other. Immutable
// once built; copying copies references.
#ifndef TRIDENT_ENGINE_DATA_SLICE_H_
#define TRIDENT_ENGINE_DATA_SLICE_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "engine/data/column.h"
#include "engine/data/schema.h"

namespace trident {

// The canonical key of each row for one grouping, hashed once. The bytes of the keys live as long
// as this object.
struct KeyColumn {
  ColumnVector<HashedKey> keys;
  std::vector<BufferRef> retained;
};

class Slice {
 public:
  Slice() = default;
  // REQUIRES: one column per field, all of `rows` rows.
  Slice(SchemaRef schema, std::vector<ColumnRef> columns, size_t rows);

  const Schema& schema() const { return *schema_; }
  const SchemaRef& schema_ref() const { return schema_; }
  // The number of selected rows. Operators see only these.
  size_t rows() const { return selection_ ? selection_->size() : column_rows_; }
  bool empty() const { return rows() == 0; }

  // Rows in the columns, before selection. Column accessors index these.
  size_t column_rows() const { return column_rows_; }
  const ColumnRef& column_ref(size_t i) const { return columns_[i]; }
  const Column& column(size_t i) const { return *columns_[i]; }
  const std::vector<ColumnRef>& columns() const { return columns_; }

  // Null if all rows are selected; else the numbers of the selected column rows, ascending.
  const std::vector<uint32_t>* selection() const { return selection_.get(); }
  // The column row of the i-th selected row.
  uint32_t RowAt(size_t i) const {
    return selection_ ? (*selection_)[i] : static_cast<uint32_t>(i);
  }

  // The key of each selected row for the grouping that made this slice, or null.
  const std::shared_ptr<const KeyColumn>& keys() const { return keys_; }
  void set_keys(std::shared_ptr<const KeyColumn> keys) { keys_ = std::move(keys); }

  // For each column row, the place of the source row that it comes from, in a slice that entered a
  // chain. Null where nobody asks. Select, Project, Gather and Extend pass them on.
  using Origins = std::vector<uint32_t>;
  const std::shared_ptr<const Origins>& origins() const { return origins_; }
  void set_origins(std::shared_ptr<const Origins> origins) { origins_ = std::move(origins); }

  // Narrows the selection, as a filter does. `selection` holds the column rows that stay,
  // ascending.
  Slice Select(std::vector<uint32_t> selection) const;
  // These columns in this order; copies no values.
  Slice Project(SchemaRef schema, std::span<const size_t> indices) const;
  // The selected rows at these places (0 .. rows()-1), with their keys.
  Slice Gather(std::span<const uint32_t> places) const;
  // The result of a step: a slice of `rows` rows. First come the columns `kept` of this slice,
  // where row i is taken from column row parents[i]; then the columns `made`. `parents` is not read
  // if no column is kept and the slice has no origins.
  Slice Extend(SchemaRef schema, std::span<const size_t> kept, std::span<const uint32_t> parents,
               const std::vector<ColumnRef>& made, size_t rows) const;
  // The selected rows, in columns that hold no others.
  Slice Compact() const;

  // The values of the i-th selected row; for tests, messages and answers.
  std::vector<Datum> Row(size_t i) const;
  // Rough memory of columns and keys, with what they point at, in bytes. Shared columns are counted
  // each time.
  size_t MemoryBytes() const;

 private:
  SchemaRef schema_;
  std::vector<ColumnRef> columns_;
  size_t column_rows_ = 0;
  std::shared_ptr<const std::vector<uint32_t>> selection_;
  std::shared_ptr<const KeyColumn> keys_;
  std::shared_ptr<const Origins> origins_;
};

// "[the, 9]"
std::string RowText(std::span<const Datum> row);

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_SLICE_H_
