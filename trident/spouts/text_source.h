// SPDX-License-Identifier: Apache-2.0
//
// TextSource: a text that is read in blocks.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_SOURCE_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_SOURCE_H_

#include <cstdint>
#include <optional>
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

class TextSource {
 public:
  virtual ~TextSource() = default;
  // By which people know it.
  virtual const std::string& path() const = 0;
  // Where it ends for good; nullopt: it may grow.
  virtual std::optional<uint64_t> end() const = 0;
  // How it is shared out among readers.
  virtual TextSplits splits() const = 0;
  // Up to `bytes` bytes from `offset` on; fewer only at the end.
  virtual StatusOr<FileBlock> Read(uint64_t offset, uint64_t bytes) = 0;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_SOURCE_H_
