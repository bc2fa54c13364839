// SPDX-License-Identifier: Apache-2.0
//
// RocksDirectory: the files of a state directory around RocksDB's own. It tells a new directory
// from one that is made, and one that was never finished from one that lost something.
//
// A directory is made like this: RocksDB in db.new/, then HIGHWATER and FORMAT, then db.new/ is
// renamed to db/. Whatever a crash leaves before the rename has no content and is made again; after
// it nothing of it may be missing.
#ifndef TRIDENT_STATE_DISK_ROCKS_DIRECTORY_H_
#define TRIDENT_STATE_DISK_ROCKS_DIRECTORY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "state/disk/rocks_store.h"

namespace rocksdb {
class Env;
}

namespace trident {

// Of an error that says which process has a directory, the same with what to do about it; any other
// as it is.
Status InUseAdvice(const Status& error, std::string_view advice);

class RocksDirectory {
 public:
  // Checks that `dir` can be used, makes it when it is missing and may be made, and locks it until
  // destruction. Errors as of RocksStore::Open. `env` must outlive it.
  static StatusOr<std::unique_ptr<RocksDirectory>> Enter(std::string dir,
                                                         RocksStoreOptions::Access access,
                                                         rocksdb::Env& env);
  // The part of it that a writer is asked beside a reader: the error of a directory that is there
  // and may not be changed.
  static Status CheckMayChange(const std::string& dir);
  // Removes a directory with all that is in it, which the caller has made and in which nothing was
  // committed. One that a process uses by now stays, with the error of Enter.
  static Status Remove(const std::string& dir);
  ~RocksDirectory();
  RocksDirectory(const RocksDirectory&) = delete;
  RocksDirectory& operator=(const RocksDirectory&) = delete;

  enum class Age : uint8_t { kNew, kMade };
  // DataLoss when files are missing, FailedPrecondition when a newer release made it.
  StatusOr<Age> FindAge() const;

  // Making it: an empty db.new/ for RocksDB, and, when RocksDB has closed it again, the rest.
  Status BeginMaking() const;
  Status FinishMaking() const;

  // FailedPrecondition when db/ is not the one at the first call any more: somebody has moved or
  // deleted the directory. One thread at a time.
  Status CheckPlace() const;

  // What bulk loads left that were not installed, and its removal.
  std::vector<std::string> Leftovers() const;
  Status ClearIngest() const;
  // A place for copies of the database, and its removal with what a crash left there.
  Status MakeCopies() const;
  Status ClearCopies() const;

  const std::string& path() const { return dir_; }
  std::string db() const { return dir_ + "/db"; }
  std::string unfinished_db() const { return dir_ + "/db.new"; }
  std::string ingest() const { return dir_ + "/ingest"; }
  std::string copies() const { return dir_ + "/copies"; }
  std::string high_water() const { return dir_ + "/HIGHWATER"; }
  std::string format() const { return dir_ + "/FORMAT"; }

 private:
  RocksDirectory(std::string dir, rocksdb::Env& env) : dir_(std::move(dir)), env_(env) {}

  Status Lock(RocksStoreOptions::Access access);
  Status CheckFormat() const;
  Status CheckNoForeignFiles() const;
  Status SyncDir() const;

  const std::string dir_;
  rocksdb::Env& env_;
  int lock_fd_ = -1;
  struct Place {
    uint64_t device = 0;
    uint64_t inode = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };
  mutable std::optional<Place> place_;  // of db/, when it was looked at first
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_DIRECTORY_H_
