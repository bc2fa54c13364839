// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "base/check.h"
#include "base/mutex.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
void WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}
// What of [begin, end) the file still has.
void ZeroOut(const std::string& path, uint64_t begin, uint64_t end) {
  std::string bytes = ReadAll(path);
  end = std::min<uint64_t>(end, bytes.size());
  if (begin >= end) return;
  std::fill(bytes.begin() + static_cast<int64_t>(begin), bytes.begin() + static_cast<int64_t>(end),
            '\0');
  WriteAll(path, bytes);
}

}  // namespace

// What was done and not synced yet, and which operation is to fail.
class FaultyDisk::Journal {
 public:
  enum class Needs : uint8_t { kSpace, kNothing };

  // Counts an operation; not ok when it is to fail.
  IOStatus Begin(Needs needs) {
    MutexLock lock(mutex_);
    ++operations_;
    if (fail_at_ == 0 || operations_ < fail_at_) return IOStatus::OK();
    switch (fault_) {
      case Fault::kInputOutput:
        if (operations_ > fail_at_) return IOStatus::OK();
        failed_ = true;
        return IOStatus::IOError("injected: Input/output error");
      case Fault::kDiskFull:
        if (needs == Needs::kNothing) return IOStatus::OK();
        failed_ = true;
        return IOStatus::NoSpace("injected: No space left on device");
      case Fault::kPowerCut:
        failed_ = true;
        return IOStatus::IOError("injected: the power is off");
      case Fault::kReadOnly:
        failed_ = true;
        return IOStatus::IOError("injected: Read-only file system");
      case Fault::kFailedSync:
        return IOStatus::OK();
    }
    return IOStatus::OK();
  }
  IOStatus BeginFileSync(const std::string& path) {
    IOStatus begun = Begin(Needs::kNothing);
    MutexLock lock(mutex_);
    ++file_syncs_;
    if (!begun.ok() || fault_ != Fault::kFailedSync || file_syncs_ != fail_at_) return begun;
    failed_ = true;
    File& file = files_[path];
    file.lost.emplace_back(file.synced, file.size);
    file.synced = file.size;
    return IOStatus::IOError("injected: Input/output error");
  }

  uint64_t operations() const {
    MutexLock lock(mutex_);
    return operations_;
  }
  uint64_t file_syncs() const {
    MutexLock lock(mutex_);
    return file_syncs_;
  }
  bool failed() const {
    MutexLock lock(mutex_);
    return failed_;
  }
  void FailAt(uint64_t n, Fault fault) {
    MutexLock lock(mutex_);
    operations_ = file_syncs_ = 0;
    fail_at_ = n;
    fault_ = fault;
    failed_ = false;
  }

  void Made(const std::string& path) {
    MutexLock lock(mutex_);
    files_[path] = {};
    Remember(path, [path] { fs::remove(path); });
  }
  void Appended(const std::string& path, uint64_t bytes) {
    MutexLock lock(mutex_);
    files_[path].size += bytes;
  }
  void Truncated(const std::string& path, uint64_t size) {
    MutexLock lock(mutex_);
    File& file = files_[path];
    file.size = size;
    file.synced = std::min(file.synced, size);
  }
  void Synced(const std::string& path) {
    MutexLock lock(mutex_);
    File& file = files_[path];
    file.synced = file.size;
    file.before_rewrite.clear();
  }
  // A number in place: `before` is what the whole file held.
  void Rewritten(const std::string& path, std::string before) {
    MutexLock lock(mutex_);
    File& file = files_[path];
    file.size = file.synced = before.size();
    if (file.before_rewrite.empty()) file.before_rewrite = std::move(before);
  }
  void Renamed(const std::string& from, const std::string& to, const std::string& replaced) {
    MutexLock lock(mutex_);
    if (const auto moved = files_.find(from); moved != files_.end()) {
      files_[to] = moved->second;
      files_.erase(from);
    }
    if (fs::is_directory(to)) return MoveFilesUnder(from, to);
    Remember(to, [from, to, replaced] {
      fs::rename(to, from);
      if (!replaced.empty()) WriteAll(to, replaced);
    });
  }
  void Linked(const std::string& from, const std::string& to) {
    MutexLock lock(mutex_);
    if (files_.contains(from)) files_[to] = files_[from];
    Remember(to, [to] { fs::remove(to); });
  }
  void Deleted(const std::string& path, const std::string& content) {
    MutexLock lock(mutex_);
    files_.erase(path);
    Remember(path, [path, content] { WriteAll(path, content); });
  }
  void DirectorySynced(const std::string& dir) {
    MutexLock lock(mutex_);
    std::erase_if(entries_, [&](const Entry& entry) { return entry.dir == dir; });
  }

  void LosePower(Rng& rng) {
    MutexLock lock(mutex_);
    for (uint64_t kept = rng.Below(entries_.size() + 1); entries_.size() > kept;
         entries_.pop_back()) {
      entries_.back().undo();
    }
    for (const auto& [path, file] : files_) {
      if (!fs::exists(path)) continue;
      if (file.size > file.synced) {
        fs::resize_file(path, file.synced + rng.Below(file.size - file.synced + 1));
      }
      if (!file.before_rewrite.empty() && rng.Chance(0.5)) WriteAll(path, file.before_rewrite);
      for (const auto& [begin, end] : file.lost) ZeroOut(path, begin, end);
    }
    entries_.clear();
    files_.clear();
  }

 private:
  struct File {
    uint64_t size = 0;
    uint64_t synced = 0;
    std::string before_rewrite;
    std::vector<std::pair<uint64_t, uint64_t>> lost;  // [begin, end)
  };
  // Something done in a directory.
  struct Entry {
    std::string dir;
    std::function<void()> undo;
  };

  void Remember(const std::string& path, std::function<void()> undo) TRIDENT_REQUIRES(mutex_) {
    entries_.push_back({fs::path(path).parent_path(), std::move(undo)});
  }
  void MoveFilesUnder(const std::string& from, const std::string& to) TRIDENT_REQUIRES(mutex_) {
    std::map<std::string, File> moved;
    for (const auto& [path, file] : files_) {
      const bool inside = path.starts_with(from + "/");
      moved[inside ? to + path.substr(from.size()) : path] = file;
    }
    files_ = std::move(moved);
    // What was undone in it would be undone under its old name: a directory is renamed when
    // complete.
    std::erase_if(entries_, [&](const Entry& entry) { return entry.dir == from; });
  }

  mutable Mutex mutex_;
  uint64_t file_syncs_ TRIDENT_GUARDED_BY(mutex_) = 0;
  uint64_t operations_ TRIDENT_GUARDED_BY(mutex_) = 0;
  uint64_t fail_at_ TRIDENT_GUARDED_BY(mutex_) = 0;
  Fault fault_ TRIDENT_GUARDED_BY(mutex_) = Fault::kInputOutput;
  bool failed_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::map<std::string, File> files_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<Entry> entries_ TRIDENT_GUARDED_BY(mutex_);
};

class FaultyDisk::FileSystem : public rocksdb::FileSystemWrapper {
 public:
  using Needs = Journal::Needs;

  explicit FileSystem(std::shared_ptr<Journal> journal)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), journal_(std::move(journal)) {}
  const char* Name() const override { return "FaultyDisk"; }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    IOStatus status = journal_->Begin(Needs::kSpace);
    if (status.ok()) status = target()->NewWritableFile(path, options, file, debug);
    if (!status.ok()) return status;
    journal_->Made(path);
    *file = std::make_unique<WritableFile>(std::move(*file), path, journal_);
    return status;
  }
  IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                           IODebugContext* debug) override {
    const IOStatus status = target()->NewRandomRWFile(path, options, file, debug);
    if (status.ok()) *file = std::make_unique<InPlaceFile>(std::move(*file), path, journal_);
    return status;
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* debug) override {
    const IOStatus status = target()->NewDirectory(path, options, directory, debug);
    if (status.ok())
      *directory = std::make_unique<Directory>(std::move(*directory), path, journal_);
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    IOStatus status = journal_->Begin(Needs::kNothing);
    const std::string replaced = fs::is_regular_file(to) ? ReadAll(to) : "";
    if (status.ok()) status = target()->RenameFile(from, to, options, debug);
    if (status.ok()) journal_->Renamed(from, to, replaced);
    return status;
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override {
    IOStatus status = journal_->Begin(Needs::kSpace);
    if (status.ok()) status = target()->LinkFile(from, to, options, debug);
    if (status.ok()) journal_->Linked(from, to);
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    IOStatus status = journal_->Begin(Needs::kNothing);
    const std::string content = ReadAll(path);
    if (status.ok()) status = target()->DeleteFile(path, options, debug);
    if (status.ok()) journal_->Deleted(path, content);
    return status;
  }

 private:
  class WritableFile : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    WritableFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path,
                 std::shared_ptr<Journal> journal)
        : FSWritableFileOwnerWrapper(std::move(file)),
          path_(std::move(path)),
          journal_(std::move(journal)) {}

    IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                    IODebugContext* debug) override {
      const IOStatus status = journal_->Begin(Needs::kSpace);
      const size_t bytes = status.ok() ? data.size() : data.size() / 2;
      const IOStatus done =
          FSWritableFileOwnerWrapper::Append({data.data(), bytes}, options, debug);
      if (done.ok()) journal_->Appended(path_, bytes);
      return status.ok() ? done : status;
    }
    IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                    const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
      IOStatus status = journal_->Begin(Needs::kNothing);
      if (status.ok()) status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
      if (status.ok()) journal_->Truncated(path_, size);
      return status;
    }
    IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
      // What is synced is the journal's to know; a real sync would only take its time.
      IOStatus status = journal_->BeginFileSync(path_);
      if (status.ok()) status = FSWritableFileOwnerWrapper::Flush(options, debug);
      if (status.ok()) journal_->Synced(path_);
      return status;
    }
    IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
      return Sync(options, debug);
    }

   private:
    const std::string path_;
    const std::shared_ptr<Journal> journal_;
  };

  class InPlaceFile : public rocksdb::FSRandomRWFileOwnerWrapper {
   public:
    InPlaceFile(std::unique_ptr<rocksdb::FSRandomRWFile> file, std::string path,
                std::shared_ptr<Journal> journal)
        : FSRandomRWFileOwnerWrapper(std::move(file)),
          path_(std::move(path)),
          journal_(std::move(journal)) {}

    IOStatus Write(uint64_t offset, const rocksdb::Slice& data, const IOOptions& options,
                   IODebugContext* debug) override {
      IOStatus status = journal_->Begin(Needs::kNothing);
      std::string before = ReadAll(path_);
      if (status.ok()) status = FSRandomRWFileOwnerWrapper::Write(offset, data, options, debug);
      if (status.ok()) journal_->Rewritten(path_, std::move(before));
      return status;
    }

   private:
    const std::string path_;
    const std::shared_ptr<Journal> journal_;
  };

  class Directory : public rocksdb::FSDirectoryWrapper {
   public:
    Directory(std::unique_ptr<rocksdb::FSDirectory> directory, std::string path,
              std::shared_ptr<Journal> journal)
        : FSDirectoryWrapper(std::move(directory)),
          path_(std::move(path)),
          journal_(std::move(journal)) {}

    IOStatus Fsync(const IOOptions&, IODebugContext*) override {
      IOStatus status = journal_->Begin(Needs::kNothing);
      if (status.ok()) journal_->DirectorySynced(path_);
      return status;
    }
    // A file system may skip the sync where it is of no use; not this one.
    IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                                 const rocksdb::DirFsyncOptions&) override {
      return Fsync(options, debug);
    }

   private:
    const std::string path_;
    const std::shared_ptr<Journal> journal_;
  };

  const std::shared_ptr<Journal> journal_;
};

FaultyDisk::FaultyDisk()
    : journal_(std::make_shared<Journal>()),
      env_(rocksdb::NewCompositeEnv(std::make_shared<FileSystem>(journal_))) {}
FaultyDisk::~FaultyDisk() = default;

rocksdb::Env& FaultyDisk::env() { return *env_; }
uint64_t FaultyDisk::operations() const { return journal_->operations(); }
uint64_t FaultyDisk::file_syncs() const { return journal_->file_syncs(); }
void FaultyDisk::FailAt(uint64_t n, Fault fault) { journal_->FailAt(n, fault); }
bool FaultyDisk::failed() const { return journal_->failed(); }
void FaultyDisk::Repair() { journal_->FailAt(0, Fault::kInputOutput); }
void FaultyDisk::LosePower(Rng& rng) { journal_->LosePower(rng); }

}  // namespace trident
