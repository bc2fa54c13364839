// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_copy.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/utilities/checkpoint.h>

#include "state/disk/rocks_errors.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

// A folder that goes with its last holder.
class CopyFolder {
 public:
  explicit CopyFolder(std::string path) : path_(std::move(path)) {}
  ~CopyFolder() {
    std::error_code error;  // what stays is removed when the directory is opened next
    fs::remove_all(path_, error);
  }
  CopyFolder(const CopyFolder&) = delete;
  CopyFolder& operator=(const CopyFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

}  // namespace

StatusOr<StoreCopy> CopyOf(rocksdb::DB& db, const RocksDirectory& directory, uint64_t number) {
  TRIDENT_RETURN_IF_ERROR(directory.MakeCopies());
  const auto folder = std::make_shared<CopyFolder>(Concat(directory.copies(), "/", number));
  const std::string& path = folder->path();
  std::error_code error;
  fs::create_directory(path, error);
  if (error) return FromErrno(error.value(), "make the directory", path);

  // Both are older than what is copied next. An older high water proves less, a newer one would
  // accuse the copy of a loss.
  for (const std::string& small : {directory.format(), directory.high_water()}) {
    fs::copy_file(small, fs::path(path) / fs::path(small).filename(), error);
    if (error) return FromErrno(error.value(), "copy", small);
  }
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&db, &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(path + "/db");
  TRIDENT_RETURN_IF_ERROR(FromRocks(status, "copy the database", directory.path()));

  StoreCopy copy;
  copy.held = folder;
  for (fs::recursive_directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    if (at->is_directory()) continue;
    copy.files.push_back({.name = fs::relative(at->path(), path).string(),
                          .path = at->path().string(),
                          .bytes = at->file_size()});
  }
  if (error) return FromErrno(error.value(), "list", path);
  std::sort(copy.files.begin(), copy.files.end(),
            [](const StoreCopy::File& a, const StoreCopy::File& b) { return a.name < b.name; });
  return copy;
}

}  // namespace trident
