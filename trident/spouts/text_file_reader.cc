// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_file_reader.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace trident {

TextFileReader::TextFileReader(TextFileReaderSpec spec)
    : spec_(std::move(spec)),
      lines_(spec_.share, spec_.rules, spec_.read_bytes, spec_.counts.get()) {}

StatusOr<ReadResult> TextFileReader::Read(const ReadRequest& request, Output& out) {
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t from, OffsetOf(request.start));
  const uint64_t start = spec_.share.splits.NextOwned(spec_.share.reader, from);
  uint64_t at = start;
  std::optional<uint64_t> end;
  if (request.end != nullptr) {
    TRIDENT_ASSIGN_OR_RETURN(const TextPosition stop,
                             TextPosition::Parse(*request.end, file().path()));
    end = stop.offset;
  }
  LineSlice slice(request.limits.rows, request.limits.bytes);
  TRIDENT_RETURN_IF_ERROR(lines_.Read(at, end, slice));
  if (end && at > *end) {
    return FailedPrecondition(
        "the input file \"", file().path(), "\" was read up to byte ", *end,
        " before, but no line ends there now; it was written to. Restore it, or ",
        "start anew with an empty state directory");
  }
  const size_t rows = slice.rows();
  const uint64_t bytes = slice.bytes();
  if (rows > 0) {
    TRIDENT_RETURN_IF_ERROR(out.Emit(Slice(spec_.schema, {slice.Finish()}, rows)));
  }
  TRIDENT_ASSIGN_OR_RETURN(const ReadResult::Next next, NextAt(at));
  if (at == start) return ReadResult{request.start, rows, bytes, next};
  TRIDENT_ASSIGN_OR_RETURN(last_end_, PositionAt(at));
  last_offset_ = at;
  return ReadResult{last_end_, rows, bytes, next};
}

StatusOr<ReadResult::Next> TextFileReader::NextAt(uint64_t offset) {
  TRIDENT_ASSIGN_OR_RETURN(const bool more, lines_.HasMore(offset));
  if (more) return ReadResult::Next::kMore;
  return file().follow() == Follow::kYes ? ReadResult::Next::kIdle : ReadResult::Next::kEnded;
}

StatusOr<Availability> TextFileReader::Poll(const Position& position) {
  uint64_t at = 0;
  if (!position.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(const TextPosition from, TextPosition::Parse(position, file().path()));
    at = from.offset;
  }
  TRIDENT_ASSIGN_OR_RETURN(const ReadResult::Next next, NextAt(at));
  if (next == ReadResult::Next::kMore) return Availability{Availability::State::kReady, 0};
  if (next == ReadResult::Next::kEnded) return Availability{Availability::State::kEnded, 0};
  return Availability{Availability::State::kIdle, spec_.poll_nanos};
}

void TextFileReader::Committed(TxId /*txid*/, const Position& position) {
  const StatusOr<TextPosition> at = TextPosition::Parse(position, file().path());
  if (at.ok()) lines_.Release(at->offset);
}

StatusOr<uint64_t> TextFileReader::OffsetOf(const Position& position) {
  if (position.empty()) return 0;
  if (position == last_end_) return last_offset_;
  TRIDENT_ASSIGN_OR_RETURN(const TextPosition at, TextPosition::Parse(position, file().path()));
  const TextSplits& splits = spec_.share.splits;
  if (at.splits != splits) {
    return FailedPrecondition(
        "the input file \"", file().path(), "\" was read before in splits of ",
        at.splits.split_bytes, " bytes by ", at.splits.readers, " readers, now they are ",
        splits.split_bytes, " bytes and ", splits.readers,
        " readers; set split_bytes and readers as before, or start with an empty state directory");
  }
  if (at.offset > file().size_seen() && at.offset % splits.split_bytes != 0) {
    return FailedPrecondition(
        "the input file \"", file().path(), "\" was read up to byte ", at.offset,
        " before, but has only ", file().size_seen(),
        " bytes now; restore it, or start anew with an empty state directory");
  }
  TRIDENT_RETURN_IF_ERROR(CheckHead(at));
  return at.offset;
}

Status TextFileReader::CheckHead(const TextPosition& position) {
  TRIDENT_RETURN_IF_ERROR(LoadHead(position.head_bytes));
  const bool there = head_.size() >= position.head_bytes;
  if (there &&
      HashBytes(std::string_view(head_).substr(0, position.head_bytes)) == position.head_hash) {
    return absl::OkStatus();
  }
  return FailedPrecondition(
      "the input file \"", file().path(), "\" is not the one that was read up ", "to byte ",
      position.offset, ": its first ", position.head_bytes, " bytes ",
      there ? "differ" : "are not there",
      "; put the first file back, or start anew with an empty state directory");
}

StatusOr<Position> TextFileReader::PositionAt(uint64_t offset) {
  TextPosition at{.offset = offset, .splits = spec_.share.splits};
  TRIDENT_RETURN_IF_ERROR(LoadHead(std::min(offset, kTextHeadBytes)));
  at.head_bytes = std::min<uint64_t>({offset, kTextHeadBytes, head_.size()});
  at.head_hash = HashBytes(std::string_view(head_).substr(0, at.head_bytes));
  return at.ToPosition();
}

Status TextFileReader::LoadHead(uint64_t least) {
  if (head_.size() >= least) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(const FileBlock head, file().Read(0, kTextHeadBytes));
  head_ = head.bytes;
  return absl::OkStatus();
}

}  // namespace trident
