// SPDX-License-Identifier: Apache-2.0
//
// TextLines: finds the lines of one reader's splits of a file. Lines are views into large blocks that
// slices share; no line is copied unless it must be repaired.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_LINES_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_LINES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "engine/column.h"
#include "engine/text_arena.h"
#include "trident/spouts/input_file.h"
#include "trident/spouts/text_position.h"

namespace trident {

// What becomes of a line that is no UTF-8.
enum class InvalidUtf8 : uint8_t {
  kFail,     // the batch fails, and the error names the file and the byte
  kReplace,  // each byte that fits nowhere becomes U+FFFD
  kSkip,     // the line is left out and counted
};
// What becomes of a line over the limit.
enum class LongLine : uint8_t { kFail, kSkip };

struct TextRules {
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kFail;
  LongLine long_line = LongLine::kFail;
  uint64_t line_bytes_max = kLineBytesMax;
};

// How often a rule other than failing was applied; an attempt that is made again counts again.
struct TextCounts {
  std::atomic<uint64_t> skipped_lines = 0;
  std::atomic<uint64_t> replaced_lines = 0;
};

// Lines for one slice.
class LineSlice {
 public:
  LineSlice(uint64_t rows_max, uint64_t bytes_max)
      : rows_max_(rows_max), bytes_max_(bytes_max), column_(std::make_shared<ColumnOf<Text>>()) {}

  // A slice may always have one line, however long.
  bool full() const { return rows() > 0 && (rows() >= rows_max_ || bytes_ >= bytes_max_); }
  size_t rows() const { return column_->size(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t rows_left() const { return rows_max_ > rows() ? rows_max_ - rows() : 0; }
  uint64_t bytes_left() const { return bytes_max_ > bytes_ ? bytes_max_ - bytes_ : 0; }

  void Append(Text line) {
    column_->Append(line);
    bytes_ += line.size() + 1;
  }
  void AppendCopy(std::string_view line) { Append(arena_.Copy(line)); }
  void Retain(const BufferRef& block) { column_->Retain(block); }
  std::shared_ptr<ColumnOf<Text>> Finish() {
    column_->Retain(arena_.Release());
    return column_;
  }

 private:
  const uint64_t rows_max_;
  const uint64_t bytes_max_;
  uint64_t bytes_ = 0;
  std::shared_ptr<ColumnOf<Text>> column_;
  TextArena arena_;
};

// Not thread-safe. Keeps the block read last; otherwise without memory of earlier calls.
class TextLines {
 public:
  // What one reader reads of a file.
  struct Share {
    std::shared_ptr<const InputFile> file;
    TextSplits splits;
    uint32_t reader = 0;
  };
  // `counts` outlives the object.
  TextLines(Share share, TextRules rules, uint64_t read_bytes, TextCounts* counts);

  // Adds the lines from `at` on until the slice is full, or the file or `end` is reached, and moves
  // `at` behind them. With `end`, what lies before it is read as if the file ended there.
  Status Read(uint64_t& at, std::optional<uint64_t> end, LineSlice& slice);
  // Is there a whole line at or after `at`? At the end of a followed file, a part of one is none.
  StatusOr<bool> HasLine(uint64_t at);
  // Lets go of the block if it lies before `at`.
  void Release(uint64_t at);

 private:
  struct Line {
    uint64_t offset = 0;
    std::string_view text;  // with its "\r", without its "\n"
  };
  enum class Found : uint8_t { kYes, kEnd };

  // Puts the first line start at or after the split start `at` into `at`. kEnd: there is none yet.
  StatusOr<Found> FindLineStart(uint64_t& at);
  // Adds lines from the block that start before `stop`.
  Status TakeLines(uint64_t& at, uint64_t stop, LineSlice& slice);
  // The line at `at` does not end in the block. Loads more, or deals with it as the last or a too long
  // one; kEnd: nothing more can be read now.
  StatusOr<Found> Extend(uint64_t& at, std::optional<uint64_t> end, LineSlice& slice);
  StatusOr<Found> SkipLongLine(uint64_t& at);
  Status AppendLines(LineSlice& slice);
  Status AppendChecked(const Line& line, LineSlice& slice);

  // The first newline at or after `from`; nullopt: there is none yet.
  StatusOr<std::optional<uint64_t>> FindNewline(uint64_t from);
  Status Load(uint64_t offset, uint64_t bytes);
  // Makes the block cover `at`; kEnd: the file ends there.
  StatusOr<Found> Cover(uint64_t at);
  bool follows() const { return share_.file->follow() == Follow::kYes; }

  const Share share_;
  const TextRules rules_;
  const uint64_t read_bytes_;
  TextCounts* const counts_;
  FileBlock block_;
  std::vector<Line> found_;  // scratch of TakeLines
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_LINES_H_
