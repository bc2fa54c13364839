// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/content_bytes.h"

#include <algorithm>
#include <string>

namespace trident {
namespace {

uint64_t BytesOfValue(const Column& column, uint32_t row, std::string& scratch) {
  if (column.IsNull(row)) return 0;
  switch (column.type().kind) {
    case TypeKind::kText:
      return As<Text>(column).values()[row].size();
    case TypeKind::kBytes:
      return As<Bytes>(column).values()[row].view.size();
    case TypeKind::kBool:
    case TypeKind::kInt64:
    case TypeKind::kDouble:
    case TypeKind::kTimestamp:
      return column.ValueBytes() / column.size();
    default:
      scratch.clear();
      column.EncodeValue(row, scratch);
      return scratch.size();
  }
}

}  // namespace

ContentSize RowsWithin(const Slice& slice, size_t first, BatchLimits limits) {
  ContentSize size;
  std::string scratch;
  for (size_t i = first; i < slice.rows(); ++i) {
    if (size.rows >= std::max<uint64_t>(limits.rows, 1)) break;
    uint64_t bytes = 0;
    for (const ColumnRef& column : slice.columns()) {
      bytes += BytesOfValue(*column, slice.RowAt(i), scratch);
    }
    const uint64_t left = limits.bytes - std::min(limits.bytes, size.bytes);
    if (size.rows > 0 && bytes > left) break;
    ++size.rows;
    size.bytes += bytes;
  }
  return size;
}

}  // namespace trident
