// SPDX-License-Identifier: Apache-2.0
//
// Lag: how much input in the sources is not committed yet. It tells people how far behind a
// topology is; nothing is decided by it.
#ifndef TRIDENT_BASE_LAG_H_
#define TRIDENT_BASE_LAG_H_

#include <cstdint>
#include <optional>
#include <string>

namespace trident {

// The input that waits in one source partition, in the unit that its spout counts in.
struct Backlog {
  enum class Unit : uint8_t {
    kUnknown,  // the spout cannot tell
    kRows,
    kBytes,
  };
  Unit unit = Unit::kUnknown;
  uint64_t amount = 0;

  static Backlog Rows(uint64_t rows) { return {Unit::kRows, rows}; }
  static Backlog Bytes(uint64_t bytes) { return {Unit::kBytes, bytes}; }
  friend bool operator==(const Backlog&, const Backlog&) = default;
};

// The input that waits in several source partitions together. A partition counts either rows or
// bytes, so no input is in both sums.
struct Lag {
  std::optional<uint64_t> rows;     // nullopt: no partition counts rows
  std::optional<uint64_t> bytes;    // nullopt: no partition counts bytes
  uint64_t unknown_partitions = 0;  // these are in neither sum

  // A sum that would overflow stays at the largest number.
  void Add(const Backlog& backlog);
  friend bool operator==(const Lag&, const Lag&) = default;
};

// "12.3 MiB", "1200 rows", "512 B + 1 row", "3 rows + unknown", "unknown"; "none" if there are no
// source partitions at all.
std::string ToString(const Lag& lag);

}  // namespace trident

#endif  // TRIDENT_BASE_LAG_H_
