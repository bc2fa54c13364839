// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_store.h"

#include <array>
#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "state/disk/rocks_database.h"
#include "state/disk/rocks_errors.h"
#include "state/disk/rocks_store_testing.h"
#include "state/disk/rocks_tuning.h"

namespace trident {
namespace {

using Kind = WriteSet::Change::Kind;

rocksdb::Slice ToSlice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view ToView(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

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
  TRIDENT_CHECK(change.table != Table::kBase || change.kind == Kind::kDeleteRange)
      << "bulk loads alone put rows into the base";
  if (change.kind != Kind::kDeleteRange) return;
  TRIDENT_CHECK(change.table != Table::kMeta) << "no ranges are deleted there";
  TRIDENT_CHECK_LT(change.key, change.value) << "a range must not be empty";
}

}  // namespace

class RocksStore::RocksCursor : public Cursor {
 public:
  // `view`: of the moment that the cursor sees; null: now.
  RocksCursor(const RocksDatabase& database, Table table, const CursorOptions& options,
              const rocksdb::Snapshot* view)
      : end_(options.end), end_slice_(end_), dir_(database.dir()) {
    rocksdb::ReadOptions read;
    read.snapshot = view;
    if (!end_.empty()) read.iterate_upper_bound = &end_slice_;
    if (options.pattern == CursorOptions::Pattern::kScan) {
      read.fill_cache = false;
      read.readahead_size = database.ReadAheadBytesPerRun();
    }
    iterator_.reset(database.db().NewIterator(read, database.family(table)));
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

class RocksStore::RocksBaseView : public BaseView {
 public:
  explicit RocksBaseView(const RocksStore& store)
      : store_(store), snapshot_(store.database_->db().GetSnapshot()) {}
  ~RocksBaseView() override { store_.database_->db().ReleaseSnapshot(snapshot_); }
  Status MultiGet(std::span<const std::string_view> keys,
                  const std::function<void(size_t, std::string_view)>& found) const override {
    return store_.MultiGetAt(snapshot_, Table::kBase, keys, found);
  }
  std::unique_ptr<Cursor> NewCursor(const CursorOptions& options) const override {
    return std::make_unique<RocksCursor>(*store_.database_, Table::kBase, options, snapshot_);
  }

 private:
  const RocksStore& store_;
  const rocksdb::Snapshot* const snapshot_;
};

class RocksStore::RocksBulkLoad : public BulkLoad {
 public:
  RocksBulkLoad(RocksStore& store, std::string file)
      : store_(store),
        file_(std::move(file)),
        writer_(rocksdb::EnvOptions(DatabaseOptions(store.database_->memory())),
                OptionsFor(*store.database_), store.database_->family(Table::kBase)) {}
  // After an Install the file is RocksDB's, under another name. After one that failed it may be
  // missed at the next open.
  ~RocksBulkLoad() override {
    if (!may_be_missed_) (void)store_.database_->db().GetEnv()->DeleteFile(file_);
  }

  Status Open() { return Check(writer_.Open(file_)); }
  Status Put(std::string_view key, std::string_view value) override {
    CountEntry(key, value);
    return Check(writer_.Put(ToSlice(key), ToSlice(value)));
  }
  Status Delete(std::string_view key) override {
    CountEntry(key, {});
    return Check(writer_.Delete(ToSlice(key)));
  }
  Status Append(std::string_view key, std::string_view bytes) override {
    CountEntry(key, bytes);
    return Check(writer_.Merge(ToSlice(key), ToSlice(bytes)));
  }
  uint64_t bytes() const override { return bytes_; }
  Status Install() override {
    if (is_empty_) return {};
    TRIDENT_RETURN_IF_ERROR(store_.Health());
    TRIDENT_RETURN_IF_ERROR(Check(writer_.Finish()));
    const Status installed = store_.Install(file_);
    may_be_missed_ = !installed.ok();
    return installed;
  }

 private:
  static rocksdb::Options OptionsFor(const RocksDatabase& database) {
    rocksdb::Options options = BulkLoadOptions(database.memory());
    options.env = database.db().GetEnv();
    return options;
  }
  Status Check(const rocksdb::Status& status) {
    TRIDENT_CHECK(!status.IsInvalidArgument())
        << "keys of a bulk load must ascend: " << status.ToString();
    return status.ok() ? Status()
                       : store_.Noted(FromRocks(status, "write a bulk load", store_.dir_));
  }
  void CountEntry(std::string_view key, std::string_view value) {
    bytes_ += key.size() + value.size();
    is_empty_ = false;
  }

  RocksStore& store_;
  const std::string file_;
  rocksdb::SstFileWriter writer_;
  uint64_t bytes_ = 0;
  bool is_empty_ = true;
  bool may_be_missed_ = false;
};

StatusOr<std::unique_ptr<RocksStore>> RocksStore::Open(const RocksStoreOptions& options) {
  return OpenRocksStoreOn(*rocksdb::Env::Default(), options);
}

StatusOr<std::unique_ptr<RocksStore>> OpenRocksStoreOn(rocksdb::Env& env,
                                                       const RocksStoreOptions& options) {
  TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<RocksDatabase> database,
                           RocksDatabase::Open(options, env));
  return std::make_unique<RocksStore>(options.dir, std::move(database));
}

RocksStore::RocksStore(std::string dir, std::unique_ptr<RocksDatabase> database)
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
      case Kind::kAppend:
        TRIDENT_CHECK(false) << "bulk loads alone append";
    }
    TRIDENT_CHECK(added.ok()) << added.ToString();
  }
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kSynced;
  const uint64_t before = database_->db().GetLatestSequenceNumber();
  const rocksdb::Status status = changes.empty() && options.sync
                                     ? database_->db().SyncWAL()
                                     : database_->db().Write(options, &batch);
  if (!status.ok()) return WhyNotWritten(status);
  // All that was numbered before this batch stands before it in the log, so it is synced as well.
  if (options.sync) database_->RaiseHighWater(before + batch.Count());
  return {};
}

StatusOr<std::optional<std::string>> RocksStore::Get(Table table, std::string_view key) const {
  std::string value;
  const rocksdb::Status status =
      database_->db().Get(rocksdb::ReadOptions(), database_->family(table), ToSlice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return FromRocks(status, "read", dir_);
  return std::optional<std::string>(std::move(value));
}

Status RocksStore::MultiGet(Table table, std::span<const std::string_view> keys,
                            const std::function<void(size_t, std::string_view)>& found) const {
  return MultiGetAt(nullptr, table, keys, found);
}

Status RocksStore::MultiGetAt(const rocksdb::Snapshot* view, Table table,
                              std::span<const std::string_view> keys,
                              const std::function<void(size_t, std::string_view)>& found) const {
  constexpr size_t kChunk = 128;
  std::array<rocksdb::Slice, kChunk> slices;
  std::array<rocksdb::PinnableSlice, kChunk> values;
  std::array<rocksdb::Status, kChunk> statuses;
  rocksdb::ReadOptions read;
  read.snapshot = view;
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
    database_->db().MultiGet(read, database_->family(table), n, slices.data(), values.data(),
                             statuses.data(), /*sorted_input=*/true);
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
  return std::make_unique<RocksCursor>(*database_, table, options, nullptr);
}

std::unique_ptr<const BaseView> RocksStore::NewBaseView() const {
  return std::make_unique<RocksBaseView>(*this);
}

StatusOr<std::unique_ptr<BulkLoad>> RocksStore::NewBulkLoad(Table table) {
  TRIDENT_CHECK(table == Table::kBase) << "only the base takes bulk loads";
  TRIDENT_RETURN_IF_ERROR(Health());
  auto load = std::make_unique<RocksBulkLoad>(*this, database_->NextBulkLoadFile());
  TRIDENT_RETURN_IF_ERROR(load->Open());
  return load;
}

// Of two threads whose writes share the log, one is told what went wrong with it, the other one
// that something did. Whether the other one's batch is in the log, nobody knows.
Status RocksStore::WhyNotWritten(const rocksdb::Status& status) {
  if (IsFailureOfAnother(status)) {
    const Status cause = database_->errors().AwaitRefusal();
    if (!cause.ok()) return Unavailable(Message(cause));
  }
  return Noted(FromRocks(status, "write", dir_));
}

Status RocksStore::Noted(const Status& outcome) {
  if (!outcome.ok()) database_->errors().Note(outcome);
  return outcome;
}

Status RocksStore::Install(const std::string& file) {
  return Noted(FromRocks(
      database_->db().IngestExternalFile(database_->family(Table::kBase), {file}, IngestOptions()),
      "install a bulk load", dir_));
}

void RocksStore::SetCondense(std::shared_ptr<const Condense> condense) {
  database_->SetCondense(std::move(condense));
}

void RocksStore::StartMerging() { database_->StartMerging(); }
StatusOr<StoreCopy> RocksStore::NewCopy() {
  TRIDENT_RETURN_IF_ERROR(Health());
  return database_->NewCopy();
}

Status RocksStore::CheckPlace() {
  const Status gone = database_->directory().CheckPlace();
  return gone.ok() ? gone : Noted(gone);
}
Status RocksStore::Health() const {
  if (database_->access() == RocksStoreOptions::Access::kReadOnly) {
    return FailedPrecondition(dir_, " was opened for reading only");
  }
  return database_->errors().refusal();
}

uint64_t RocksStore::MemoryBytes() const {
  uint64_t bytes = database_->memory().cache->GetUsage();
  for (int i = 0; i < kTableCount; ++i) {
    uint64_t readers = 0;
    database_->db().GetIntProperty(database_->family(static_cast<Table>(i)),
                                   rocksdb::DB::Properties::kEstimateTableReadersMem, &readers);
    bytes += readers;
  }
  return bytes;
}

Status RocksStore::VerifyChecksums() const {
  rocksdb::ReadOptions options;
  options.readahead_size = kScanReadAheadBytesPerRunMax;
  const rocksdb::Status status = database_->db().VerifyChecksum(options);
  return status.ok() ? Status() : FromRocksOpen(status, dir_);
}

std::vector<RocksStore::CheckedFile> RocksStore::CheckFiles() const {
  std::vector<rocksdb::LiveFileMetaData> files;
  database_->db().GetLiveFilesMetaData(&files);
  rocksdb::Options options = BulkLoadOptions(database_->memory());
  options.env = database_->db().GetEnv();
  rocksdb::ReadOptions read;
  read.readahead_size = kScanReadAheadBytes;
  std::vector<CheckedFile> checked;
  for (const rocksdb::LiveFileMetaData& file : files) {
    const std::string path = file.db_path + file.name;
    rocksdb::SstFileReader reader(options);
    rocksdb::Status status = reader.Open(path);
    if (status.ok()) status = reader.VerifyChecksum(read);
    checked.push_back({path, file.size, FromRocksOpen(status, path)});
  }
  return checked;
}

}  // namespace trident
