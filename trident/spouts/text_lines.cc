// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_lines.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/utf8.h"

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

std::string_view WithoutReturn(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

TextLines::TextLines(Share share, TextRules rules, uint64_t read_bytes, TextCounts* counts)
    : share_(std::move(share)), rules_(rules), read_bytes_(read_bytes), counts_(counts) {}

Status TextLines::Read(uint64_t& at, std::optional<uint64_t> end, LineSlice& slice) {
  const uint64_t stop = end.value_or(~uint64_t{0});
  at = share_.splits.NextOwned(share_.reader, at);
  while (!slice.full() && at < stop) {
    const uint64_t before = at;
    if (IsSplitStart(at)) TRIDENT_RETURN_IF_ERROR(SkipToLineStart(at, stop));
    if (at < std::min(share_.splits.SplitEnd(before), stop)) {
      TRIDENT_RETURN_IF_ERROR(TakeFromLineStart(at, end, slice));
    }
    at = share_.splits.NextOwned(share_.reader, at);
    if (at == before) break;
  }
  return absl::OkStatus();
}

Status TextLines::SkipToLineStart(uint64_t& at, uint64_t stop) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<uint64_t> newline, FindNewline(at - 1));
  if (newline) {
    at = std::min(*newline + 1, stop);
  } else if (!follows()) {
    at = std::max(at, share_.file->size_at_open());
  }
  return absl::OkStatus();
}

Status TextLines::TakeFromLineStart(uint64_t& at, std::optional<uint64_t> end, LineSlice& slice) {
  const uint64_t stop = end.value_or(~uint64_t{0});
  const uint64_t line_start = at;
  TRIDENT_ASSIGN_OR_RETURN(const Reached covered, Cover(at));
  if (covered == Reached::kEnd) return absl::OkStatus();
  while (at == line_start) {
    TRIDENT_RETURN_IF_ERROR(TakeLines(at, std::min(share_.splits.SplitEnd(at), stop), stop, slice));
    if (at > line_start) break;
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
    found_.push_back(WithoutReturn(line));
    next = newline + 1;
  }
  at += static_cast<uint64_t>(next - text.data());
  return AppendFound(longest, slice);
}

Status TextLines::AppendFound(size_t longest, LineSlice& slice) {
  if (found_.empty()) return absl::OkStatus();
  const char* const begin = found_.front().data();
  const char* const end = found_.back().data() + found_.back().size();
  // All at once: no newline can stand inside of a character, so all lines are UTF-8 if the whole
  // is.
  if (longest <= rules_.line_bytes_max && IsUtf8({begin, static_cast<size_t>(end - begin)})) {
    slice.Retain(block_.owner);
    for (Text line : found_) slice.Append(line);
    return absl::OkStatus();
  }
  for (Text line : found_) TRIDENT_RETURN_IF_ERROR(AppendChecked(line, slice));
  return absl::OkStatus();
}

Status TextLines::AppendChecked(std::string_view line, LineSlice& slice) {
  if (line.size() > rules_.line_bytes_max) {
    if (rules_.long_line == LongLine::kFail) return TooLong(OffsetOf(line.data()));
    ++counts_->skipped_lines;
    return absl::OkStatus();
  }
  if (!IsUtf8(line)) return AppendRepaired(line, slice);
  slice.Retain(block_.owner);
  slice.Append(line);
  return absl::OkStatus();
}

Status TextLines::AppendRepaired(std::string_view line, LineSlice& slice) {
  switch (rules_.invalid_utf8) {
    case InvalidUtf8::kReplace:
      slice.AppendCopy(Repaired(line));
      ++counts_->replaced_lines;
      return absl::OkStatus();
    case InvalidUtf8::kSkip:
      ++counts_->skipped_lines;
      return absl::OkStatus();
    case InvalidUtf8::kFail:
      break;
  }
  const uint64_t begin = OffsetOf(line.data());
  return InvalidArgument("the input file \"", share_.file->path(), "\" is no UTF-8 at byte ",
                         begin + ValidUtf8Prefix(line), ", in the line that starts at byte ", begin,
                         "; convert it, or choose InvalidUtf8::kReplace or kSkip");
}

Status TextLines::TooLong(uint64_t offset) const {
  return ResourceExhausted("the input file \"", share_.file->path(), "\" has a line of more than ",
                           rules_.line_bytes_max, " bytes, which starts at byte ", offset,
                           "; is it text? Raise line_bytes_max, or choose LongLine::kSkip");
}

StatusOr<TextLines::Reached> TextLines::PassBlockEnd(uint64_t& at, std::optional<uint64_t> end,
                                                     LineSlice& slice) {
  const bool ends_at_end = end && *end <= block_.end();
  if (ends_at_end || (block_.at_end && !follows())) {
    std::string_view last = block_.From(at);
    if (ends_at_end) last = last.substr(0, *end - at);
    TRIDENT_RETURN_IF_ERROR(AppendChecked(last, slice));
    at += last.size();
    return Reached::kMore;
  }
  const uint64_t length = block_.end() - at;
  if (length > rules_.line_bytes_max) return PassLongLine(at);
  const uint64_t seen_to = block_.end();
  TRIDENT_RETURN_IF_ERROR(Load(at, std::max(read_bytes_, 2 * length)));
  return block_.end() > seen_to ? Reached::kMore : Reached::kEnd;
}

StatusOr<TextLines::Reached> TextLines::PassLongLine(uint64_t& at) {
  if (rules_.long_line == LongLine::kFail) return TooLong(at);
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<uint64_t> newline, FindNewline(block_.end()));
  if (!newline && follows()) return Reached::kEnd;
  at = newline ? *newline + 1 : share_.file->size_at_open();
  ++counts_->skipped_lines;
  return Reached::kMore;
}

StatusOr<bool> TextLines::HasMore(uint64_t at) {
  at = share_.splits.NextOwned(share_.reader, at);
  if (!follows()) return at < share_.file->size_at_open();
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
  // A line that is too long already fails now, not when it ends.
  return rules_.long_line == LongLine::kFail && polled_to_ - at > rules_.line_bytes_max;
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
  if (!follows() && at >= share_.file->size_at_open()) return Reached::kEnd;
  TRIDENT_RETURN_IF_ERROR(Load(at, read_bytes_));
  return block_.Covers(at) ? Reached::kMore : Reached::kEnd;
}

Status TextLines::Load(uint64_t offset, uint64_t bytes) {
  block_ = FileBlock();
  TRIDENT_ASSIGN_OR_RETURN(block_, share_.file->Read(offset, bytes));
  return absl::OkStatus();
}

}  // namespace trident
