// SPDX-License-Identifier: Apache-2.0
//
// Reading a column back from the bytes of a frame (docs/frame_format.md). The types of the project
// are known here; a user type becomes known when a program describes a Field of it, which every
// program that runs the topology does.
#ifndef TRIDENT_ENGINE_DATA_COLUMN_DECODER_H_
#define TRIDENT_ENGINE_DATA_COLUMN_DECODER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/coding.h"
#include "base/types.h"
#include "engine/data/column.h"

namespace trident {

// What a decoder is told of the column: how many rows, which of them hold a value (one 0 or 1 per
// row; empty: all do), and who keeps the bytes alive that views will point into.
struct EncodedColumn {
  size_t rows = 0;
  std::span<const uint8_t> valid;
  BufferRef frame;

  bool IsNull(size_t row) const { return !valid.empty() && valid[row] == 0; }
};

// Reads the values from `in`; on bytes that are none, `in` is not ok and the result means nothing.
// Memory taken is in proportion to bytes that are really there.
using ColumnDecoder = ColumnRef (*)(ByteReader& in, const EncodedColumn& column);

// The decoder of a type; null for a user type, or a list of one, that this program never described.
// Thread-safe.
ColumnDecoder DecoderOf(const TypeInfo& type);
namespace column_decoder_internal {

// Lengths of `rows` byte strings, then the strings. False when the bytes do not hold them.
bool ReadStrings(ByteReader& in, size_t rows, std::string_view* out);

}  // namespace column_decoder_internal

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_COLUMN_DECODER_H_
