// SPDX-License-Identifier: Apache-2.0
//
// A LogSource without its types: positions are text, rows are columns. LogSpout reads these.
#ifndef TRIDENT_TRIDENT_SPOUTS_LOG_TAPE_H_
#define TRIDENT_TRIDENT_SPOUTS_LOG_TAPE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/lag.h"
#include "base/position_form.h"
#include "base/source.h"
#include "base/status.h"
#include "engine/data/slice.h"

namespace trident {

// One source partition. Stands at a position, sees one step ahead, and keeps the rows of the steps
// that were accepted. Exceptions of the source's code come through. After an error or an exception
// only Forget and Seek may be called.
class LogTape {
 public:
  struct Ahead {
    enum class Kind : uint8_t { kMoved, kCut, kIdle, kEnded } kind = Kind::kIdle;
    uint64_t rows = 0;   // 0 or 1
    uint64_t bytes = 0;  // of its content
  };
  enum class Place : uint8_t { kBefore, kAt, kBehind };

  virtual ~LogTape() = default;

  // Stands at `at` from now on, without rows. If it stood there already, it keeps the step ahead.
  virtual Status Seek(const Position& at) = 0;
  // The step ahead; the source is asked if the step is not known.
  virtual StatusOr<Ahead> Peek() = 0;
  // Moves over the step ahead. REQUIRES: Peek has just said kMoved or kCut.
  virtual void Accept() = 0;
  // The rows that were accepted. REQUIRES: no row is seen ahead.
  virtual Slice Take(const SchemaRef& schema) = 0;
  // Drops rows and what is ahead, and stands nowhere.
  virtual void Forget() = 0;
  // Where it stands, or last stood.
  virtual Position position() const = 0;
  // Sets the position that PlaceToEnd compares with; null: none.
  virtual Status SetEnd(const Position* end) = 0;
  // The place where it stands, in relation to that end. Text has no order: any place but the end
  // itself counts as before it.
  virtual Place PlaceToEnd() const = 0;
  virtual Status Committed(TxId txid, const Position& at) = 0;
};

// All source partitions. Thread-safe.
class LogTapes {
 public:
  virtual ~LogTapes() = default;
  virtual StatusOr<std::vector<std::string>> Partitions() = 0;
  // Opens one source partition. Null if the source gave no reader.
  virtual StatusOr<std::unique_ptr<LogTape>> Open(const std::string& partition,
                                                  std::function<void()> wake_up) = 0;
  virtual Backlog BacklogAfter(const std::string& partition, const Position& at) = 0;
  virtual PositionForm positions() const = 0;
  // DataLoss if it is no position of the source.
  virtual Status CheckPosition(const Position& at) const = 0;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_LOG_TAPE_H_
