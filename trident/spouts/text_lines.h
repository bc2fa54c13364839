// SPDX-License-Identifier: Apache-2.0
//
// TextLines: finds the lines of one reader's splits of a file. Lines are views into large blocks
// that slices share; no line is copied unless it must be repaired.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_LINES_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_LINES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/data/column.h"
#include "engine/data/text_arena.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/spouts/text_source.h"

namespace trident {

// The rules, for Spout::Rules.
std::string RulesText(const TextRules& rules);

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
    std::shared_ptr<TextSource> source;
    uint32_t reader = 0;
  };
  // `counts` outlives the object.
  TextLines(Share share, TextRules rules, uint64_t read_bytes, TextCounts* counts);

  // Adds the lines from `at` on until the slice is full, or the file or `end` is reached, and moves
  // `at` behind them, into a split of this reader. With `end`, what lies before it is read as if
  // the file ended there.
  Status Read(uint64_t& at, std::optional<uint64_t> end, LineSlice& slice);
  // Would Read get any further from `at` on? At the end of a followed file, a part of a line is
  // none.
  StatusOr<bool> HasMore(uint64_t at);
  // Lets go of the block if it lies before `at`.
  void Release(uint64_t at);
  // Where the bytes end that Read looked at last, on its way to `at`: `at`, or before the splits
  // of others.
  uint64_t read_to() const { return read_to_; }
  // Set if Read stopped at a line that the rules refuse, which is the only row of the slice.
  const Status& refused() const { return refused_; }
  // The bytes [from, to) of the file, from the block if it has them.
  StatusOr<std::string_view> Bytes(uint64_t from, uint64_t to, std::string& buffer);

 private:
  enum class Reached : uint8_t { kMore, kEnd };

  bool may_grow() const { return !file_end_.has_value(); }
  // Is `at` the start of a split, so that the line there may belong to the split before?
  bool IsSplitStart(uint64_t at) const { return at > 0 && at % splits_.split_bytes == 0; }

  // Moves `at` from the start of a split to the first line that starts in it or behind it, if there
  // is one yet.
  Status SkipToLineStart(uint64_t& at, uint64_t stop);
  // Adds the line that starts at `at`, and those behind it that the same block holds.
  Status TakeFromLineStart(uint64_t& at, std::optional<uint64_t> end, LineSlice& slice);
  // Adds the whole lines in the block that start before `stop`, as far as the block may be seen.
  Status TakeLines(uint64_t& at, uint64_t stop, uint64_t visible_end, LineSlice& slice);
  // The line at `at` does not end in the block: loads more of it, or takes it as the last, or
  // leaves it out as too long, or waits for the file to grow (kEnd).
  StatusOr<Reached> PassBlockEnd(uint64_t& at, std::optional<uint64_t> end, LineSlice& slice);
  StatusOr<Reached> PassLongLine(uint64_t& at, LineSlice& slice);

  // Adds `found_`, whose longest line has `longest` bytes, and which ends at `at`. Moves `at` back
  // to a line that the rules refuse.
  void AppendFound(size_t longest, uint64_t& at, LineSlice& slice);
  enum class Taken : uint8_t {
    kYes,
    kRefused,  // the slice holds what stands for it, and nothing else
    kLater,    // it is refused, but the slice has rows already
  };
  // Adds one line under the rules.
  Taken AppendChecked(std::string_view line, LineSlice& slice);
  Taken AppendInvalid(std::string_view line, LineSlice& slice);
  Taken Refuse(std::string_view line, const Status& why, LineSlice& slice);
  Status TooLong(uint64_t offset) const;
  // The line at `in_block` without the mark of the byte order and the return.
  std::string_view Bare(std::string_view in_block) const;

  // The first newline at or after `from`; nullopt: there is none yet.
  StatusOr<std::optional<uint64_t>> FindNewline(uint64_t from);
  // Makes the block cover `at`.
  StatusOr<Reached> Cover(uint64_t at);
  Status Load(uint64_t offset, uint64_t bytes);
  uint64_t OffsetOf(const char* in_block) const {
    return block_.offset + static_cast<uint64_t>(in_block - block_.bytes.data());
  }

  const Share share_;
  TextSplits splits_;  // of the file, as it is now
  const TextRules rules_;
  const uint64_t read_bytes_;
  TextCounts* const counts_;
  FileBlock block_;
  std::vector<Text> found_;  // scratch of TakeLines
  // Polling a line that grows slowly must not read it from its start each time.
  uint64_t read_to_ = 0;
  Status refused_;
  bool stands_before_refused_ = false;
  bool told_of_long_line_ = false;
  std::optional<uint64_t> file_end_;  // where the file ends for good; nullopt: it may grow
  uint64_t polled_at_ = 0;
  uint64_t polled_to_ = 0;  // no newline in [polled_at_, polled_to_)
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_LINES_H_
