// SPDX-License-Identifier: Apache-2.0
//
// Source: where a stream's input comes from, outside of the simulated processes, and the spout that
// reads it. It keeps a record of everything that it gave out, so that the rows of a committed range
// can be told from the range alone.
//
//   transactional   positions are "<index>"; a row is a function of its partition and index
//   opaque          positions are "<index>:<reading>"; each reading gives rows of its own, also
//                   other numbers of rows
#ifndef TRIDENT_TESTS_SIM_SOURCE_H_
#define TRIDENT_TESTS_SIM_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/data/field.h"
#include "engine/spout.h"
#include "tests/sim/trial.h"

namespace trident::sim {

// The one field of every source.
inline constexpr Field<Text> kRow{"row"};
// In a row that no topology can process.
inline constexpr char kPoison = '!';

// What a row is made of; `draw` is its own number, another one for each reading of it.
struct RowSeed {
  uint32_t partition = 0;
  uint64_t index = 0;
  uint64_t draw = 0;
};
using RowMaker = std::function<std::string(const RowSeed&)>;

class Source {
 public:
  Source(Trial& trial, uint64_t number, RowMaker make);

  // One for each life of the process.
  std::shared_ptr<Spout> OpenSpout();
  // Input may have come; or not.
  void WakeReaders();
  void ForgetReaders() { wake_ups_.clear(); }

  // The rows of a committed range, in order. An error: nobody has ever read this.
  StatusOr<std::vector<std::string>> RowsOf(uint32_t partition, const Position& start,
                                            const Position& end) const;
  static uint64_t IndexOf(const Position& position);

 private:
  friend class SimReader;
  // What one Read gave.
  struct Reading {
    uint32_t partition;
    Position from;
    std::vector<std::string> rows;
  };
  // The row at an index; nullopt: the position holds none.
  std::optional<std::string> RowAt(uint32_t partition, uint64_t index, uint64_t reading) const;
  // How far the input has come.
  uint64_t Available(uint32_t partition) const;
  // Rows [start, +count), for one Read.
  Position Take(uint32_t partition, const Position& start, uint64_t count,
                std::vector<std::string>& rows);
  void AddWakeUp(WakeUp wake_up) { wake_ups_.push_back(std::move(wake_up)); }

  Trial& trial_;
  const uint64_t seed_;
  const RowMaker make_;
  std::vector<Reading> readings_;  // of an opaque source
  std::vector<WakeUp> wake_ups_;
};

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_SOURCE_H_
