// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_lines.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/logging.h"
#include "base/utf8.h"
#include "trident/spouts/open_file.h"

namespace trident {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

std::string Repaired(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    const size_t valid = ValidUtf8Prefix(line);
    out.append(line.substr(0, valid));
    line.remove_prefix(valid);
    if (line.empty()) break;
    out.append(kReplacement);
    line.remove_prefix(1);
  }
  return out;
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// Of a line that is refused, so much is shown.
constexpr size_t kStandInBytes = 1024;

}  // namespace

TextLines::TextLines(Share share, TextRules rules, uint64_t read_bytes, TextCounts* counts)
    : share_(std::move(share)), rules_(rules), read_bytes_(read_bytes), counts_(counts) {}

Status TextLines::Read(uint64_t& at, std::optional<uint64_t> end, LineSlice& slice) {
  const uint64_t stop = end.value_or(~uint64_t{0});
  refused_ = absl::OkStatus();
  stands_before_refused_ = false;
  file_end_ = share_.source->end();
  splits_ = share_.source->splits();
  read_to_ = at;
  at = splits_.NextOwned(share_.reader, at);
  while (!slice.full() && at < stop && refused_.ok() && !stands_before_refused_) {
    const uint64_t before = at;
    if (IsSplitStart(at)) TRIDENT_RETURN_IF_ERROR(SkipToLineStart(at, stop));
    if (at < std::min(splits_.SplitEnd(before), stop)) {
      TRIDENT_RETURN_IF_ERROR(TakeFromLineStart(at, end, slice));
    }
    if (at != before) read_to_ = at;
    at = splits_.NextOwned(share_.reader, at);
    if (at == before) break;
  }
  return absl::OkStatus();
}

Status TextLines::SkipToLineStart(uint64_t& at, uint64_t stop) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<uint64_t> newline, FindNewline(at - 1));
  if (newline) {
    at = std::min(*newline + 1, stop);
  } else if (!may_grow()) {
    at = std::max(at, *file_end_);
  }
  return absl::OkStatus();
}

Status TextLines::TakeFromLineStart(uint64_t& at, std::optional<uint64_t> end, LineSlice& slice) {
  const uint64_t stop = end.value_or(~uint64_t{0});
  const uint64_t line_start = at;
  TRIDENT_ASSIGN_OR_RETURN(const Reached covered, Cover(at));
  if (covered == Reached::kEnd) return absl::OkStatus();
  while (at == line_start) {
    TRIDENT_RETURN_IF_ERROR(TakeLines(at, std::min(splits_.SplitEnd(at), stop), stop, slice));
    if (at > line_start || stands_before_refused_) break;
    TRIDENT_ASSIGN_OR_RETURN(const Reached passed, PassBlockEnd(at, end, slice));
    if (passed == Reached::kEnd) break;
  }
  return absl::OkStatus();
}

Status TextLines::TakeLines(uint64_t& at, uint64_t stop, uint64_t visible_end, LineSlice& slice) {
  std::string_view text = block_.From(at);
  text = text.substr(0, visible_end - at);
  const char* next = text.data();
  const char* const text_end = next + text.size();
  const char* const starts_end = next + std::min<uint64_t>(text.size(), stop - at);
  const uint64_t rows_max = std::max<uint64_t>(slice.rows_left(), slice.rows() == 0 ? 1 : 0);
  const char* const bytes_end = next + std::min<uint64_t>(text.size(), slice.bytes_left());
  size_t longest = 0;
  found_.clear();
  while (next < starts_end && found_.size() < rows_max) {
    if (next >= bytes_end && (slice.rows() > 0 || !found_.empty())) break;
    const auto* newline =
        static_cast<const char*>(std::memchr(next, '\n', static_cast<size_t>(text_end - next)));
    if (newline == nullptr) break;
    const std::string_view line(next, static_cast<size_t>(newline - next));
    longest = std::max(longest, line.size());
    found_.push_back(Bare(line));
    next = newline + 1;
  }
  at += static_cast<uint64_t>(next - text.data());
  AppendFound(longest, at, slice);
  return absl::OkStatus();
}

std::string_view TextLines::Bare(std::string_view in_block) const {
  if (!in_block.empty() && in_block.back() == '\r') in_block.remove_suffix(1);
  if (OffsetOf(in_block.data()) == 0 && in_block.starts_with(kByteOrderMark)) {
    in_block.remove_prefix(kByteOrderMark.size());
  }
  return in_block;
}

void TextLines::AppendFound(size_t longest, uint64_t& at, LineSlice& slice) {
  if (found_.empty()) return;
  const char* const begin = found_.front().data();
  const char* const end = found_.back().data() + found_.back().size();
  // All at once: no newline can stand inside of a character, so all lines are UTF-8 if the whole
  // is.
  if (longest <= rules_.line_bytes_max && IsUtf8({begin, static_cast<size_t>(end - begin)})) {
    slice.Retain(block_.owner);
    for (Text line : found_) slice.Append(line);
    return;
  }
  for (size_t i = 0; i < found_.size(); ++i) {
    const Taken taken = AppendChecked(found_[i], slice);
    if (taken == Taken::kYes) continue;
    stands_before_refused_ = taken == Taken::kLater;
    if (taken == Taken::kLater) at = OffsetOf(found_[i].data());
    if (taken == Taken::kRefused && i + 1 < found_.size()) at = OffsetOf(found_[i + 1].data());
    return;
  }
}

TextLines::Taken TextLines::AppendChecked(std::string_view line, LineSlice& slice) {
  if (line.size() > rules_.line_bytes_max) {
    if (rules_.long_line == LongLine::kFail) {
      return Refuse(line, TooLong(OffsetOf(line.data())), slice);
    }
    ++counts_->skipped_lines;
    return Taken::kYes;
  }
  if (!IsUtf8(line)) return AppendInvalid(line, slice);
  slice.Retain(block_.owner);
  slice.Append(line);
  return Taken::kYes;
}

TextLines::Taken TextLines::AppendInvalid(std::string_view line, LineSlice& slice) {
  switch (rules_.invalid_utf8) {
    case InvalidUtf8::kReplace:
      slice.AppendCopy(Repaired(line));
      ++counts_->replaced_lines;
      return Taken::kYes;
    case InvalidUtf8::kSkip:
      ++counts_->skipped_lines;
      return Taken::kYes;
    case InvalidUtf8::kFail:
      break;
  }
  const uint64_t begin = OffsetOf(line.data());
  return Refuse(
      line,
      InvalidArgument("the input file \"", share_.source->path(), "\" is no UTF-8 at byte ",
                      begin + ValidUtf8Prefix(line), ", in the line that starts at byte ", begin,
                      "; convert it, or let the program repair such lines or leave them out"),
      slice);
}

TextLines::Taken TextLines::Refuse(std::string_view line, const Status& why, LineSlice& slice) {
  if (slice.rows() > 0) return Taken::kLater;
  slice.AppendCopy(Repaired(line.substr(0, kStandInBytes)));
  refused_ = why;
  return Taken::kRefused;
}

Status TextLines::TooLong(uint64_t offset) const {
  return ResourceExhausted(
      "the input file \"", share_.source->path(), "\" has a line of more than ",
      rules_.line_bytes_max, " bytes, which starts at byte ", offset,
      "; is it text? Let it be left out (--long-line skip), or let the program take "
      "longer lines");
}

StatusOr<TextLines::Reached> TextLines::PassBlockEnd(uint64_t& at, std::optional<uint64_t> end,
                                                     LineSlice& slice) {
  const bool ends_at_end = end && *end <= block_.end();
  if (ends_at_end || (!may_grow() && block_.end() >= *file_end_)) {
    std::string_view last = block_.From(at);
    if (ends_at_end) last = last.substr(0, *end - at);
    const size_t length = last.size();
    // A last line without a newline keeps its return; at its end another might come.
    const std::string_view bare = at == 0 ? last.substr(Bare(last).data() - last.data()) : last;
    const bool is_mark_alone = at == 0 && bare.empty();
    if (!is_mark_alone && AppendChecked(bare, slice) == Taken::kLater) {
      stands_before_refused_ = true;
      return Reached::kEnd;
    }
    at += length;
    return Reached::kMore;
  }
  const uint64_t length = block_.end() - at;
  if (length > rules_.line_bytes_max) return PassLongLine(at, slice);
  const uint64_t seen_to = block_.end();
  TRIDENT_RETURN_IF_ERROR(Load(at, std::max(read_bytes_, 2 * length)));
  return block_.end() > seen_to ? Reached::kMore : Reached::kEnd;
}

StatusOr<TextLines::Reached> TextLines::PassLongLine(uint64_t& at, LineSlice& slice) {
  const bool refuses = rules_.long_line == LongLine::kFail;
  if (refuses && slice.rows() > 0) {
    stands_before_refused_ = true;
    return Reached::kEnd;
  }
  const std::string beginning(block_.From(at).substr(0, kStandInBytes));
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<uint64_t> newline, FindNewline(block_.end()));
  if (!newline && may_grow()) {
    if (!std::exchange(told_of_long_line_, true)) {
      TRIDENT_LOG(WARN) << Message(TooLong(at)) << ". It has no end yet, which is waited for";
    }
    return Reached::kEnd;
  }
  if (refuses) {
    (void)Refuse(beginning, TooLong(at), slice);
  } else {
    ++counts_->skipped_lines;
  }
  at = newline ? *newline + 1 : *file_end_;
  return Reached::kMore;
}

StatusOr<bool> TextLines::HasMore(uint64_t at) {
  file_end_ = share_.source->end();
  splits_ = share_.source->splits();
  at = splits_.NextOwned(share_.reader, at);
  if (!may_grow()) return at < *file_end_;
  if (IsSplitStart(at)) {
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<uint64_t> newline, FindNewline(at - 1));
    if (!newline) return false;
    if (*newline != at - 1) return true;  // the first line starts later: that is further
  }
  const uint64_t from = polled_at_ == at ? std::max(polled_to_, at) : at;
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<uint64_t> newline, FindNewline(from));
  if (newline) return true;
  polled_at_ = at;
  polled_to_ = std::max(from, block_.end());
  return false;
}

void TextLines::Release(uint64_t at) {
  if (block_.end() <= at) block_ = FileBlock();
}

StatusOr<std::optional<uint64_t>> TextLines::FindNewline(uint64_t from) {
  while (true) {
    TRIDENT_ASSIGN_OR_RETURN(const Reached covered, Cover(from));
    if (covered == Reached::kEnd) return std::optional<uint64_t>();
    const std::string_view text = block_.From(from);
    const void* newline = std::memchr(text.data(), '\n', text.size());
    if (newline != nullptr) return OffsetOf(static_cast<const char*>(newline));
    from = block_.end();
  }
}

StatusOr<TextLines::Reached> TextLines::Cover(uint64_t at) {
  if (block_.Covers(at)) return Reached::kMore;
  if (!may_grow() && at >= *file_end_) return Reached::kEnd;
  TRIDENT_RETURN_IF_ERROR(Load(at, read_bytes_));
  return block_.Covers(at) ? Reached::kMore : Reached::kEnd;
}

// With some bytes before `offset`, by which a position knows the file again.
Status TextLines::Load(uint64_t offset, uint64_t bytes) {
  const uint64_t before = std::min(offset, kTextTailBytes);
  // The old block stays if there is no new one: it has the tail of what was read.
  TRIDENT_ASSIGN_OR_RETURN(FileBlock loaded, share_.source->Read(offset - before, bytes + before));
  block_ = std::move(loaded);
  return absl::OkStatus();
}

StatusOr<std::string_view> TextLines::Bytes(uint64_t from, uint64_t to, std::string& buffer) {
  if (from == to) return std::string_view();
  if (block_.offset <= from && to <= block_.end()) {
    return block_.From(from).substr(0, to - from);
  }
  TRIDENT_ASSIGN_OR_RETURN(const FileBlock read, share_.source->Read(from, to - from));
  buffer = read.bytes;
  return std::string_view(buffer);
}

std::string RulesText(const TextRules& rules) {
  return Concat("invalid UTF-8 ", static_cast<int>(rules.invalid_utf8), ", long line ",
                static_cast<int>(rules.long_line), ", lines of at most ", rules.line_bytes_max);
}

}  // namespace trident
