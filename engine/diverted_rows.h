// SPDX-License-Identifier: Apache-2.0
//
// Rows on their way from a spout's task to the dead letters: new letters, letters that stay letters
// after another try, and letters that go. And the form in which a letter keeps its row, so that it
// can be tried again when its source has it no more.
#ifndef TRIDENT_ENGINE_DIVERTED_ROWS_H_
#define TRIDENT_ENGINE_DIVERTED_ROWS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/data/slice.h"
#include "engine/data/text_arena.h"

namespace trident {

// A row of a spout, as its letter keeps it.
struct KeptRow {
  uint32_t tries = 1;  // how often it was put aside
  std::string place;   // in its source, for people
  Slice row;           // this one row, with the spout's schema
};

// Empty if the row is too large for a value of a state.
std::string EncodeKeptRow(const KeptRow& kept);
// FailedPrecondition, naming both: the row has other fields than `schema`. DataLoss: damaged bytes.
StatusOr<KeptRow> DecodeKeptRow(std::string bytes, const SchemaRef& schema);

// Collects rows for the divert port of a spout's chain.
class DivertedRows {
 public:
  // The columns of the slice that goes to the port.
  enum Column : uint8_t { kRow, kCause, kKept, kKey };
  static SchemaRef TheSchema();

  struct Letter {
    std::string_view row;    // as text; a very long one is cut
    std::string_view cause;  // of its being put aside
    std::string_view kept;   // EncodeKeptRow; empty: it cannot be tried again
    std::string_view key;    // of the letter that it is already; empty: it becomes a new one
  };
  DivertedRows();
  void Add(const Letter& letter);
  // The letter goes.
  void Remove(std::string_view key) { Add({.row = {}, .cause = {}, .kept = {}, .key = key}); }
  bool empty() const { return rows_->size() == 0; }
  Slice Take();

 private:
  TextArena arena_;
  std::shared_ptr<ColumnOf<Text>> rows_, causes_;
  std::shared_ptr<ColumnOf<Bytes>> kept_, keys_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_DIVERTED_ROWS_H_
