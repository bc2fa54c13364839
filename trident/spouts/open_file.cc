// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
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

StatusOr<FileFacts> FactsIn(const struct stat& found, const std::string& path) {
  if (!S_ISREG(found.st_mode)) {
    return InvalidArgument("\"", path, "\" is not a regular file; only these can be read again. ",
                           "A TextPipeSpout reads a pipe, as a stream of its own");
  }
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  return FileFacts{.id = {found.st_dev, found.st_ino},
                   .size = static_cast<uint64_t>(found.st_size),
                   .modified_nanos = found.st_mtim.tv_sec * kNanosPerSecond + found.st_mtim.tv_nsec,
                   .changed_nanos = found.st_ctim.tv_sec * kNanosPerSecond + found.st_ctim.tv_nsec,
                   .links = found.st_nlink};
}

}  // namespace

StatusOr<FileFacts> FactsOf(const std::string& path) {
  struct stat found;
  if (::stat(path.c_str(), &found) != 0) return SystemError(path, "look at", errno);
  return FactsIn(found, path);
}

// O_NONBLOCK matters only to what is no regular file: a pipe must be refused, not waited for.
StatusOr<std::shared_ptr<const OpenFile>> OpenFile::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError(path, "open", errno);
  std::shared_ptr<const OpenFile> file(new OpenFile(path, fd));
  TRIDENT_ASSIGN_OR_RETURN(const FileFacts facts, file->Facts());
  if (facts.size > 0) return file;
  // The system makes some files as they are read, as in /proc. They have no size.
  char first = 0;
  const bool has_bytes = file->ReadRaw(0, {&first, 1}).value_or(0) > 0;
  TRIDENT_ASSIGN_OR_RETURN(const FileFacts after, file->Facts());
  if (!has_bytes || after.size > 0) return file;
  return InvalidArgument(
      "\"", path, "\" has bytes, but its size is 0: the system makes it as it is ",
      "read, so it cannot be read again. A TextPipeSpout reads it, as a stream of ",
      "its own; or read a copy");
}

OpenFile::~OpenFile() { ::close(fd_); }

StatusOr<FileFacts> OpenFile::Facts() const {
  struct stat found;
  if (::fstat(fd_, &found) != 0) return SystemError(path_, "look at", errno);
  return FactsIn(found, path_);
}

StatusOr<size_t> OpenFile::Read(uint64_t offset, std::span<char> to) const {
  const std::shared_ptr<EncodedText> encoded = text();
  if (encoded == nullptr) return ReadRaw(offset, to);
  return encoded->Read([this](uint64_t at, std::span<char> raw) { return ReadRaw(at, raw); },
                       offset, to);
}

StatusOr<size_t> OpenFile::ReadRaw(uint64_t offset, std::span<char> to) const {
  size_t got = 0;
  while (got < to.size()) {
    const ssize_t n =
        ::pread(fd_, to.data() + got, to.size() - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(path_, "read", errno);
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  return got;
}

TextEncoding OpenFile::EncodingNow() const {
  char head[kEncodingBytes];
  return EncodingOf({head, ReadRaw(0, head).value_or(0)});
}

TextEncoding OpenFile::encoding() const {
  TextEncoding known = encoding_;
  if (known != TextEncoding::kUndecided) return known;
  known = EncodingNow();
  // All who look at once see the same, or one of them sees more.
  if (known != TextEncoding::kUndecided) encoding_ = known;
  return known;
}

bool OpenFile::HasOtherEncodingNow() const {
  const TextEncoding known = encoding_;
  const TextEncoding now = EncodingNow();
  return known != TextEncoding::kUndecided && now != TextEncoding::kUndecided && now != known;
}

std::shared_ptr<EncodedText> OpenFile::text() const {
  const TextEncoding found = encoding();
  if (!IsPacked(found) && !IsUtf16(found)) return nullptr;
  MutexLock lock(mutex_);
  if (text_ == nullptr) text_ = NewEncodedText(found, path_);
  return text_;
}

void OpenFile::Adopt(std::shared_ptr<EncodedText> text) const {
  if (text == nullptr) return;
  MutexLock lock(mutex_);
  text_ = std::move(text);
}

StatusOr<std::optional<TextExtent>> OpenFile::Measure(uint64_t budget) const {
  return text()->Measure([this](uint64_t at, std::span<char> raw) { return ReadRaw(at, raw); },
                         budget);
}

StatusOr<bool> OpenFile::Approach(uint64_t offset, uint64_t budget) const {
  return text()->Approach([this](uint64_t at, std::span<char> raw) { return ReadRaw(at, raw); },
                          offset, budget);
}

StatusOr<uint64_t> OpenFile::EndHash(uint64_t file_bytes) const {
  char end[kTextTailBytes];
  const uint64_t size = std::min<uint64_t>(sizeof end, file_bytes);
  TRIDENT_ASSIGN_OR_RETURN(const size_t got, ReadRaw(file_bytes - size, {end, size}));
  return HashBytes({end, got});
}

StatusOr<PackedMark> OpenFile::Packed() const {
  TRIDENT_ASSIGN_OR_RETURN(const FileFacts facts, Facts());
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t hash, EndHash(facts.size));
  return PackedMark{facts.size, hash, text()->extent().value_or(TextExtent())};
}

bool OpenFile::IsPackedAs(const PackedMark& mark) const {
  if (mark.file_bytes == 0 || !is_packed()) return false;
  const auto facts = Facts();
  if (!facts.ok() || facts->size != mark.file_bytes) return false;
  const auto hash = EndHash(mark.file_bytes);
  return hash.ok() && *hash == mark.end_hash;
}

bool OpenFile::Holds(const FileMark& mark) const {
  if (IsPackedAs(mark.packed)) return HoldsBytes(0, mark.head_bytes, mark.head_hash);
  return HoldsBytes(0, mark.head_bytes, mark.head_hash) &&
         HoldsBytes(mark.tail_end - mark.tail_bytes, mark.tail_bytes, mark.tail_hash);
}

bool OpenFile::HoldsBytes(uint64_t offset, uint64_t bytes, uint64_t hash) const {
  char buffer[kTextHeadBytes];
  if (bytes > sizeof buffer) return false;
  const StatusOr<size_t> got = Read(offset, {buffer, bytes});
  return got.ok() && *got == bytes && HashBytes({buffer, bytes}) == hash;
}

}  // namespace trident
