// SPDX-License-Identifier: Apache-2.0
#include "engine/data/column.h"

namespace trident {

Datum Column::At(size_t row) const {
  if (IsNull(row)) return Datum{};
  std::string bytes;
  EncodeValue(row, bytes);
  ByteReader reader(bytes);
  return type_->decode(reader);
}

}  // namespace trident
