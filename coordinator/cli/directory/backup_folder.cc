// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/backup_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/hash.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "state/disk/store_copy.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHead = "trident backup, format 1\n";
constexpr std::string_view kHeadOfAny = "trident backup, format ";
constexpr mode_t kOwnerOnly = 0700;
constexpr mode_t kFileOwnerOnly = 0600;
constexpr size_t kReadBytes = 1024 * 1024;

// What the system says, and what to do.
Status Failed(int error, std::string_view action, const std::string& path) {
  const std::string what = Concat("cannot ", action, " ", path, ": ", std::strerror(error));
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ResourceExhausted(what, ". Free space on its disk, or choose another place");
    case ENOENT:
      return NotFound(what, ". Make its parent first, or check the path");
    case EACCES:
    case EPERM:
    case EROFS:
      return FailedPrecondition(what, ". Choose a place that this user may write to");
    default:
      return FailedPrecondition(what);
  }
}

// A file of a state directory, and nothing that leads out of it: the name may come from a network.
bool IsNameInDirectory(std::string_view name) {
  const auto is_part = [](std::string_view part) {
    return !part.empty() && part.front() != '.' &&
           std::all_of(part.begin(), part.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '-' || c == '_';
           });
  };
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return name == "FORMAT" || name == "HIGHWATER";
  const std::string_view folder = name.substr(0, slash);
  return (folder == "db" || folder == "ingest") && is_part(name.substr(slash + 1));
}

Status SyncFolder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failed(errno, "open", path);
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error == 0 ? Status() : Failed(error, "sync", path);
}

std::string ParentOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// The state directory or backup that the path lies in; "" of none.
std::string DirectoryAround(const std::string& path) {
  std::error_code error;
  fs::path at = fs::absolute(path, error).lexically_normal();
  while (!error && at.has_parent_path() && at != at.parent_path()) {
    at = at.parent_path();
    if (fs::exists(at / "FORMAT", error) && fs::exists(at / "db" / "CURRENT", error)) return at;
  }
  return "";
}

std::string Hex(uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}
bool FromHex(std::string_view text, uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return text.size() == 16 && error == std::errc() && end == text.data() + text.size();
}

// Calls take(bytes) for all bytes of the file.
template <class Take>
Status ReadWhole(const std::string& path, Take take) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    if (error == ENOENT) return DataLoss("the file ", path, " is missing");
    return Failed(error, "open", path);
  }
  std::string buffer(kReadBytes, '\0');
  Status status;
  while (status.ok()) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = Failed(errno, "read", path);
    if (n <= 0) break;
    status = take(std::string_view(buffer.data(), static_cast<size_t>(n)));
  }
  ::close(fd);
  return status;
}

}  // namespace

struct BackupFolder::OpenFile {
  OpenFile() { XXH3_64bits_reset(&hash); }
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  std::string path;
  int fd = -1;
  uint64_t left = 0;
  XXH3_state_t hash;
};

BackupFolder::BackupFolder(std::string path, std::string partial)
    : path_(std::move(path)), partial_(std::move(partial)) {}

StatusOr<std::unique_ptr<BackupFolder>> BackupFolder::Make(const std::string& path) {
  std::string place = fs::path(path).lexically_normal().string();
  while (place.size() > 1 && place.back() == '/') place.pop_back();
  std::error_code error;
  if (path.empty() || place == "." || place == "/") {
    return InvalidArgument("expected the path of a folder to make, found '", path, "'");
  }
  // A copy gets its name by a rename, which does not follow a link.
  if (fs::is_symlink(place, error)) {
    return FailedPrecondition(place, " is a symbolic link; nothing was changed. ",
                              "Give the place that it leads to, or remove it first");
  }
  if (fs::exists(place, error) && !(fs::is_directory(place, error) && fs::is_empty(place, error))) {
    return FailedPrecondition(place, " is there and is no empty folder; nothing was changed. ",
                              "Choose another place, or remove it first");
  }
  if (const std::string around = DirectoryAround(place); !around.empty()) {
    return FailedPrecondition(place, " lies in ", around,
                              ", a state directory or a backup; nothing ",
                              "was changed. Choose a place outside of it");
  }
  std::string partial = place + ".partial";
  if (::mkdir(partial.c_str(), kOwnerOnly) != 0) {
    if (errno != EEXIST) return Failed(errno, "make the folder", partial);
    return FailedPrecondition(partial,
                              " is there, left by a copy that did not end, or of one that ",
                              "is under way. If none is, remove it");
  }
  return std::unique_ptr<BackupFolder>(new BackupFolder(std::move(place), std::move(partial)));
}

BackupFolder::~BackupFolder() {
  if (is_published_) return;
  std::error_code error;  // what cannot be removed is found and named by the next copy
  fs::remove_all(partial_, error);
}

Status BackupFolder::Begin(std::vector<BackupFile> files) {
  files_ = std::move(files);
  std::vector<std::string> names;
  for (const BackupFile& file : files_) {
    if (!IsNameInDirectory(file.name)) {
      return InvalidArgument("expected files of a state directory, found '", file.name, "'");
    }
    names.push_back(file.name);
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
    return InvalidArgument("expected each file once, found one twice");
  }
  for (const std::string_view needed : {"FORMAT", "db/CURRENT"}) {
    if (!std::binary_search(names.begin(), names.end(), needed)) {
      return InvalidArgument("expected the files of a state directory, found none named ", needed);
    }
  }
  return OpenNext();
}

Status BackupFolder::MakeFoldersOf(const std::string& name) {
  const std::string folder = fs::path(name).parent_path().string();
  if (folder.empty() || std::find(folders_.begin(), folders_.end(), folder) != folders_.end()) {
    return {};
  }
  const std::string path = partial_ + "/" + folder;
  if (::mkdir(path.c_str(), kOwnerOnly) != 0) return Failed(errno, "make the folder", path);
  folders_.push_back(folder);
  return {};
}

// Opens the next file that has bytes; makes those before it that have none.
Status BackupFolder::OpenNext() {
  while (open_ == nullptr && checksums_.size() < files_.size()) {
    const BackupFile& file = files_[checksums_.size()];
    TRIDENT_RETURN_IF_ERROR(MakeFoldersOf(file.name));
    open_ = std::make_unique<OpenFile>();
    open_->path = partial_ + "/" + file.name;
    open_->left = file.bytes;
    open_->fd =
        ::open(open_->path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileOwnerOnly);
    if (open_->fd < 0) return Failed(errno, "make", open_->path);
    if (file.bytes == 0) TRIDENT_RETURN_IF_ERROR(EndFile());
  }
  return {};
}

Status BackupFolder::EndFile() {
  if (::fsync(open_->fd) != 0) return Failed(errno, "sync", open_->path);
  checksums_.push_back(XXH3_64bits_digest(&open_->hash));
  open_.reset();
  return {};
}

Status BackupFolder::Add(std::string_view bytes) {
  while (!bytes.empty()) {
    if (open_ == nullptr) return DataLoss("more bytes came than the files have");
    const std::string_view now = bytes.substr(0, std::min<uint64_t>(bytes.size(), open_->left));
    const ssize_t n = ::write(open_->fd, now.data(), now.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed(n == 0 ? ENOSPC : errno, "write to", open_->path);
    const auto written = static_cast<size_t>(n);
    XXH3_64bits_update(&open_->hash, now.data(), written);
    open_->left -= written;
    bytes_ += written;
    bytes.remove_prefix(written);
    if (open_->left > 0) continue;
    TRIDENT_RETURN_IF_ERROR(EndFile());
    TRIDENT_RETURN_IF_ERROR(OpenNext());
  }
  return {};
}

Status BackupFolder::Close(List list) {
  if (files_.empty()) return DataLoss("no file came");
  if (checksums_.size() < files_.size()) {
    return DataLoss("the bytes end within ", files_[checksums_.size()].name, ", ", open_->left,
                    " before its end");
  }
  if (list == List::kWrite) {
    std::string text(kHead);
    for (size_t i = 0; i < files_.size(); ++i) {
      text += Concat(Hex(checksums_[i]), " ", files_[i].bytes, " ", files_[i].name, "\n");
    }
    text += Concat("end ", Hex(HashBytes(text)), "\n");
    files_.push_back({.name = std::string(kBackupFile),
                      .path = {},
                      .bytes = static_cast<uint64_t>(text.size())});
    TRIDENT_RETURN_IF_ERROR(OpenNext());
    TRIDENT_RETURN_IF_ERROR(Add(text));
  }
  for (const std::string& folder : folders_) {
    TRIDENT_RETURN_IF_ERROR(SyncFolder(partial_ + "/" + folder));
  }
  return SyncFolder(partial_);
}

Status BackupFolder::Publish() {
  // Over an empty folder, too. What somebody has put there meanwhile stays.
  if (::rename(partial_.c_str(), path_.c_str()) != 0) return Failed(errno, "rename to", path_);
  is_published_ = true;
  return SyncFolder(ParentOf(path_));
}

StatusOr<std::vector<ListedFile>> ReadBackupList(const std::string& path) {
  const std::string list = Concat(path, "/", kBackupFile);
  std::error_code error;
  if (!fs::exists(path, error)) return NotFound("there is no backup ", path, ". Check the path");
  if (!fs::exists(list, error) && fs::path(path).extension() == ".partial") {
    return InvalidArgument("expected a backup, found ", path,
                           ", which was left by a copy that did not end. Use another backup");
  }
  if (!fs::exists(list, error)) {
    return InvalidArgument("expected a backup at ", path, ", found no file ", kBackupFile,
                           " in it. A backup is made with: trident backup TARGET");
  }
  std::ifstream in(list, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!text.starts_with(kHead) && text.starts_with(kHeadOfAny)) {
    return FailedPrecondition(path, " is a backup of a newer release; use that release");
  }
  const size_t end = text.rfind("end ");
  uint64_t checksum = 0;
  if (!text.starts_with(kHead) || end == std::string::npos || text.size() != end + 21 ||
      !FromHex(std::string_view(text).substr(end + 4, 16), checksum) ||
      HashBytes(std::string_view(text).substr(0, end)) != checksum) {
    return DataLoss("the list ", list, " is damaged. Use another backup");
  }
  std::vector<ListedFile> files;
  std::string_view left = std::string_view(text).substr(kHead.size(), end - kHead.size());
  while (!left.empty()) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(line.size() + 1);
    ListedFile file;
    const size_t space = line.find(' ', 17);
    const char* const stop = line.data() + std::min(space, line.size());
    if (space == std::string_view::npos || !FromHex(line.substr(0, 16), file.checksum) ||
        std::from_chars(line.data() + 17, stop, file.file.bytes).ptr != stop) {
      return DataLoss("the list ", list, " is damaged. Use another backup");
    }
    file.file.name = std::string(line.substr(space + 1));
    file.file.path = Concat(path, "/", file.file.name);
    files.push_back(std::move(file));
  }
  return files;
}

Status CopyListed(const std::vector<ListedFile>& files, BackupFolder& to) {
  for (const ListedFile& listed : files) {
    XXH3_state_t hash;
    XXH3_64bits_reset(&hash);
    uint64_t bytes = 0;
    const auto differs = [&] {
      return DataLoss("the file ", listed.file.path, " is not as the backup lists it: expected ",
                      listed.file.bytes, " bytes with the checksum ", Hex(listed.checksum),
                      ". Use another backup");
    };
    TRIDENT_RETURN_IF_ERROR(ReadWhole(listed.file.path, [&](std::string_view part) -> Status {
      XXH3_64bits_update(&hash, part.data(), part.size());
      bytes += part.size();
      return bytes > listed.file.bytes ? differs() : to.Add(part);
    }));
    if (bytes != listed.file.bytes || XXH3_64bits_digest(&hash) != listed.checksum)
      return differs();
  }
  return {};
}

StatusOr<BackupFiles> FilesAtRest(const std::string& dir) {
  TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<RocksStore> store,
                           RestingDirectory::OpenFiles(
                               dir, "`trident backup TARGET` without --from copies what it holds"));
  BackupFiles out{.files = {}, .held = std::shared_ptr<const RocksStore>(std::move(store))};
  std::error_code error;
  for (fs::recursive_directory_iterator at(dir, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = fs::relative(at->path(), dir).string();
    if (!at->is_regular_file() || !IsNameInDirectory(name) || name == "db/LOCK") continue;
    out.files.push_back({.name = name, .path = at->path().string(), .bytes = at->file_size()});
  }
  if (error) return Failed(error.value(), "list", dir);
  return out;
}

Status CopyFiles(const std::vector<BackupFile>& files, BackupFolder& to) {
  for (const BackupFile& file : files) {
    TRIDENT_RETURN_IF_ERROR(
        ReadWhole(file.path, [&](std::string_view part) { return to.Add(part); }));
  }
  return {};
}

}  // namespace trident
