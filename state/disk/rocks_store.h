// SPDX-License-Identifier: Apache-2.0
//
// RocksStore: a DurableStore in a directory, kept by RocksDB.
//
//   DIR/FORMAT      which release's files these are; read before anything else
//   DIR/LOCK        held while the store is open; says by which process
//   DIR/HIGHWATER   how far synced writes were acknowledged, see below
//   DIR/db/         RocksDB's own files, one column family a table
//   DIR/ingest/     bulk loads under way; what a crash leaves there is removed at the next open
//   DIR/copies/     copies that are being taken away; removed likewise
//
// What RocksDB itself does not refuse, the store does. RocksDB opens a directory whose log lost its
// tail or is gone, and calls the rest complete; HIGHWATER remembers, outside of the log, the number
// of the last write that was acknowledged as synced, and opening fails with DataLoss when it is not
// there. It costs no fsync: after a power loss it may be older than the log, and then only proves
// less.
#ifndef TRIDENT_STATE_DISK_ROCKS_STORE_H_
#define TRIDENT_STATE_DISK_ROCKS_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/memory_budget.h"

namespace rocksdb {
class Snapshot;
class Status;
}  // namespace rocksdb

namespace trident {

struct RocksStoreOptions {
  enum class Access : uint8_t {
    kReadWrite,  // makes the directory if its parent exists
    kReadOnly,   // changes not one byte; shares the directory with other readers, not with a writer
  };
  std::string dir;
  Access access = Access::kReadWrite;
  // Together all the memory of the store: blocks, filters and indexes that were read, and writes
  // that wait to be flushed. What one side does not use, the other may.
  uint64_t cache_bytes = ShareMemory(kMemoryBytesDefault).block_cache;
  uint64_t write_buffer_bytes = ShareMemory(kMemoryBytesDefault).write_buffers;
};

class RocksDatabase;

// See DurableStore for the promises. The directory is its own as long as it lives.
class RocksStore : public DurableStore {
 public:
  // Errors, each with the path, what was expected, what was found, and what to try:
  //   NotFound            no such directory (or no such parent)
  //   InvalidArgument     not a directory, or one with foreign files in it
  //   PermissionDenied    it, or the file system, does not let us read or write
  //   Unavailable         another process has it open, or an input/output error
  //   FailedPrecondition  a newer release wrote it
  //   DataLoss            it is damaged
  //   ResourceExhausted   the disk is full
  static StatusOr<std::unique_ptr<RocksStore>> Open(const RocksStoreOptions& options);
  // Open is the way to make one.
  RocksStore(std::string dir, std::unique_ptr<RocksDatabase> database);
  ~RocksStore() override;

  Status Write(const WriteSet& changes, Durability durability) override;
  StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override;
  Status MultiGet(Table table, std::span<const std::string_view> keys,
                  const std::function<void(size_t, std::string_view)>& found) const override;
  using DurableStore::NewCursor;
  std::unique_ptr<Cursor> NewCursor(Table table, const CursorOptions& options) const override;
  StatusOr<std::unique_ptr<BulkLoad>> NewBulkLoad(Table table) override;
  std::unique_ptr<const BaseView> NewBaseView() const override;
  void SetCondense(std::shared_ptr<const Condense> condense) override;
  void StartMerging() override;
  StatusOr<StoreCopy> NewCopy() override;
  std::string Where() const override { return dir_; }
  Status CheckPlace() override;
  Status Health() const override;
  uint64_t MemoryBytes() const override;

  // Reads every block of every file and compares its checksum. DataLoss names the file.
  Status VerifyChecksums() const;
  // The same, file by file, for who wants to know of all that is damaged.
  struct CheckedFile {
    std::string path;
    uint64_t bytes = 0;
    Status status;
  };
  std::vector<CheckedFile> CheckFiles() const;

 private:
  class RocksCursor;
  class RocksBulkLoad;
  class RocksBaseView;

  // An error is remembered and returned.
  Status Noted(const Status& outcome);
  Status WhyNotWritten(const rocksdb::Status& status);
  Status Install(const std::string& file);
  // `view`: of the moment to read at; null: now.
  Status MultiGetAt(const rocksdb::Snapshot* view, Table table,
                    std::span<const std::string_view> keys,
                    const std::function<void(size_t, std::string_view)>& found) const;

  const std::string dir_;
  const std::unique_ptr<RocksDatabase> database_;
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_STORE_H_
