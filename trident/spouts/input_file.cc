// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace trident {
namespace {

Status SystemError(const std::string& path, std::string_view what, int error) {
  const std::string_view reason = std::strerror(error);
  if (error == ENOENT || error == ENOTDIR) {
    return NotFound("the input file \"", path, "\" is not there (", reason,
                    "); check the path, and that nothing moves or deletes it while it is read");
  }
  if (error == EACCES || error == EPERM) {
    return MakeStatus(StatusCode::kPermissionDenied, "the input file \"", path,
                      "\" may not be read (", reason, "); give this user the right to read it");
  }
  return Unavailable("cannot ", what, " the input file \"", path, "\": ", reason);
}

Status Truncated(const std::string& path, uint64_t from, uint64_t to) {
  return FailedPrecondition("the input file \"", path, "\" was truncated while it was read, from ",
                            from, " to ", to,
                            " bytes; restore it, or start anew with an empty state directory");
}

}  // namespace

// O_NONBLOCK matters only to what is no regular file: a pipe must be refused, not waited for.
class InputFile::Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool ok() const { return fd_ >= 0; }
  StatusOr<Identity> Identify(const std::string& path) const {
    struct stat found;
    if (::fstat(fd_, &found) != 0) return SystemError(path, "look at", errno);
    if (!S_ISREG(found.st_mode)) {
      return InvalidArgument("\"", path, "\" is not a regular file; only these can be read again");
    }
    constexpr int64_t kNanosPerSecond = 1'000'000'000;
    return Identity{found.st_dev, found.st_ino, static_cast<uint64_t>(found.st_size),
                    found.st_mtim.tv_sec * kNanosPerSecond + found.st_mtim.tv_nsec};
  }
  // How many bytes came: fewer only at the end of the file.
  StatusOr<size_t> Read(const std::string& path, uint64_t offset, std::span<char> to) const {
    size_t got = 0;
    while (got < to.size()) {
      const ssize_t n =
          ::pread(fd_, to.data() + got, to.size() - got, static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return SystemError(path, "read", errno);
      if (n == 0) break;
      got += static_cast<size_t>(n);
    }
    return got;
  }

 private:
  const int fd_;
};

InputFile::InputFile(std::string path, Follow follow, const Identity& identity)
    : path_(std::move(path)), follow_(follow), identity_(identity), size_seen_(identity.size) {}

StatusOr<InputFile::Identity> InputFile::Identify(const std::string& path) {
  const Descriptor file(path);
  if (!file.ok()) return SystemError(path, "open", errno);
  return file.Identify(path);
}

StatusOr<std::shared_ptr<const InputFile>> InputFile::Open(const std::string& path, Follow follow) {
  TRIDENT_ASSIGN_OR_RETURN(const Identity identity, Identify(path));
  return std::shared_ptr<const InputFile>(new InputFile(path, follow, identity));
}

StatusOr<uint64_t> InputFile::CheckSame(const Identity& now, uint64_t seen) const {
  if (now.device != identity_.device || now.inode != identity_.inode) {
    return FailedPrecondition(
        "the input file \"", path_,
        "\" was replaced by another while it was read; put the first one back, "
        "or start anew with an empty state directory");
  }
  if (now.size < seen) return Truncated(path_, seen, now.size);
  while (now.size > seen && !size_seen_.compare_exchange_weak(seen, now.size)) {
  }
  if (follow_ == Follow::kYes) return now.size;
  // A file that only grew is the same as far as it is read; who writes may be between setting the
  // time and the size, which the next look will show.
  if (now.size == identity_.size && now.modified_nanos != identity_.modified_nanos) {
    return FailedPrecondition("the input file \"", path_,
                              "\" was written to while it was read; leave it alone, or start anew "
                              "with an empty state directory");
  }
  return identity_.size;
}

StatusOr<uint64_t> InputFile::SizeNow() const {
  if (follow_ == Follow::kNo) return size_at_open();
  const uint64_t seen = size_seen();
  TRIDENT_ASSIGN_OR_RETURN(const Identity now, Identify(path_));
  return CheckSame(now, seen);
}

StatusOr<FileBlock> InputFile::Read(uint64_t offset, uint64_t bytes) const {
  const uint64_t seen = size_seen();
  const Descriptor file(path_);
  if (!file.ok()) return SystemError(path_, "open", errno);
  TRIDENT_ASSIGN_OR_RETURN(const Identity now, file.Identify(path_));
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t end, CheckSame(now, seen));
  const size_t want = std::min(bytes, end - std::min(offset, end));
  std::shared_ptr<char[]> buffer(new char[want]);  // not zeroed: pread fills it
  TRIDENT_ASSIGN_OR_RETURN(const size_t got, file.Read(path_, offset, {buffer.get(), want}));
  if (got < want) return Truncated(path_, end, offset + got);
  return FileBlock{offset, {buffer.get(), got}, buffer, offset + got >= end};
}

}  // namespace trident
