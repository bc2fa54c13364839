// SPDX-License-Identifier: Apache-2.0
//
// The size of the content of rows that stand in columns, for the byte limit of a batch.
#ifndef TRIDENT_TRIDENT_SPOUTS_CONTENT_BYTES_H_
#define TRIDENT_TRIDENT_SPOUTS_CONTENT_BYTES_H_

#include <cstdint>

#include "base/source.h"
#include "engine/data/slice.h"

namespace trident {

struct ContentSize {
  uint64_t rows = 0;
  uint64_t bytes = 0;  // of their content
};

// The rows of `slice` from its selected row `first` on, as many as `limits` allow, but at least one
// if there is one. The size of a row does not depend on how many are asked for.
ContentSize RowsWithin(const Slice& slice, size_t first, BatchLimits limits);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_CONTENT_BYTES_H_
