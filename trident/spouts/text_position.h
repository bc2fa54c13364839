// SPDX-License-Identifier: Apache-2.0
//
// The positions that say how far each reader of a text file has come.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_POSITION_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_POSITION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/position_form.h"
#include "base/source.h"
#include "base/status.h"
#include "trident/spouts/open_file.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {

// Where a reader stands: `offset` is where the next line starts, or the start of a split whose
// first line has not been looked for. Beside it stands what must still be true when the program
// comes back: how the file was shared out, what was read of it, and where it was.
struct TextPosition {
  uint64_t offset = 0;
  TextSplits splits;
  FileMark mark;
  FileId file;  // {} if an earlier version wrote the position

  // "1048576/4x8388608/4096-9f86d081884c7d65/1048576:1024-d081884c7d659f86/801:2c41a": offset,
  // readers x split bytes, head bytes-hash, tail end:bytes-hash, device:inode. Of a compressed file
  // follows "/z4711-9f86d081:1048576:1048570": its bytes and the hash of the last of them, and how
  // long its text is and its whole lines. Earlier versions wrote the first three parts only.
  Position ToPosition() const;
  // DataLoss when `position` is none of a text file's; `file` names it in the message.
  static StatusOr<TextPosition> Parse(const Position& position, std::string_view file);
  // FailedPrecondition if `now` shares the file out otherwise than the position was made for.
  Status CheckSplits(const TextSplits& now, std::string_view file) const;
  // What Parse takes, for those who have no spout; a little wider.
  static PositionForm Form();
};

// What a source partition reads: the splits of one reader in the `number`-th file that stood under
// a path, from 1 on.
struct TextPartition {
  std::string path;
  uint32_t number = 1;
  uint32_t reader = 0;

  // "/logs/app#0", and for later files of that path "/logs/app#0@2".
  std::string ToString() const;
  static std::optional<TextPartition> Parse(const std::string& name);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_POSITION_H_
