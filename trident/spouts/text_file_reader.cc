// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_file_reader.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace trident {
namespace {

// How often a file is looked for that is away.
constexpr Nanos kAwayPollNanos = 20 * kMillisecond;
// A file that is being made ready goes on with that at once, after others had the thread.
constexpr Nanos kPreparePollNanos = kMillisecond / 10;

}  // namespace

TextFileReader::TextFileReader(TextFileReaderSpec spec)
    : spec_(std::move(spec)),
      lines_({spec_.file, spec_.reader}, spec_.rules, spec_.read_bytes, &counts_) {}

StatusOr<ReadResult> TextFileReader::Read(const ReadRequest& request, Output& out) {
  const auto prepared = Prepare(request);
  if (prepared.ok() && !*prepared) {
    return ReadResult{.end = request.start, .next = ReadResult::Next::kIdle};
  }
  const auto from = prepared.ok() ? OffsetOf(request.start) : prepared.status();
  if (!from.ok()) {
    if (request.end != nullptr || !CanWait(from.status())) return from.status();
    return ReadResult{.end = request.start, .next = NextWithout()};
  }
  const uint64_t start = file().splits().NextOwned(spec_.reader, *from);
  uint64_t at = start;
  std::optional<uint64_t> end;
  if (request.end != nullptr) {
    TRIDENT_ASSIGN_OR_RETURN(const TextPosition stop,
                             TextPosition::Parse(*request.end, file().path()));
    TRIDENT_RETURN_IF_ERROR(CheckContent(stop));
    end = stop.offset;
  }
  LineSlice slice(request.limits.rows, request.limits.bytes);
  const Status read = lines_.Read(at, end, slice);
  Tally();
  if (!read.ok() && (end || !CanWait(read))) return read;
  if (end && at > *end) {
    return FailedPrecondition(
        "the input file \"", file().path(), "\" was read up to byte ", *end,
        " before, but no line ends there now; it was written to. Restore it, or ",
        "start anew with an empty state directory");
  }
  ReadResult result{.end = request.start, .rows = slice.rows(), .bytes = slice.bytes()};
  if (result.rows > 0) {
    TRIDENT_RETURN_IF_ERROR(out.Emit(Slice(spec_.schema, {slice.Finish()}, result.rows)));
  }
  result.refused = lines_.refused();
  if (at != start) {
    TRIDENT_ASSIGN_OR_RETURN(last_end_, PositionAt(at, lines_.read_to()));
    last_offset_ = at;
    // The same words for the same place, although a later version might choose others.
    if (end && at == *end) last_end_ = *request.end;
    result.end = last_end_;
  }
  if (!read.ok()) {
    result.next = NextWithout();
    return result;
  }
  const auto next = NextAt(at);
  if (!next.ok() && !CanWait(next.status())) return next.status();
  result.next = next.ok() ? *next : NextWithout();
  return result;
}

// Both to the counts of the spout and to those of the file.
void TextFileReader::Tally() {
  const uint64_t skipped = counts_.skipped_lines.exchange(0);
  const uint64_t replaced = counts_.replaced_lines.exchange(0);
  for (TextCounts* counts : {spec_.counts.get(), &file().counts()}) {
    counts->skipped_lines += skipped;
    counts->replaced_lines += replaced;
  }
}

// An exact range is read at once, however long that takes: it is asked for in one call.
StatusOr<bool> TextFileReader::Prepare(const ReadRequest& request) const {
  const auto start = request.start == last_end_ ? last_offset_ : OffsetIn(request.start);
  if (!start.ok()) return true;  // OffsetOf says why
  while (true) {
    TRIDENT_ASSIGN_OR_RETURN(const bool ready, file().Prepare(*start));
    if (ready || request.end == nullptr) return ready;
  }
}

StatusOr<ReadResult::Next> TextFileReader::NextAt(uint64_t offset) {
  TRIDENT_ASSIGN_OR_RETURN(const bool more, lines_.HasMore(offset));
  if (more) return ReadResult::Next::kMore;
  return file().follow() == Follow::kYes ? ReadResult::Next::kIdle : ReadResult::Next::kEnded;
}

bool TextFileReader::CanWait(const Status& status) const {
  if (status.code() == StatusCode::kUnavailable) return true;
  const bool goes_on = file().follow() == Follow::kYes || file().replaced() == Replaced::kNext;
  return file().is_gone() && goes_on;
}

// A file that is gone and not followed has no more to give; its name is read by the next run.
ReadResult::Next TextFileReader::NextWithout() const {
  const bool ended = file().is_gone() && file().follow() == Follow::kNo;
  return ended ? ReadResult::Next::kEnded : ReadResult::Next::kIdle;
}

StatusOr<Availability> TextFileReader::Poll(const Position& position) {
  // An error of what a position says comes from Read.
  const auto at = position == last_end_ ? last_offset_ : OffsetIn(position);
  if (!at.ok()) return at.status();
  const auto prepared = file().Prepare(*at);
  if (prepared.ok() && !*prepared) {
    return Availability{Availability::State::kIdle, kPreparePollNanos};
  }
  const auto next = prepared.ok() ? NextAt(*at) : prepared.status();
  if (!next.ok() && !CanWait(next.status())) return next.status();
  const ReadResult::Next found = next.ok() ? *next : NextWithout();
  if (found == ReadResult::Next::kMore) return Availability{Availability::State::kReady, 0};
  if (found == ReadResult::Next::kEnded) return Availability{Availability::State::kEnded, 0};
  // Who watches followed files wakes us. What is away is asked for again: patience has an end.
  const bool is_woken = next.ok() && spec_.wakes != nullptr;
  return Availability{Availability::State::kIdle,
                      is_woken ? 0 : std::max(spec_.poll_nanos, kAwayPollNanos)};
}

void TextFileReader::Committed(TxId /*txid*/, const Position& position) {
  const StatusOr<uint64_t> at = OffsetIn(position);
  if (!at.ok()) return;
  lines_.Release(*at);
  file().Release(*at);
}

StatusOr<uint64_t> TextFileReader::OffsetIn(const Position& position) const {
  if (position.empty() || position == spec_.beginning) return 0;
  TRIDENT_ASSIGN_OR_RETURN(const TextPosition at, TextPosition::Parse(position, file().path()));
  return at.offset;
}

StatusOr<uint64_t> TextFileReader::OffsetOf(const Position& position) {
  if (position.empty() || position == spec_.beginning) return 0;
  if (position == last_end_) return last_offset_;
  TRIDENT_ASSIGN_OR_RETURN(const TextPosition at, TextPosition::Parse(position, file().path()));
  TRIDENT_RETURN_IF_ERROR(at.CheckSplits(file().splits(), file().path()));
  TRIDENT_RETURN_IF_ERROR(CheckContent(at));
  return at.offset;
}

Status TextFileReader::CheckContent(const TextPosition& position) const {
  const StatusOr<bool> holds = file().Holds(position.mark);
  if (!holds.ok() || *holds) return holds.status();
  return FailedPrecondition(
      "the input file \"", file().path(), "\" is not the one that was read up to byte ",
      position.offset, ": its first ", position.mark.head_bytes, " bytes or those before byte ",
      position.mark.tail_end,
      " differ; put the first file back, or start anew with an empty state directory");
}

StatusOr<Position> TextFileReader::PositionAt(uint64_t offset, uint64_t read_to) {
  TextPosition at{.offset = offset, .splits = file().splits(), .mark = {}, .file = file().id()};
  at.mark.packed = file().packed();
  TRIDENT_RETURN_IF_ERROR(LoadHead(std::min(offset, kTextHeadBytes)));
  at.mark.head_bytes = std::min<uint64_t>({offset, kTextHeadBytes, head_.size()});
  at.mark.head_hash = HashBytes(std::string_view(head_).substr(0, at.mark.head_bytes));
  const uint64_t begin = read_to - std::min(read_to, kTextTailBytes);
  std::string buffer;
  TRIDENT_ASSIGN_OR_RETURN(const std::string_view tail, lines_.Bytes(begin, read_to, buffer));
  at.mark.tail_end = begin + tail.size();
  at.mark.tail_bytes = tail.size();
  at.mark.tail_hash = HashBytes(tail);
  file().Remember(at.mark, head_);
  return at.ToPosition();
}

Status TextFileReader::LoadHead(uint64_t least) {
  if (head_.size() >= least) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(const FileBlock head, file().Read(0, kTextHeadBytes));
  head_ = head.bytes;
  return absl::OkStatus();
}

}  // namespace trident
