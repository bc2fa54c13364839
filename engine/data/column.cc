// SPDX-License-Identifier: Apache-2.0
#include "engine/data/column.h"

#include "base/check.h"
#include "base/coding.h"

namespace trident {

Datum Column::At(size_t row) const {
  if (IsNull(row)) return Datum{};
  std::string bytes;
  EncodeValue(row, bytes);
  ByteReader reader(bytes);
  return type_->decode(reader);
}

void column_internal::FailAs(const Column& column, const TypeInfo& wanted) {
  TRIDENT_CHECK(false) << "column of " << column.type().name << " read as " << wanted.name;
  __builtin_unreachable();
}

#define TRIDENT_INSTANTIATE_(T) \
  template class ColumnOf<T>;   \
  template class ColumnOf<List<T>>;
TRIDENT_INSTANTIATE_(bool)
TRIDENT_INSTANTIATE_(int64_t)
TRIDENT_INSTANTIATE_(double)
TRIDENT_INSTANTIATE_(Text)
TRIDENT_INSTANTIATE_(Bytes)
TRIDENT_INSTANTIATE_(Timestamp)
#undef TRIDENT_INSTANTIATE_

}  // namespace trident
