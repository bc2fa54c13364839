// SPDX-License-Identifier: Apache-2.0
//
// Where input comes from, and how far a batch has read it. Spouts, the protocol and the decision
// log share these types.
#ifndef TRIDENT_BASE_SOURCE_H_
#define TRIDENT_BASE_SOURCE_H_

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"

namespace trident {

// The promise of a spout about reading the same place again (Trident's three kinds).
enum class SpoutKind : uint8_t {
  kTransactional,     // the same range always gives the same tuples
  kOpaque,            // a range may give other tuples the next time, but no tuple is in two batches
  kNonTransactional,  // cannot go back
};

// One task of a spout.
struct EmitterId {
  SpoutId spout;
  uint32_t task = 0;
  friend constexpr auto operator<=>(const EmitterId&, const EmitterId&) = default;
};

// A place in a source partition, in a form that only the spout understands. "" is the beginning.
using Position = std::string;

// How far a source partition (a file, a Kafka partition) has been read.
struct SourcePosition {
  std::string partition;
  Position position;

  friend bool operator==(const SourcePosition&, const SourcePosition&) = default;
};

// The range [start, end) that one batch took from one source partition.
struct SourceRange {
  EmitterId emitter;
  std::string partition;  // the spout's name for it; unique within the spout
  Position start;
  Position end;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  // Where cuts are logged and repeated, this covers the content of the rows, too. Elsewhere it is
  // only a mix of `rows` and `bytes`.
  uint64_t checksum = 0;
  friend bool operator==(const SourceRange&, const SourceRange&) = default;
};

// How much a batch may take, over all its source partitions together.
struct BatchLimits {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  friend bool operator==(const BatchLimits&, const BatchLimits&) = default;
};

}  // namespace trident

#endif  // TRIDENT_BASE_SOURCE_H_
