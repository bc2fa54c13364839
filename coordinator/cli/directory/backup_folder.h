// SPDX-License-Identifier: Apache-2.0
//
// BackupFolder: a copy of a state directory that is being written, or was.
//
// A backup is a state directory at rest with one more file, BACKUP, which lists the others:
//
//   trident backup, format 1
//   <XXH3-64 of the bytes, 16 hexadecimal digits> <bytes> <name>    one line a file
//   end <XXH3-64 of all lines before>
//
// It is written beside its place, as NAME.partial, and renamed when every file is on the disk and
// was read again. So what stands at its place is whole.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_BACKUP_FOLDER_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_BACKUP_FOLDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "coordinator/serve/topology_control.h"

namespace trident {

// A folder that takes files and appears whole or not at all. Not thread-safe.
class BackupFolder {
 public:
  // Makes PATH.partial. FailedPrecondition: something is at `path`, other than an empty folder, or
  // at PATH.partial; NotFound: its parent is not there.
  static StatusOr<std::unique_ptr<BackupFolder>> Make(const std::string& path);
  ~BackupFolder();  // without Finish, nothing is left
  BackupFolder(const BackupFolder&) = delete;
  BackupFolder& operator=(const BackupFolder&) = delete;

  // The files that will come, in this order. InvalidArgument: names that are none of a state
  // directory's.
  Status Begin(std::vector<BackupFile> files);
  // Their next bytes.
  Status Add(std::string_view bytes);
  enum class List : uint8_t { kNone, kWrite };
  // Every file is whole, on the disk, and listed if it is to be. DataLoss: bytes are missing.
  Status Close(List list);
  // Where the files are until Publish.
  const std::string& partial() const { return partial_; }
  // Gives the folder its name.
  Status Publish();

  uint64_t files() const { return files_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  struct OpenFile;

  BackupFolder(std::string path, std::string partial);
  Status EndFile();
  Status OpenNext();
  Status MakeFoldersOf(const std::string& name);

  const std::string path_;
  const std::string partial_;
  bool is_published_ = false;
  std::vector<BackupFile> files_;
  std::vector<uint64_t> checksums_;  // of the files that are whole
  std::vector<std::string> folders_;
  std::unique_ptr<OpenFile> open_;
  uint64_t bytes_ = 0;
};

// The files that a backup lists. NotFound: there is no such folder; InvalidArgument: it is no
// backup; DataLoss: its list is damaged.
struct ListedFile {
  BackupFile file;
  uint64_t checksum = 0;
};
StatusOr<std::vector<ListedFile>> ReadBackupList(const std::string& path);

// Copies the files, which have a path each, into `to`. DataLoss: one is not as it is listed.
Status CopyListed(const std::vector<ListedFile>& files, BackupFolder& to);

// The files of a state directory at rest. The errors of RocksStore::Open with Access::kReadOnly; it
// is locked against writers as long as `held` lives.
StatusOr<BackupFiles> FilesAtRest(const std::string& dir);
// Copies them.
Status CopyFiles(const std::vector<BackupFile>& files, BackupFolder& to);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_BACKUP_FOLDER_H_
