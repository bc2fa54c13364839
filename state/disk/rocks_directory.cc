// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include <rocksdb/env.h>

#include "state/disk/high_water.h"
#include "state/disk/rocks_errors.h"
#include "state/disk/store_copy.h"
#include "state/disk/store_identity.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using Access = RocksStoreOptions::Access;

constexpr mode_t kOwnerOnly = 0700;
constexpr std::string_view kIsInUse = " is in use by ";
constexpr std::string_view kFormatText = "trident state directory, format ";

// Makes `path` for its owner only, in a parent that must be there.
Status MakeDir(const std::string& path) {
  if (::mkdir(path.c_str(), kOwnerOnly) == 0 || errno == EEXIST) return {};
  return FromErrno(errno, "make the directory", path);
}

std::string ParentOf(const std::string& dir) {
  fs::path path = fs::path(dir).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // of "dir/"
  const std::string parent = path.parent_path().string();
  return parent.empty() ? "." : parent;
}

Status SyncDirectory(const std::string& dir, rocksdb::Env& env) {
  std::unique_ptr<rocksdb::Directory> directory;
  rocksdb::Status synced = env.NewDirectory(dir, &directory);
  if (synced.ok()) synced = directory->Fsync();
  return FromRocks(synced, "sync the directory", dir);
}

Status CheckIsDirectory(const std::string& dir, Access access, rocksdb::Env& env) {
  struct stat found;
  if (::stat(dir.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return {};
    return InvalidArgument("expected a state directory at ", dir, ", found a file");
  }
  if (errno != ENOENT) return FromErrno(errno, "open the state directory", dir);
  if (access == Access::kReadOnly) {
    return NotFound("there is no state directory ", dir, ". Check the path");
  }
  const Status made = MakeDir(dir);
  if (made.code() == StatusCode::kNotFound) {
    return NotFound("cannot make the state directory ", dir,
                    ": its parent does not exist. Make the parent, or check the path");
  }
  TRIDENT_RETURN_IF_ERROR(made);
  // Without it a loss of power could take the directory with all that is synced in it. A parent
  // that may be written and not read cannot be synced.
  const std::string parent = ParentOf(dir);
  return ::access(parent.c_str(), R_OK) == 0 ? SyncDirectory(parent, env) : Status();
}

Status CheckPermissions(const std::string& dir, Access access) {
  const int needed = access == Access::kReadOnly ? R_OK | X_OK : R_OK | W_OK | X_OK;
  if (::access(dir.c_str(), needed) == 0) return {};
  const int error = errno;
  return FromErrno(
      error,
      access == Access::kReadOnly ? "read the state directory" : "write to the state directory",
      dir);
}

Status CheckIsNoBackup(const std::string& dir) {
  if (!fs::exists(Concat(dir, "/", kBackupFile))) return {};
  return FailedPrecondition(dir,
                            " is a backup, which no process may change. Make a state directory of "
                            "it with: trident restore ",
                            dir, " DIR");
}

// Who holds the lock, for the message only: readers leave no name, a writer writes its own. Where a
// reader would be let in, there are only readers.
std::string HolderOf(int fd) {
  if (::flock(fd, LOCK_SH | LOCK_NB) == 0) return "another process that reads it";
  char text[32];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  const std::string_view pid(text, n < 0 ? 0 : static_cast<size_t>(n));
  return pid.empty() ? "another process" : Concat("process ", pid.substr(0, pid.find('\n')));
}

// What a copy is made in until it is whole (coordinator/cli/directory/backup_folder.h). It has no
// lock, as every directory has on which a process ran.
Status CheckIsNoUnfinishedCopy(const std::string& dir) {
  std::error_code error;
  const fs::path path = fs::path(dir + "/").lexically_normal().parent_path();
  if (path.extension() != ".partial" || fs::exists(path / "LOCK", error)) return {};
  if (!fs::is_directory(path, error) || fs::is_empty(path, error)) return {};
  return FailedPrecondition(dir,
                            " is no state directory: a backup or restore that did not end left it, "
                            "or is at work in it. If none is, remove it and begin the copy again");
}

}  // namespace

Status InUseAdvice(const Status& error, std::string_view advice) {
  if (error.code() != StatusCode::kUnavailable) return error;
  if (Message(error).find(kIsInUse) == std::string_view::npos) return error;
  return Status(error.code(), Concat(Message(error), advice));
}

StatusOr<std::unique_ptr<RocksDirectory>> RocksDirectory::Enter(std::string dir, Access access,
                                                                rocksdb::Env& env) {
  TRIDENT_RETURN_IF_ERROR(CheckIsDirectory(dir, access, env));
  TRIDENT_RETURN_IF_ERROR(CheckPermissions(dir, access));
  if (access == Access::kReadWrite) TRIDENT_RETURN_IF_ERROR(CheckMayChange(dir));
  std::unique_ptr<RocksDirectory> entered(new RocksDirectory(std::move(dir), env));
  // Before the lock is made: not even that may stand in a directory that is not ours.
  if (access == Access::kReadWrite && !fs::exists(entered->db()) &&
      !fs::exists(entered->format())) {
    TRIDENT_RETURN_IF_ERROR(entered->CheckNoForeignFiles());
  }
  TRIDENT_RETURN_IF_ERROR(entered->Lock(access));
  return entered;
}

Status RocksDirectory::CheckMayChange(const std::string& dir) {
  TRIDENT_RETURN_IF_ERROR(CheckPermissions(dir, Access::kReadWrite));
  TRIDENT_RETURN_IF_ERROR(CheckIsNoUnfinishedCopy(dir));
  return CheckIsNoBackup(dir);
}

Status RocksDirectory::Remove(const std::string& dir) {
  // Whoever opens it meanwhile is told that it is in use.
  TRIDENT_ASSIGN_OR_RETURN(const auto entered,
                           Enter(dir, Access::kReadWrite, *rocksdb::Env::Default()));
  std::error_code error;
  fs::remove_all(dir, error);
  return error ? FromErrno(error.value(), "remove", dir) : Status();
}

RocksDirectory::~RocksDirectory() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

// flock, not fcntl: it belongs to this opening of the file, so that a second opening in the same
// process is refused too, and closing another descriptor does not release it.
Status RocksDirectory::Lock(Access access) {
  const bool writer = access == Access::kReadWrite;
  const std::string path = dir_ + "/LOCK";
  lock_fd_ = ::open(path.c_str(), (writer ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) {
    // A copy of a directory has no lock file and no writer either.
    if (!writer && errno == ENOENT) return {};
    return FromErrno(errno, "open the lock", path);
  }
  if (::flock(lock_fd_, (writer ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return FromErrno(errno, "lock", path);
    return Unavailable(dir_, kIsInUse, HolderOf(lock_fd_));
  }
  if (!writer) return {};
  const std::string pid = Concat(::getpid(), "\n");
  if (::ftruncate(lock_fd_, 0) != 0 || ::pwrite(lock_fd_, pid.data(), pid.size(), 0) < 0) {
    return FromErrno(errno, "write the lock", path);
  }
  return {};
}

Status RocksDirectory::CheckNoForeignFiles() const {
  constexpr std::string_view kOurs[] = {"FORMAT", "HIGHWATER", "LOCK",      "db.new",
                                        "ingest", "copies",    "lost+found"};
  std::error_code error;
  for (fs::directory_iterator at(dir_, error), end; at != end; at.increment(error)) {
    if (error) break;
    const std::string name = at->path().filename();
    if (std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs)) continue;
    return InvalidArgument("expected an empty directory or a state directory at ", dir_,
                           ", found '", name, "' in it. Choose another directory");
  }
  return error ? FromErrno(error.value(), "list", dir_) : Status();
}

Status RocksDirectory::CheckFormat() const {
  std::string text;
  if (!rocksdb::ReadFileToString(&env_, format(), &text).ok()) {
    return DataLoss(dir_,
                    " is damaged: its file FORMAT is missing or not readable. Restore the "
                    "directory from a backup");
  }
  uint32_t found = 0;
  const char* end = text.data() + text.size();
  if (text.starts_with(kFormatText)) {
    std::from_chars(text.data() + kFormatText.size(), end, found);
  }
  if (text == Concat(kFormatText, kStoreFormat, "\n")) return {};
  if (text == Concat(kFormatText, found, "\n") && found > kStoreFormat) {
    return FailedPrecondition(dir_, " has format ", found,
                              ", this program reads and writes format ", kStoreFormat,
                              ". Use the release that wrote it");
  }
  return DataLoss(dir_, " is damaged: its file FORMAT does not say '", kFormatText, kStoreFormat,
                  "'. Restore the directory from a backup");
}

StatusOr<RocksDirectory::Age> RocksDirectory::FindAge() const {
  if (fs::exists(db())) {
    TRIDENT_RETURN_IF_ERROR(CheckFormat());
    return Age::kMade;
  }
  if (fs::exists(format()) && !fs::exists(unfinished_db())) {
    return DataLoss(dir_,
                    " is damaged: its directory db is missing. Restore the directory from a "
                    "backup");
  }
  TRIDENT_RETURN_IF_ERROR(CheckNoForeignFiles());
  return Age::kNew;
}

Status RocksDirectory::BeginMaking() const {
  std::error_code error;
  // Of an earlier attempt. FORMAT goes first, for good: without db.new it would tell that a
  // database was there.
  if (fs::remove(format(), error)) TRIDENT_RETURN_IF_ERROR(SyncDir());
  if (error) return FromErrno(error.value(), "remove", format());
  fs::remove_all(unfinished_db(), error);
  if (error) return FromErrno(error.value(), "remove", unfinished_db());
  return MakeDir(unfinished_db());
}

Status RocksDirectory::FinishMaking() const {
  TRIDENT_RETURN_IF_ERROR(HighWater::Make(env_, high_water()));
  const std::string text = Concat(kFormatText, kStoreFormat, "\n");
  TRIDENT_RETURN_IF_ERROR(
      FromRocks(rocksdb::WriteStringToFile(&env_, text, format(), /*should_sync=*/true),
                "write FORMAT", dir_));
  TRIDENT_RETURN_IF_ERROR(SyncDir());
  TRIDENT_RETURN_IF_ERROR(FromRocks(env_.RenameFile(unfinished_db(), db()), "rename db.new", dir_));
  return SyncDir();
}

Status RocksDirectory::SyncDir() const { return SyncDirectory(dir_, env_); }

Status RocksDirectory::CheckPlace() const {
  struct stat found;
  const bool is_there = ::stat(db().c_str(), &found) == 0;
  const int error = is_there ? 0 : errno;
  // What cannot be looked at now need not be gone.
  if (!is_there && error != ENOENT && error != ENOTDIR) return {};
  if (is_there) {
    const Place place{found.st_dev, found.st_ino};
    if (!place_) place_ = place;
    if (place == *place_) return {};
  }
  std::error_code ignored;
  const bool is_empty = !is_there && fs::exists(dir_, ignored);
  return FailedPrecondition(
      "the state directory ", dir_, is_there ? " is another one now" : " is gone",
      ": it was moved or deleted while this process ran on it",
      is_empty ? ", and the directory that is there now has no database" : "",
      ". What was committed is where it was moved to. Put it back there, or restore a backup, and "
      "start again");
}

std::vector<std::string> RocksDirectory::Leftovers() const {
  std::vector<std::string> files;
  std::error_code error;  // a directory that cannot be listed has none
  for (fs::directory_iterator at(ingest(), error), end; at != end; at.increment(error)) {
    files.push_back(at->path());
  }
  return files;
}

Status RocksDirectory::ClearIngest() const {
  TRIDENT_RETURN_IF_ERROR(MakeDir(ingest()));
  for (const std::string& file : Leftovers()) {
    std::error_code error;
    fs::remove_all(file, error);
    if (error) return FromErrno(error.value(), "remove", file);
  }
  return {};
}

Status RocksDirectory::MakeCopies() const { return MakeDir(copies()); }

Status RocksDirectory::ClearCopies() const {
  std::error_code error;
  fs::remove_all(copies(), error);
  return error ? FromErrno(error.value(), "remove", copies()) : Status();
}

}  // namespace trident
