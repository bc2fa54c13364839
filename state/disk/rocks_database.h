// SPDX-License-Identifier: Apache-2.0
//
// RocksDatabase: RocksDB opened over a state directory, with what the store has to know about it:
// the first error, the high water, and whether the cache holds all indexes.
#ifndef TRIDENT_STATE_DISK_ROCKS_DATABASE_H_
#define TRIDENT_STATE_DISK_ROCKS_DATABASE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/status.h"
#include "state/disk/high_water.h"
#include "state/disk/rocks_directory.h"
#include "state/disk/rocks_store.h"
#include "state/disk/rocks_tuning.h"
#include "state/disk/store_copy.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
class Status;
struct DBOptions;
}  // namespace rocksdb

namespace trident {

class CondenseHolder;

// Remembers the first thing that went wrong; from then on the store takes no writes. Thread-safe.
class FirstError {
 public:
  explicit FirstError(std::string dir) : dir_(std::move(dir)) {}
  void Note(const Status& error);
  // Ok while nothing went wrong.
  Status refusal() const;
  // For who was told that something went wrong elsewhere: what it was, as soon as that thread has
  // noted it. Ok: it has not within a second.
  Status AwaitRefusal();

 private:
  const std::string dir_;
  std::atomic<bool> happened_{false};
  mutable Mutex mutex_;
  CondVar noted_;
  Status refusal_ TRIDENT_GUARDED_BY(mutex_);
};

// Thread-safe once opened.
class RocksDatabase {
 public:
  // Errors as of RocksStore::Open. `env` must outlive the database.
  static StatusOr<std::unique_ptr<RocksDatabase>> Open(const RocksStoreOptions& options,
                                                       rocksdb::Env& env);
  ~RocksDatabase();
  RocksDatabase(const RocksDatabase&) = delete;
  RocksDatabase& operator=(const RocksDatabase&) = delete;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Table table) const {
    return families_[static_cast<size_t>(table)];
  }
  const RocksMemory& memory() const { return memory_; }
  RocksStoreOptions::Access access() const { return options_.access; }
  const std::string& dir() const { return options_.dir; }
  const RocksDirectory& directory() const { return *directory_; }
  FirstError& errors() { return *errors_; }
  const FirstError& errors() const { return *errors_; }
  // Writes up to this number are durable and are acknowledged next.
  void RaiseHighWater(uint64_t to) { high_water_->Raise(to); }
  // See DurableStore.
  void SetCondense(std::shared_ptr<const Condense> condense);
  void StartMerging();
  // A path for the next bulk load, never given before.
  std::string NextBulkLoadFile();
  // See DurableStore.
  StatusOr<StoreCopy> NewCopy();
  // Whether the filters and indexes of the base stay in the cache when no data is added to it.
  bool IndexesFitInCache() const;
  // How far a walk over the base may read ahead in each of its runs.
  uint64_t ReadAheadBytesPerRun() const;

 private:
  class Background;

  RocksDatabase(const RocksStoreOptions& options, rocksdb::Env& env);

  Status MakeIfNew();
  rocksdb::DBOptions OptionsOn(rocksdb::Env& env) const;
  rocksdb::Status MakeAt(const std::string& path) const;
  rocksdb::Status OpenAt(const std::string& path);
  rocksdb::Status OpenOrPutRight();
  rocksdb::Status OpenWith(const std::string& leftover, const std::string& missing);
  Status CheckHighWater() const;
  // After the files of a table changed.
  void CountFiles() const;
  uint64_t CountIndexBytes() const;
  uint64_t CountRuns() const;

  // Constant after Open. The directory outlives what is open in it, so that its lock does too.
  const RocksStoreOptions options_;
  rocksdb::Env& env_;
  const RocksMemory memory_;
  const std::shared_ptr<CondenseHolder> condense_;
  std::unique_ptr<RocksDirectory> directory_;
  std::shared_ptr<FirstError> errors_;
  std::shared_ptr<Background> background_;
  std::unique_ptr<rocksdb::Env> reader_env_;  // of a reader that finds a table in another place
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kTableCount> families_ = {};
  std::unique_ptr<HighWater> high_water_;  // null when read-only

  std::atomic<uint64_t> next_bulk_load_{1};
  std::atomic<uint64_t> next_copy_{1};
  mutable std::atomic<uint64_t> index_bytes_{0};
  mutable std::atomic<uint64_t> runs_{1};
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_DATABASE_H_
