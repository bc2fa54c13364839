// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_database.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/table_properties.h>

#include "base/clock.h"
#include "base/limits.h"
#include "state/disk/manifest_check.h"
#include "state/disk/rocks_append.h"
#include "state/disk/rocks_copy.h"
#include "state/disk/rocks_errors.h"
#include "state/disk/rocks_log.h"
#include "state/disk/rocks_stand_in.h"

namespace trident {
namespace {

using Access = RocksStoreOptions::Access;

std::vector<rocksdb::ColumnFamilyDescriptor> Families(
    const RocksMemory& memory, const std::shared_ptr<const CondenseHolder>& condense) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (int i = 0; i < kTableCount; ++i) {
    const auto table = static_cast<Table>(i);
    rocksdb::ColumnFamilyOptions options = FamilyOptions(table, memory);
    if (table == Table::kBase) options.merge_operator = NewAppendOperator(condense);
    families.emplace_back(std::string(FamilyName(table)), options);
  }
  return families;
}

// The table file that RocksDB misses, as its error says: ".../000012.ldb", an older extension which
// it tries last. Empty when the error is of another kind.
std::string MissingTable(const std::string& error, const std::string& db) {
  constexpr std::string_view kTriedLast = ".ldb: No such file";
  const size_t end = error.find(kTriedLast);
  const size_t start = end == std::string::npos ? end : error.rfind(db + "/", end);
  if (start == std::string::npos) return "";
  return error.substr(start, end - start) + ".sst";
}

}  // namespace

void FirstError::Note(const Status& error) {
  MutexLock lock(mutex_);
  if (!refusal_.ok()) return;
  refusal_ = FailedPrecondition(dir_, " takes no more writes since one failed: ", Message(error));
  happened_.store(true, std::memory_order_release);
  noted_.NotifyAll();
}

Status FirstError::AwaitRefusal() {
  MutexLock lock(mutex_);
  if (refusal_.ok()) noted_.WaitFor(mutex_, kSecond);
  return refusal_;
}

Status FirstError::refusal() const {
  if (!happened_.load(std::memory_order_acquire)) return {};
  MutexLock lock(mutex_);
  return refusal_;
}

// What RocksDB's own threads have to say.
class RocksDatabase::Background : public rocksdb::EventListener {
 public:
  Background(std::shared_ptr<FirstError> errors, std::string dir)
      : errors_(std::move(errors)), dir_(std::move(dir)) {}

  // True once after each change of the files of a table.
  bool TakeFilesChanged() { return files_changed_.exchange(false, std::memory_order_relaxed); }
  void StartMerging() {
    MutexLock lock(mutex_);
    may_merge_ = true;
    merging_.NotifyAll();
  }

  // A flush or compaction that failed counts like a write that failed.
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    // The log failed in the hands of a write, which knows with what, and says it.
    if (IsFailureOfAnother(*status)) return;
    errors_->Note(FromRocks(*status, "flush or compact", dir_));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
  // Runs on the thread that compacts. It may use what the executors leave, and a fair part when
  // they leave nothing.
  void OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override {
    constexpr int kNiceness = 5;
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
    // Not for ever: an open that fails late waits for this thread, and tells nobody.
    constexpr Nanos kHeldMax = 5 * kSecond;
    const Nanos end = RealClock().MonotonicNanos() + kHeldMax;
    MutexLock lock(mutex_);
    while (!may_merge_ && RealClock().MonotonicNanos() < end) merging_.WaitFor(mutex_, kSecond);
  }
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override {
    files_changed_.store(true, std::memory_order_relaxed);
  }
  void OnExternalFileIngested(rocksdb::DB*, const rocksdb::ExternalFileIngestionInfo&) override {
    files_changed_.store(true, std::memory_order_relaxed);
  }

 private:
  const std::shared_ptr<FirstError> errors_;
  const std::string dir_;
  std::atomic<bool> files_changed_{true};
  Mutex mutex_;
  CondVar merging_;
  bool may_merge_ TRIDENT_GUARDED_BY(mutex_) = false;
};

RocksDatabase::RocksDatabase(const RocksStoreOptions& options, rocksdb::Env& env)
    : options_(options),
      env_(env),
      memory_(options.cache_bytes, options.write_buffer_bytes),
      condense_(std::make_shared<CondenseHolder>()),
      errors_(std::make_shared<FirstError>(options.dir)),
      background_(std::make_shared<Background>(errors_, options.dir)) {}

RocksDatabase::~RocksDatabase() {
  StartMerging();  // a merge that waits would keep the database open
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    if (family != nullptr) (void)db_->DestroyColumnFamilyHandle(family);
  }
  if (db_ != nullptr) (void)db_->Close();
}

StatusOr<std::unique_ptr<RocksDatabase>> RocksDatabase::Open(const RocksStoreOptions& options,
                                                             rocksdb::Env& env) {
  std::unique_ptr<RocksDatabase> database(new RocksDatabase(options, env));
  TRIDENT_ASSIGN_OR_RETURN(database->directory_,
                           RocksDirectory::Enter(options.dir, options.access, env));
  const Status entered = database->MakeIfNew();
  if (entered.code() == StatusCode::kDataLoss && env.FileExists(options.dir).IsNotFound()) {
    TRIDENT_RETURN_IF_ERROR(database->directory_->CheckPlace());
  }
  TRIDENT_RETURN_IF_ERROR(entered);
  TRIDENT_RETURN_IF_ERROR(database->directory_->CheckPlace());
  Status opened = CheckManifest(env, database->directory_->db(), options.dir);
  if (opened.ok()) opened = FromRocksOpen(database->OpenOrPutRight(), options.dir);
  // What is missing may be the whole directory: then nothing of it is damaged.
  if (!opened.ok()) TRIDENT_RETURN_IF_ERROR(database->directory_->CheckPlace());
  TRIDENT_RETURN_IF_ERROR(opened);
  TRIDENT_RETURN_IF_ERROR(database->CheckHighWater());
  if (options.access == Access::kReadWrite) {
    TRIDENT_RETURN_IF_ERROR(database->directory_->ClearIngest());
    TRIDENT_RETURN_IF_ERROR(database->directory_->ClearCopies());
    TRIDENT_RETURN_IF_ERROR(database->directory_->CheckPlace());
    database->high_water_ = std::make_unique<HighWater>(env, database->directory_->high_water());
  }
  return database;
}

Status RocksDatabase::MakeIfNew() {
  const StatusOr<RocksDirectory::Age> found = directory_->FindAge();
  if (found.status().code() == StatusCode::kInvalidArgument &&
      options_.access == Access::kReadOnly) {
    return InvalidArgument("expected a state directory at ", options_.dir,
                           ", found a directory of other files. Check the path");
  }
  TRIDENT_ASSIGN_OR_RETURN(const RocksDirectory::Age age, found);
  if (age == RocksDirectory::Age::kMade) return {};
  if (options_.access == Access::kReadOnly) {
    return NotFound("there is no state in ", options_.dir, " yet. Check the path");
  }
  TRIDENT_RETURN_IF_ERROR(directory_->BeginMaking());
  TRIDENT_RETURN_IF_ERROR(
      FromRocks(MakeAt(directory_->unfinished_db()), "make a database", options_.dir));
  return directory_->FinishMaking();
}

rocksdb::DBOptions RocksDatabase::OptionsOn(rocksdb::Env& env) const {
  rocksdb::DBOptions options = DatabaseOptions(memory_);
  options.env = &env;
  options.info_log = NewRocksLog();
  return options;
}

rocksdb::Status RocksDatabase::MakeAt(const std::string& path) const {
  rocksdb::DBOptions options = OptionsOn(env_);
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.error_if_exists = true;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  rocksdb::DB* made = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(options, path, Families(memory_, condense_), &families, &made);
  if (!status.ok()) return status;
  const std::unique_ptr<rocksdb::DB> db(made);
  for (rocksdb::ColumnFamilyHandle* family : families) (void)db->DestroyColumnFamilyHandle(family);
  return db->Close();
}

// When the sync of its manifest fails, this RocksDB takes back a file that it was installing,
// although the manifest may name it already. The bulk load has kept the file; RocksDB itself
// checks, by size and unique id, that it is the one which is missed. A reader leaves it where it
// is.
rocksdb::Status RocksDatabase::OpenOrPutRight() {
  const rocksdb::Status status = OpenAt(directory_->db());
  if (status.ok()) return status;
  const std::string missing = MissingTable(status.ToString(), directory_->db());
  if (missing.empty()) return status;
  for (const std::string& leftover : directory_->Leftovers()) {
    if (OpenWith(leftover, missing).ok()) return rocksdb::Status::OK();
  }
  return status;
}

rocksdb::Status RocksDatabase::OpenWith(const std::string& leftover, const std::string& missing) {
  if (options_.access == Access::kReadOnly) {
    reader_env_ = EnvWithStandIn(env_, missing, leftover);
    return OpenAt(directory_->db());
  }
  const rocksdb::Status linked = env_.LinkFile(leftover, missing);
  if (!linked.ok()) return linked;
  const rocksdb::Status opened = OpenAt(directory_->db());
  if (!opened.ok()) (void)env_.DeleteFile(missing);
  return opened;
}

// Makes nothing: where a file is missing, RocksDB would otherwise begin anew over what is left.
rocksdb::Status RocksDatabase::OpenAt(const std::string& path) {
  rocksdb::DBOptions options = OptionsOn(reader_env_ == nullptr ? env_ : *reader_env_);
  options.listeners.push_back(background_);
  const auto tables = Families(memory_, condense_);
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      options_.access == Access::kReadOnly
          ? rocksdb::DB::OpenForReadOnly(options, path, tables, &families, &db)
          : rocksdb::DB::Open(options, path, tables, &families, &db);
  if (!status.ok()) return status;
  db_.reset(db);
  std::copy(families.begin(), families.end(), families_.begin());
  return status;
}

void RocksDatabase::SetCondense(std::shared_ptr<const Condense> condense) {
  condense_->Set(std::move(condense));
}

void RocksDatabase::StartMerging() { background_->StartMerging(); }

Status RocksDatabase::CheckHighWater() const {
  const uint64_t acknowledged = HighWater::Read(env_, directory_->high_water());
  const uint64_t found = db_->GetLatestSequenceNumber();
  if (found >= acknowledged) return {};
  return DataLoss(options_.dir, " is damaged: writes up to number ", acknowledged,
                  " were acknowledged as durable, but its log ends at ", found,
                  ". Its newest log file is missing or damaged. Restore the directory from a "
                  "backup");
}

std::string RocksDatabase::NextBulkLoadFile() {
  return Concat(directory_->ingest(), "/", next_bulk_load_.fetch_add(1), ".sst");
}

StatusOr<StoreCopy> RocksDatabase::NewCopy() {
  return CopyOf(*db_, *directory_, next_copy_.fetch_add(1));
}

bool RocksDatabase::IndexesFitInCache() const {
  CountFiles();
  return index_bytes_ < memory_.index_bytes_max;
}

uint64_t RocksDatabase::ReadAheadBytesPerRun() const {
  CountFiles();
  return std::clamp<uint64_t>(kScanReadAheadBytes / runs_, kScanReadAheadBytesPerRunMin,
                              kScanReadAheadBytesPerRunMax);
}

void RocksDatabase::CountFiles() const {
  if (!background_->TakeFilesChanged()) return;
  index_bytes_ = CountIndexBytes();
  runs_ = CountRuns();
}

// Each file of level 0 is one, and each level below it.
uint64_t RocksDatabase::CountRuns() const {
  uint64_t runs = 0;
  const int levels = db_->NumberLevels(family(Table::kBase));
  for (int level = 0; level < levels; ++level) {
    std::string files;
    db_->GetProperty(family(Table::kBase),
                     rocksdb::DB::Properties::kNumFilesAtLevelPrefix + std::to_string(level),
                     &files);
    const uint64_t count = std::strtoull(files.c_str(), nullptr, 10);
    runs += level == 0 ? count : std::min<uint64_t>(count, 1);
  }
  return std::max<uint64_t>(runs, 1);
}

uint64_t RocksDatabase::CountIndexBytes() const {
  rocksdb::TablePropertiesCollection files;
  if (!db_->GetPropertiesOfAllTables(family(Table::kBase), &files).ok()) return ~uint64_t{0};
  uint64_t bytes = 0;
  for (const auto& [name, file] : files) bytes += file->index_size + file->filter_size;
  return bytes;
}

}  // namespace trident
