// SPDX-License-Identifier: Apache-2.0
#include "state/rocks_store.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <utility>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table_properties.h>
#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "base/mutex.h"
#include "state/high_water.h"
#include "state/rocks_directory.h"
#include "state/rocks_errors.h"
#include "state/rocks_store_testing.h"
#include "state/rocks_tuning.h"

namespace trident {
namespace {

using Access = RocksStoreOptions::Access;
using Kind = WriteSet::Change::Kind;

rocksdb::Slice ToSlice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view ToView(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

// Remembers the first thing that went wrong; from then on the store takes no writes. Thread-safe.
class FirstError {
 public:
  explicit FirstError(std::string dir) : dir_(std::move(dir)) {}

  bool happened() const { return happened_.load(std::memory_order_acquire); }
  void Note(const Status& error) {
    MutexLock lock(mutex_);
    if (happened()) return;
    refusal_ = FailedPrecondition(dir_, " takes no more writes since one failed: ", Message(error));
    happened_.store(true, std::memory_order_release);
  }
  Status refusal() const {
    if (!happened()) return {};
    MutexLock lock(mutex_);
    return refusal_;
  }

 private:
  const std::string dir_;
  std::atomic<bool> happened_{false};
  mutable Mutex mutex_;
  Status refusal_ TRIDENT_GUARDED_BY(mutex_);
};

// What RocksDB's own threads have to say.
class Background : public rocksdb::EventListener {
 public:
  Background(std::shared_ptr<FirstError> first, std::string dir)
      : first_(std::move(first)), dir_(std::move(dir)) {}

  // True once after each change of the files of a table.
  bool TakeFilesChanged() { return files_changed_.exchange(false, std::memory_order_relaxed); }

  // A flush or compaction that failed counts like a write that failed.
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    first_->Note(FromRocks(*status, "flush or compact", dir_));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
  // Runs on the thread that compacts. It may use what the executors leave, and a fair part when they
  // leave nothing.
  void OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override {
    constexpr int kNiceness = 5;
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
  }
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override {
    files_changed_ = true;
  }
  void OnExternalFileIngested(rocksdb::DB*, const rocksdb::ExternalFileIngestionInfo&) override {
    files_changed_ = true;
  }

 private:
  const std::shared_ptr<FirstError> first_;
  const std::string dir_;
  std::atomic<bool> files_changed_{true};
};

// An upper estimate, so that a batch is never moved while it is built.
size_t SizeInLog(const WriteSet& changes) {
  constexpr size_t kHeader = 12;
  constexpr size_t kLengths = 16;
  size_t bytes = kHeader;
  for (const WriteSet::Change& change : changes.changes()) {
    bytes += kLengths + change.key.size() + change.value.size();
  }
  return bytes;
}

void CheckWritable(const WriteSet::Change& change) {
  TRIDENT_CHECK(change.table != Table::kBase) << "the base takes bulk loads only";
  if (change.kind != Kind::kDeleteRange) return;
  TRIDENT_CHECK(change.table == Table::kRedo || change.table == Table::kDecision)
      << "ranges are deleted in redo and decisions only";
  TRIDENT_CHECK_LT(change.key, change.value) << "a range must not be empty";
}

}  // namespace

struct RocksStore::Database {
  explicit Database(const RocksStoreOptions& options)
      : access(options.access),
        memory(options.cache_bytes, options.write_buffer_bytes),
        errors(std::make_shared<FirstError>(options.dir)),
        background(std::make_shared<Background>(errors, options.dir)) {}
  ~Database() {
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      if (handle != nullptr) (void)db->DestroyColumnFamilyHandle(handle);
    }
    if (db != nullptr) (void)db->Close();
  }

  rocksdb::ColumnFamilyHandle* family(Table table) const {
    return handles[static_cast<size_t>(table)];
  }

  // Whether the filters and indexes of the base stay in the cache when nothing but they is added.
  bool IndexesFitInCache() {
    if (background->TakeFilesChanged()) index_bytes = CountIndexBytes();
    return index_bytes < memory.index_bytes_max;
  }
  uint64_t CountIndexBytes() const {
    rocksdb::TablePropertiesCollection files;
    if (!db->GetPropertiesOfAllTables(family(Table::kBase), &files).ok()) return ~uint64_t{0};
    uint64_t bytes = 0;
    for (const auto& [name, file] : files) bytes += file->index_size + file->filter_size;
    return bytes;
  }

  const Access access;
  const RocksMemory memory;
  const std::shared_ptr<FirstError> errors;
  const std::shared_ptr<Background> background;
  std::atomic<uint64_t> index_bytes{0};
  // Declared before `db`, so that the lock is given back after it is closed.
  std::unique_ptr<RocksDirectory> directory;
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, kTableCount> handles = {};
  std::unique_ptr<HighWater> high_water;  // null when read-only
  std::atomic<uint64_t> next_bulk_load{1};
};

// Makes and opens the database of one store.
class RocksStoreOpener {
 public:
  RocksStoreOpener(const RocksStoreOptions& options, rocksdb::Env& env)
      : options_(options), env_(env) {}

  StatusOr<std::unique_ptr<RocksStore>> Open() {
    database_ = std::make_unique<RocksStore::Database>(options_);
    TRIDENT_ASSIGN_OR_RETURN(database_->directory,
                             RocksDirectory::Enter(options_.dir, options_.access, env_));
    TRIDENT_RETURN_IF_ERROR(MakeIfNew());
    if (options_.access == Access::kReadWrite) {
      TRIDENT_RETURN_IF_ERROR(database_->directory->ClearIngest());
    }
    TRIDENT_RETURN_IF_ERROR(FromRocksOpen(OpenAt(directory().db()), options_.dir));
    TRIDENT_RETURN_IF_ERROR(CheckHighWater());
    return std::unique_ptr<RocksStore>(new RocksStore(options_.dir, std::move(database_)));
  }

 private:
  const RocksDirectory& directory() const { return *database_->directory; }

  Status MakeIfNew() {
    TRIDENT_ASSIGN_OR_RETURN(const RocksDirectory::Age age, directory().FindAge());
    if (age == RocksDirectory::Age::kMade) return {};
    if (options_.access == Access::kReadOnly) {
      return NotFound("there is no state in ", options_.dir, " yet. Check the path");
    }
    TRIDENT_RETURN_IF_ERROR(directory().BeginMaking());
    TRIDENT_RETURN_IF_ERROR(
        FromRocks(MakeAt(directory().unfinished_db()), "make a database", options_.dir));
    return directory().FinishMaking();
  }

  rocksdb::DBOptions DatabaseOptionsHere() const {
    rocksdb::DBOptions options = DatabaseOptions(database_->memory);
    options.env = &env_;
    options.listeners.push_back(database_->background);
    return options;
  }

  std::vector<rocksdb::ColumnFamilyDescriptor> Families() const {
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (int i = 0; i < kTableCount; ++i) {
      const auto table = static_cast<Table>(i);
      families.emplace_back(std::string(FamilyName(table)),
                            FamilyOptions(table, database_->memory));
    }
    return families;
  }

  rocksdb::Status MakeAt(const std::string& path) const {
    rocksdb::DBOptions options = DatabaseOptionsHere();
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.error_if_exists = true;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* made = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(options, path, Families(), &handles, &made);
    if (!status.ok()) return status;
    const std::unique_ptr<rocksdb::DB> db(made);
    for (rocksdb::ColumnFamilyHandle* handle : handles) (void)db->DestroyColumnFamilyHandle(handle);
    return db->Close();
  }

  rocksdb::Status OpenAt(const std::string& path) {
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status =
        options_.access == Access::kReadOnly
            ? rocksdb::DB::OpenForReadOnly(DatabaseOptionsHere(), path, Families(), &handles, &db)
            : rocksdb::DB::Open(DatabaseOptionsHere(), path, Families(), &handles, &db);
    if (!status.ok()) return status;
    database_->db.reset(db);
    std::copy(handles.begin(), handles.end(), database_->handles.begin());
    return status;
  }

  Status CheckHighWater() {
    const uint64_t acknowledged = HighWater::Read(env_, directory().high_water());
    const uint64_t found = database_->db->GetLatestSequenceNumber();
    if (found < acknowledged) {
      return DataLoss(options_.dir, " is damaged: writes up to number ", acknowledged,
                      " were acknowledged as durable, but its log ends at ", found,
                      ". Its newest log file is missing or damaged. Restore the directory from a "
                      "backup");
    }
    if (options_.access == Access::kReadWrite) {
      database_->high_water = std::make_unique<HighWater>(env_, directory().high_water());
    }
    return {};
  }

  const RocksStoreOptions& options_;
  rocksdb::Env& env_;
  std::unique_ptr<RocksStore::Database> database_;
};

class RocksStore::RocksCursor : public Cursor {
 public:
  RocksCursor(const Database& database, Table table, const CursorOptions& options, std::string dir)
      : end_(options.end), end_slice_(end_), dir_(std::move(dir)) {
    rocksdb::ReadOptions read;
    if (!end_.empty()) read.iterate_upper_bound = &end_slice_;
    if (options.pattern == CursorOptions::Pattern::kScan) {
      read.fill_cache = false;
      read.readahead_size = kScanReadAheadBytes;
    }
    iterator_.reset(database.db->NewIterator(read, database.family(table)));
  }

  bool Valid() const override { return iterator_->Valid(); }
  void Seek(std::string_view key) override { iterator_->Seek(ToSlice(key)); }
  void Next() override { iterator_->Next(); }
  std::string_view key() const override { return ToView(iterator_->key()); }
  std::string_view value() const override { return ToView(iterator_->value()); }
  Status status() const override { return FromRocks(iterator_->status(), "read", dir_); }

 private:
  const std::string end_;
  const rocksdb::Slice end_slice_;
  const std::string dir_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksStore::RocksBulkLoad : public BulkLoad {
 public:
  RocksBulkLoad(RocksStore& store, std::string file)
      : store_(store),
        file_(std::move(file)),
        writer_(rocksdb::EnvOptions(DatabaseOptions(store.database_->memory)),
                OptionsFor(*store.database_), store.database_->family(Table::kBase)) {}
  // After an Install the file is RocksDB's, under another name.
  ~RocksBulkLoad() override { (void)store_.database_->db->GetEnv()->DeleteFile(file_); }

  Status Open() { return FromRocks(writer_.Open(file_), "begin a bulk load", store_.dir_); }
  Status Put(std::string_view key, std::string_view value) override {
    bytes_ += key.size() + value.size();
    return Check(writer_.Put(ToSlice(key), ToSlice(value)));
  }
  Status Delete(std::string_view key) override {
    bytes_ += key.size();
    return Check(writer_.Delete(ToSlice(key)));
  }
  uint64_t bytes() const override { return bytes_; }
  Status Install() override {
    if (bytes_ == 0) return {};
    TRIDENT_RETURN_IF_ERROR(store_.Health());
    const Status finished = Check(writer_.Finish());
    return finished.ok() ? store_.Install(file_) : finished;
  }

 private:
  static rocksdb::Options OptionsFor(const Database& database) {
    rocksdb::Options options = BulkLoadOptions(database.memory);
    options.env = database.db->GetEnv();
    return options;
  }
  Status Check(const rocksdb::Status& status) {
    TRIDENT_CHECK(!status.IsInvalidArgument())
        << "keys of a bulk load must ascend: " << status.ToString();
    return FromRocks(status, "write a bulk load", store_.dir_);
  }

  RocksStore& store_;
  const std::string file_;
  rocksdb::SstFileWriter writer_;
  uint64_t bytes_ = 0;
};

StatusOr<std::unique_ptr<RocksStore>> RocksStore::Open(const RocksStoreOptions& options) {
  return OpenRocksStoreOn(*rocksdb::Env::Default(), options);
}

StatusOr<std::unique_ptr<RocksStore>> OpenRocksStoreOn(rocksdb::Env& env,
                                                       const RocksStoreOptions& options) {
  return RocksStoreOpener(options, env).Open();
}

RocksStore::RocksStore(std::string dir, std::unique_ptr<Database> database)
    : dir_(std::move(dir)), database_(std::move(database)) {}
RocksStore::~RocksStore() = default;

Status RocksStore::Write(const WriteSet& changes, Durability durability) {
  TRIDENT_RETURN_IF_ERROR(Health());
  rocksdb::WriteBatch batch(SizeInLog(changes));
  for (const WriteSet::Change& change : changes.changes()) {
    CheckWritable(change);
    rocksdb::ColumnFamilyHandle* family = database_->family(change.table);
    rocksdb::Status added;
    switch (change.kind) {
      case Kind::kPut:
        added = batch.Put(family, change.key, change.value);
        break;
      case Kind::kDelete:
        added = batch.Delete(family, change.key);
        break;
      case Kind::kDeleteRange:
        added = batch.DeleteRange(family, change.key, change.value);
        break;
    }
    TRIDENT_CHECK(added.ok()) << added.ToString();
  }
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kSynced;
  const uint64_t before = database_->db->GetLatestSequenceNumber();
  const rocksdb::Status status = changes.empty() && options.sync
                                     ? database_->db->SyncWAL()
                                     : database_->db->Write(options, &batch);
  if (!status.ok()) {
    const Status error = FromRocks(status, "write", dir_);
    database_->errors->Note(error);
    return error;
  }
  // All that was numbered before this batch stands before it in the log, so it is synced as well.
  if (options.sync) database_->high_water->Raise(before + batch.Count());
  return {};
}

StatusOr<std::optional<std::string>> RocksStore::Get(Table table, std::string_view key) const {
  std::string value;
  const rocksdb::Status status = database_->db->Get(rocksdb::ReadOptions(), database_->family(table),
                                                    ToSlice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return FromRocks(status, "read", dir_);
  return std::optional<std::string>(std::move(value));
}

Status RocksStore::MultiGet(Table table, std::span<const std::string_view> keys,
                            const std::function<void(size_t, std::string_view)>& found) const {
  constexpr size_t kChunk = 128;
  std::array<rocksdb::Slice, kChunk> slices;
  std::array<rocksdb::PinnableSlice, kChunk> values;
  std::array<rocksdb::Status, kChunk> statuses;
  rocksdb::ReadOptions read;
  // What a batch read of cold keys is in the hot tables from now on: keeping its blocks too costs a
  // third of the lookup and helps no one.
  read.fill_cache = !database_->IndexesFitInCache();
  for (size_t start = 0; start < keys.size(); start += kChunk) {
    const size_t n = std::min(kChunk, keys.size() - start);
    for (size_t i = 0; i < n; ++i) {
      TRIDENT_CHECK(start + i == 0 || keys[start + i - 1] < keys[start + i])
          << "keys must ascend and be distinct";
      slices[i] = ToSlice(keys[start + i]);
      values[i].Reset();
    }
    database_->db->MultiGet(read, database_->family(table), n, slices.data(),
                            values.data(), statuses.data(), /*sorted_input=*/true);
    for (size_t i = 0; i < n; ++i) {
      if (statuses[i].ok()) {
        found(start + i, ToView(values[i]));
      } else if (!statuses[i].IsNotFound()) {
        return FromRocks(statuses[i], "read", dir_);
      }
    }
  }
  return {};
}

std::unique_ptr<Cursor> RocksStore::NewCursor(Table table, const CursorOptions& options) const {
  return std::make_unique<RocksCursor>(*database_, table, options, dir_);
}

StatusOr<std::unique_ptr<BulkLoad>> RocksStore::NewBulkLoad(Table table) {
  TRIDENT_CHECK(table == Table::kBase) << "only the base takes bulk loads";
  TRIDENT_RETURN_IF_ERROR(Health());
  const uint64_t number = database_->next_bulk_load.fetch_add(1);
  auto load = std::make_unique<RocksBulkLoad>(
      *this, Concat(database_->directory->ingest(), "/", number, ".sst"));
  TRIDENT_RETURN_IF_ERROR(load->Open());
  return load;
}

Status RocksStore::Install(const std::string& file) {
  const rocksdb::Status status = database_->db->IngestExternalFile(database_->family(Table::kBase),
                                                                   {file}, IngestOptions());
  if (status.ok()) return {};
  const Status error = FromRocks(status, "install a bulk load", dir_);
  database_->errors->Note(error);
  return error;
}

Status RocksStore::Health() const {
  if (database_->access == Access::kReadOnly) {
    return FailedPrecondition(dir_, " was opened for reading only");
  }
  return database_->errors->refusal();
}

uint64_t RocksStore::MemoryBytes() const {
  uint64_t bytes = database_->memory.cache->GetUsage();
  for (rocksdb::ColumnFamilyHandle* family : database_->handles) {
    uint64_t readers = 0;
    database_->db->GetIntProperty(family, rocksdb::DB::Properties::kEstimateTableReadersMem,
                                  &readers);
    bytes += readers;
  }
  return bytes;
}

Status RocksStore::VerifyChecksums() const {
  rocksdb::ReadOptions options;
  options.readahead_size = kScanReadAheadBytes;
  const rocksdb::Status status = database_->db->VerifyChecksum(options);
  return status.ok() ? Status() : FromRocksOpen(status, dir_);
}

}  // namespace trident
