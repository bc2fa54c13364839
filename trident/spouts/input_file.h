// SPDX-License-Identifier: Apache-2.0
//
// InputFile: a file that is read in pieces over a long time, and must stay the same file all along.
// Every read opens it anew and compares, so that no descriptor is held (a directory may have many
// files) and a file that was replaced or cut short is noticed.
#ifndef TRIDENT_TRIDENT_SPOUTS_INPUT_FILE_H_
#define TRIDENT_TRIDENT_SPOUTS_INPUT_FILE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "engine/data/column.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {

// Some bytes of a file, shared with the views into them.
struct FileBlock {
  uint64_t offset = 0;
  std::string_view bytes;
  BufferRef owner;
  bool at_end = false;  // nothing lies behind it, for now

  uint64_t end() const { return offset + bytes.size(); }
  bool Covers(uint64_t at) const { return offset <= at && at < end(); }
  std::string_view From(uint64_t at) const { return bytes.substr(at - offset); }
};

// Thread-safe.
class InputFile {
 public:
  // NotFound, PermissionDenied or InvalidArgument (not a regular file) name the path.
  static StatusOr<std::shared_ptr<const InputFile>> Open(const std::string& path, Follow follow);

  const std::string& path() const { return path_; }
  Follow follow() const { return follow_; }
  // How long it was when it was opened, and the longest that it has been seen since.
  uint64_t size_at_open() const { return identity_.size; }
  uint64_t size_seen() const { return size_seen_.load(std::memory_order_relaxed); }

  // How long it is now; of a file that is not followed, how long it was when it was opened. The
  // errors of Read.
  StatusOr<uint64_t> SizeNow() const;

  // Up to `bytes` bytes from `offset` on; fewer only at the end. FailedPrecondition: the file is
  // not the one that was opened, or is shorter than it was.
  StatusOr<FileBlock> Read(uint64_t offset, uint64_t bytes) const;

 private:
  struct Identity {
    uint64_t device = 0;
    uint64_t inode = 0;
    uint64_t size = 0;
    int64_t modified_nanos = 0;
  };
  class Descriptor;

  InputFile(std::string path, Follow follow, const Identity& identity);
  static StatusOr<Identity> Identify(const std::string& path);
  // How far a file that is found to be `now` is read. `seen` is size_seen() from before it was
  // looked at: another reader may have seen it grow since.
  StatusOr<uint64_t> CheckSame(const Identity& now, uint64_t seen) const;

  const std::string path_;
  const Follow follow_;
  const Identity identity_;
  mutable std::atomic<uint64_t> size_seen_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_INPUT_FILE_H_
