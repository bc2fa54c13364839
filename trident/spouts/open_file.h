// SPDX-License-Identifier: Apache-2.0
//
// OpenFile: a regular file that is open, and the marks by which its content is known again.
#ifndef TRIDENT_TRIDENT_SPOUTS_OPEN_FILE_H_
#define TRIDENT_TRIDENT_SPOUTS_OPEN_FILE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/status.h"
#include "trident/spouts/encoded_text.h"

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

// A compressed file as a whole. Its last bytes hold check sums of all of it, so who finds them
// again need not unpack it to know its text and where that ends.
struct PackedMark {
  uint64_t file_bytes = 0;  // 0: the file is not compressed
  uint64_t end_hash = 0;    // of its last kTextTailBytes
  TextExtent extent;

  friend bool operator==(const PackedMark& a, const PackedMark& b) {
    return a.file_bytes == b.file_bytes && a.end_hash == b.end_hash;
  }
};

// What was read of a file: its first bytes, and those before the place that was read up to. These
// are bytes of the text, so a mark holds for a file and its compressed copy.
struct FileMark {
  uint64_t head_bytes = 0;
  uint64_t head_hash = HashBytes("");
  uint64_t tail_end = 0;
  uint64_t tail_bytes = 0;
  uint64_t tail_hash = HashBytes("");
  PackedMark packed;

  bool IsEmpty() const { return head_bytes == 0 && tail_bytes == 0; }
  // A file that holds the mark has at least so many bytes.
  uint64_t LeastBytes() const { return head_bytes > tail_end ? head_bytes : tail_end; }
  friend bool operator==(const FileMark&, const FileMark&) = default;
};

// What the system says of a file; its size is that of the file, not of a text that it encodes.
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
  // How many bytes of the text came: fewer only at its end.
  StatusOr<size_t> Read(uint64_t offset, std::span<char> to) const;
  // Does the text hold what the mark remembers? An unreadable file does not. A compressed one that
  // the mark does not know as a whole is unpacked up to there.
  bool Holds(const FileMark& mark) const;

  // kUndecided becomes another one when the file has grown.
  TextEncoding encoding() const;
  bool is_packed() const { return IsPacked(encoding()); }
  // The file has other first bytes now.
  bool HasOtherEncodingNow() const;
  // As those of EncodedText; only for a file whose bytes are not the text.
  StatusOr<std::optional<TextExtent>> Measure(uint64_t budget) const;
  StatusOr<bool> Approach(uint64_t offset, uint64_t budget) const;
  // Null if the bytes are the text.
  std::shared_ptr<EncodedText> text() const;
  // Goes on with what is known of the text from when the file was open before.
  void Adopt(std::shared_ptr<EncodedText> text) const;

  // Of a compressed file that has been measured.
  StatusOr<PackedMark> Packed() const;
  // Is it, as a whole, the file of the mark?
  bool IsPackedAs(const PackedMark& mark) const;

 private:
  OpenFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  StatusOr<size_t> ReadRaw(uint64_t offset, std::span<char> to) const;
  bool HoldsBytes(uint64_t offset, uint64_t bytes, uint64_t hash) const;
  TextEncoding EncodingNow() const;
  StatusOr<uint64_t> EndHash(uint64_t file_bytes) const;

  const std::string path_;  // for messages
  const int fd_;
  mutable std::atomic<TextEncoding> encoding_ = TextEncoding::kUndecided;
  mutable Mutex mutex_;
  mutable std::shared_ptr<EncodedText> text_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_OPEN_FILE_H_
