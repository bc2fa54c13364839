// SPDX-License-Identifier: Apache-2.0
//
// The seam between what the project remembers and the disk: a few named tables of ordered byte keys,
// atomic write sets over all of them, and bulk loading of sorted runs. RocksStore keeps them in
// RocksDB; MemoryStore keeps them in memory and can lose, tear and refuse writes as a disk would.
#ifndef TRIDENT_STATE_DURABLE_STORE_H_
#define TRIDENT_STATE_DURABLE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace trident {

// Each is a column family of its own.
enum class Table : uint8_t {
  kMeta = 0,      // who owns this directory, formats, states, epoch
  kRedo = 1,      // (group, txid) -> redo record
  kDecision = 2,  // (group, txid) -> decision record; (group, txid) -> logged cut
  kBase = 3,      // (state, partition, key) -> value; markers. Only bulk loads write here
};
inline constexpr int kTableCount = 4;

// Changes that become durable and visible all together or not at all.
class WriteSet {
 public:
  struct Change {
    enum class Kind : uint8_t { kPut, kDelete } kind;
    Table table;
    std::string key;
    std::string value;
  };
  void Put(Table table, std::string key, std::string value) {
    changes_.push_back({Change::Kind::kPut, table, std::move(key), std::move(value)});
  }
  void Delete(Table table, std::string key) {
    changes_.push_back({Change::Kind::kDelete, table, std::move(key), {}});
  }
  std::span<const Change> changes() const { return changes_; }
  bool empty() const { return changes_.empty(); }
  void Clear() { changes_.clear(); }

 private:
  std::vector<Change> changes_;
};

enum class Durability : uint8_t {
  kBuffered,  // survives this process, not the machine
  kSynced,    // survives the machine: returns after fsync
};

// Walks keys in byte order. Sees the table as it was when the cursor was made. Not thread-safe.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual bool Valid() const = 0;
  virtual void Seek(std::string_view key) = 0;  // to the first key >= `key`
  virtual void Next() = 0;                      // REQUIRES: Valid()
  // Views are good until the next move. REQUIRES: Valid().
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  // Not ok when the walk ended because of damage or an I/O error rather than the end of the table.
  virtual Status status() const = 0;
};

// Builds one sorted run and installs it whole. Dropping it before Install() leaves no trace.
class BulkLoad {
 public:
  virtual ~BulkLoad() = default;
  // REQUIRES: keys strictly ascending over both calls.
  virtual Status Put(std::string_view key, std::string_view value) = 0;
  virtual Status Delete(std::string_view key) = 0;
  virtual uint64_t bytes() const = 0;
  // Durable and visible when this returns ok; on an error the outcome is unknown until reopened.
  virtual Status Install() = 0;
};

// Thread-safe. After a failed Write or Install the store refuses further writes (FailedPrecondition):
// the outcome of the failed one is unknown, and only closing and opening again tells it.
class DurableStore {
 public:
  virtual ~DurableStore() = default;

  virtual Status Write(const WriteSet& changes, Durability durability) = 0;
  // nullopt: no such key.
  virtual StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const = 0;
  // Calls found(i, value) for each key that exists. REQUIRES: keys ascending and distinct.
  virtual Status MultiGet(Table table, std::span<const std::string_view> keys,
                          const std::function<void(size_t, std::string_view)>& found) const = 0;
  virtual std::unique_ptr<Cursor> NewCursor(Table table) const = 0;
  virtual StatusOr<std::unique_ptr<BulkLoad>> NewBulkLoad(Table table) = 0;
  // Upper estimate of the memory that the store itself uses (cache, write buffers), in bytes.
  virtual uint64_t MemoryBytes() const = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_DURABLE_STORE_H_
