// SPDX-License-Identifier: Apache-2.0
//
// The state larger than memory as one would keep it without an engine: a table in RocksDB that is
// read by MultiGet and written by Put, key by key, with one sync a batch and the same memory.
#ifndef TRIDENT_TESTS_BENCH_COLD_BASELINE_H_
#define TRIDENT_TESTS_BENCH_COLD_BASELINE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "tests/bench/key_count_run.h"

namespace trident::bench {

class ColdTable {
 public:
  // Makes a table in `dir` that holds each key of the sequence once.
  static StatusOr<std::unique_ptr<ColdTable>> Load(const std::string& dir,
                                                   const KeySequence& sequence,
                                                   uint64_t memory_bytes);
  ~ColdTable();

  // Adds one to the keys of rows [first, first + rows).
  Status Count(const KeySequence& sequence, uint64_t first, uint64_t rows);

 private:
  struct Database;
  explicit ColdTable(std::unique_ptr<Database> database);
  const std::unique_ptr<Database> database_;
};

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_COLD_BASELINE_H_
