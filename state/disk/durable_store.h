// SPDX-License-Identifier: Apache-2.0
//
// The seam between what the project remembers and the disk: a few named tables of ordered byte
// keys, atomic write sets over all of them, and bulk loading of sorted runs, which put, delete, and
// append to what nobody has read.
// RocksStore keeps them in RocksDB; MemoryStore keeps them in memory and can lose, tear and refuse
// writes as a disk would.
//
// state/disk/store_layout.h says which keys stand in which table.
#ifndef TRIDENT_STATE_DISK_DURABLE_STORE_H_
#define TRIDENT_STATE_DISK_DURABLE_STORE_H_

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "state/disk/store_copy.h"

namespace trident {

// Each is a column family of its own.
enum class Table : uint8_t {
  kMeta = 0,      // who owns this directory, formats, states, epoch
  kRedo = 1,      // (group, txid) -> redo record
  kDecision = 2,  // (group, txid) -> decision record; (group, txid) -> logged cut
  kBase = 3,      // (state, partition, key) -> value; markers. Only bulk loads put rows here
};
inline constexpr int kTableCount = 4;

// Changes that become durable and visible all together or not at all. Later ones win over earlier
// ones. REQUIRES: of kBase, into which only bulk loads put rows, nothing but DeleteRange.
class WriteSet {
 public:
  struct Change {
    // Bulk loads alone append.
    enum class Kind : uint8_t { kPut, kDelete, kDeleteRange, kAppend } kind;
    Table table;
    std::string key;
    std::string value;  // of kDeleteRange: the first key that stays
  };
  void Put(Table table, std::string key, std::string value) {
    changes_.push_back({Change::Kind::kPut, table, std::move(key), std::move(value)});
  }
  void Delete(Table table, std::string key) {
    changes_.push_back({Change::Kind::kDelete, table, std::move(key), {}});
  }
  // Deletes every key in [begin, end). Costs the same for one key and for a million.
  // REQUIRES: begin < end; table is not kMeta.
  void DeleteRange(Table table, std::string begin, std::string end) {
    changes_.push_back({Change::Kind::kDeleteRange, table, std::move(begin), std::move(end)});
  }
  // The changes of `others` come after those that are there.
  void Append(WriteSet others) {
    changes_.insert(changes_.end(), std::make_move_iterator(others.changes_.begin()),
                    std::make_move_iterator(others.changes_.end()));
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

struct CursorOptions {
  enum class Pattern : uint8_t {
    kSeeks,  // short walks from many places: what is read is kept in the cache
    kScan,   // one long walk: reads ahead, leaves the cache to others
  };
  std::string end;  // the walk ends before this key; empty: at the end of the table
  Pattern pattern = Pattern::kSeeks;
};

// Walks keys in byte order. Sees the table as it was when the cursor was made; stands nowhere until
// the first Seek. Must not outlive its store. Not thread-safe.
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

// The base as it was when the view was made. Holding one costs no copy, but what is replaced
// meanwhile stays on the disk. Thread-safe. Must not outlive its store.
class BaseView {
 public:
  virtual ~BaseView() = default;
  // As of DurableStore, for kBase.
  virtual Status MultiGet(std::span<const std::string_view> keys,
                          const std::function<void(size_t, std::string_view)>& found) const = 0;
  virtual std::unique_ptr<Cursor> NewCursor(const CursorOptions& options) const = 0;
};

// Makes one value of `values`: what a key of the base had, if anything, and what was appended to it
// since, one after the other. False: they stay as they are. Pure; called on any thread, also while
// a key is read; must not throw.
using Condense =
    std::function<bool(std::string_view key, std::string_view values, std::string& out)>;

// Builds one sorted run and installs it whole. Dropping it before Install() leaves no trace.
// Several may be built at once; a later Install wins over an earlier one. Must not outlive its
// store. Not thread-safe.
class BulkLoad {
 public:
  virtual ~BulkLoad() = default;
  // REQUIRES: keys strictly ascending over all calls.
  virtual Status Put(std::string_view key, std::string_view value) = 0;
  virtual Status Delete(std::string_view key) = 0;
  // Puts `bytes` behind what the key has when the run is installed, without reading it; of a key
  // that has nothing, they are the value. See SetCondense.
  virtual Status Append(std::string_view key, std::string_view bytes) = 0;
  // Of keys and values so far.
  virtual uint64_t bytes() const = 0;
  // To be called once. An empty run installs nothing.
  // Durable and visible when this returns ok; on an error the outcome is unknown until reopened.
  virtual Status Install() = 0;
};

// Thread-safe. After a failed Write, bulk load or background job the store refuses further writes
// (FailedPrecondition, naming the first error): the outcome of the failed one is unknown, and only
// closing and opening again tells it. What was written before stays readable.
class DurableStore {
 public:
  virtual ~DurableStore() = default;

  // Visible to every later read when this returns ok. Later synced writes make earlier buffered
  // ones durable too; an empty synced one does only that.
  virtual Status Write(const WriteSet& changes, Durability durability) = 0;
  // nullopt: no such key.
  virtual StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const = 0;
  // Calls found(i, value) for each key that exists. REQUIRES: keys ascending and distinct.
  virtual Status MultiGet(Table table, std::span<const std::string_view> keys,
                          const std::function<void(size_t, std::string_view)>& found) const = 0;
  virtual std::unique_ptr<Cursor> NewCursor(Table table, const CursorOptions& options) const = 0;
  std::unique_ptr<Cursor> NewCursor(Table table) const { return NewCursor(table, {}); }
  // REQUIRES: table is kBase.
  virtual StatusOr<std::unique_ptr<BulkLoad>> NewBulkLoad(Table table) = 0;
  virtual std::unique_ptr<const BaseView> NewBaseView() const = 0;
  // True where looking a key up takes no longer than to find it in memory.
  virtual bool LookupsAreCheap() const { return false; }
  // How to shorten what was appended to keys of the base. A value that is read may be condensed or
  // not, also when this was set. What `condense` refers to must outlive the store. To be called
  // before StartMerging.
  virtual void SetCondense(std::shared_ptr<const Condense> condense) = 0;
  // Who has just opened a store wants its whole attention: until this is called, what bulk loads
  // left is not merged.
  virtual void StartMerging() {}
  // What every write that has returned left, and none of the later ones; writes and bulk loads go
  // on meanwhile. It costs a flush and no copy of tables. FailedPrecondition where the store keeps
  // no files or takes no writes any more; ResourceExhausted when the disk is full.
  virtual StatusOr<StoreCopy> NewCopy() {
    return FailedPrecondition("the state is kept in ", Where(), ", of which there is no copy");
  }
  // Where it keeps its content, for messages: a path, or "memory".
  virtual std::string Where() const = 0;
  // FailedPrecondition when its files are not where they were opened any more, because somebody has
  // moved or deleted them. From then on the store takes no writes.
  virtual Status CheckPlace() { return {}; }
  // Ok while writes are accepted; else what they are refused with.
  virtual Status Health() const = 0;
  // Upper estimate of the memory that the store itself uses (cache, write buffers), in bytes.
  virtual uint64_t MemoryBytes() const = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_DURABLE_STORE_H_
