// SPDX-License-Identifier: Apache-2.0
//
// OpenFile: a regular file that is open, and the marks by which its content is known again.
#ifndef TRIDENT_TRIDENT_SPOUTS_OPEN_FILE_H_
#define TRIDENT_TRIDENT_SPOUTS_OPEN_FILE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/status.h"

namespace trident {

// The name that the system gives a file. It may have another one after a reboot or on another disk,
// and another file may get it later: content decides.
struct FileId {
  uint64_t device = 0;
  uint64_t inode = 0;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

// So many of the first bytes of a file, and of the bytes that were read last, are remembered.
inline constexpr uint64_t kTextHeadBytes = 4096;
inline constexpr uint64_t kTextTailBytes = 1024;

// What was read of a file: its first bytes, and those before the place that was read up to.
struct FileMark {
  uint64_t head_bytes = 0;
  uint64_t head_hash = HashBytes("");
  uint64_t tail_end = 0;
  uint64_t tail_bytes = 0;
  uint64_t tail_hash = HashBytes("");

  bool IsEmpty() const { return head_bytes == 0 && tail_bytes == 0; }
  // A file that holds the mark has at least so many bytes.
  uint64_t LeastBytes() const { return head_bytes > tail_end ? head_bytes : tail_end; }
  friend bool operator==(const FileMark&, const FileMark&) = default;
};

// What the system says of a file.
struct FileFacts {
  FileId id;
  uint64_t size = 0;
  int64_t modified_nanos = 0;
  int64_t changed_nanos = 0;
  uint64_t links = 0;
  friend bool operator==(const FileFacts&, const FileFacts&) = default;
};

// NotFound, PermissionDenied, Unavailable or InvalidArgument (no regular file) name `path`.
StatusOr<FileFacts> FactsOf(const std::string& path);

// Thread-safe. Errors are those of FactsOf.
class OpenFile {
 public:
  static StatusOr<std::shared_ptr<const OpenFile>> Open(const std::string& path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const std::string& path() const { return path_; }
  StatusOr<FileFacts> Facts() const;
  // How many bytes came: fewer only at the end of the file.
  StatusOr<size_t> Read(uint64_t offset, std::span<char> to) const;
  // Does the file hold what the mark remembers? An unreadable file does not.
  bool Holds(const FileMark& mark) const;

 private:
  OpenFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  bool HoldsBytes(uint64_t offset, uint64_t bytes, uint64_t hash) const;

  const std::string path_;  // for messages
  const int fd_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_OPEN_FILE_H_
