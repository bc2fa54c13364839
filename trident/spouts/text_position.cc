// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_position.h"

#include <algorithm>
#include <charconv>

#include "base/limits.h"

namespace trident {
namespace {

constexpr int kDecimal = 10;
constexpr int kHex = 16;

// Reads a number and what stands behind it off the front of `text`.
bool TakeNumber(std::string_view& text, int base, std::string_view behind, uint64_t* out) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), *out, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  if (text.substr(0, behind.size()) != behind) return false;
  text.remove_prefix(behind.size());
  return true;
}

void PutNumber(std::string& out, uint64_t n, int base) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, n, base).ptr);
}

// What a position of a compressed file has at its end.
bool TakePacked(std::string_view& text, PackedMark* out) {
  if (!text.starts_with("/z")) return true;
  text.remove_prefix(2);
  return TakeNumber(text, kDecimal, "-", &out->file_bytes) &&
         TakeNumber(text, kHex, ":", &out->end_hash) &&
         TakeNumber(text, kDecimal, ":", &out->extent.bytes) &&
         TakeNumber(text, kDecimal, "", &out->extent.lines_end) && out->file_bytes > 0;
}

}  // namespace

Position TextPosition::ToPosition() const {
  Position out;
  PutNumber(out, offset, kDecimal);
  out.push_back('/');
  PutNumber(out, splits.readers, kDecimal);
  out.push_back('x');
  PutNumber(out, splits.split_bytes, kDecimal);
  out.push_back('/');
  PutNumber(out, mark.head_bytes, kDecimal);
  out.push_back('-');
  PutNumber(out, mark.head_hash, kHex);
  if (file == FileId{}) return out;
  out.push_back('/');
  PutNumber(out, mark.tail_end, kDecimal);
  out.push_back(':');
  PutNumber(out, mark.tail_bytes, kDecimal);
  out.push_back('-');
  PutNumber(out, mark.tail_hash, kHex);
  out.push_back('/');
  PutNumber(out, file.device, kHex);
  out.push_back(':');
  PutNumber(out, file.inode, kHex);
  if (mark.packed.file_bytes == 0) return out;
  out.append("/z");
  PutNumber(out, mark.packed.file_bytes, kDecimal);
  out.push_back('-');
  PutNumber(out, mark.packed.end_hash, kHex);
  out.push_back(':');
  PutNumber(out, mark.packed.extent.bytes, kDecimal);
  out.push_back(':');
  PutNumber(out, mark.packed.extent.lines_end, kDecimal);
  return out;
}

StatusOr<TextPosition> TextPosition::Parse(const Position& position, std::string_view file) {
  TextPosition out;
  std::string_view text = position;
  uint64_t readers = 0;
  bool parsed = TakeNumber(text, kDecimal, "/", &out.offset) &&
                TakeNumber(text, kDecimal, "x", &readers) &&
                TakeNumber(text, kDecimal, "/", &out.splits.split_bytes) &&
                TakeNumber(text, kDecimal, "-", &out.mark.head_bytes) &&
                TakeNumber(text, kHex, "", &out.mark.head_hash);
  if (parsed && !text.empty()) {
    parsed = text.front() == '/';
    text.remove_prefix(1);
    parsed = parsed && TakeNumber(text, kDecimal, ":", &out.mark.tail_end) &&
             TakeNumber(text, kDecimal, "-", &out.mark.tail_bytes) &&
             TakeNumber(text, kHex, "/", &out.mark.tail_hash) &&
             TakeNumber(text, kHex, ":", &out.file.device) &&
             TakeNumber(text, kHex, "", &out.file.inode) && TakePacked(text, &out.mark.packed) &&
             text.empty() && out.mark.tail_bytes <= std::min(kTextTailBytes, out.mark.tail_end) &&
             !(out.file == FileId{});
  }
  out.splits.readers = static_cast<uint32_t>(readers);
  if (parsed && readers >= 1 && readers <= static_cast<uint64_t>(kFileReadersMax) &&
      out.splits.split_bytes >= 1 && out.mark.head_bytes <= kTextHeadBytes) {
    return out;
  }
  return DataLoss("the input file \"", file, "\" has the position \"", position,
                  "\", which is none of a text file");
}

Status TextPosition::CheckSplits(const TextSplits& now, std::string_view file) const {
  if (splits == now) return absl::OkStatus();
  return FailedPrecondition(
      "the input file \"", file, "\" was read before in splits of ", splits.split_bytes,
      " bytes by ", splits.readers, " readers, now they are ", now.split_bytes, " bytes and ",
      now.readers,
      " readers; let the program share it out as before, or start with an empty state directory");
}

PositionForm TextPosition::Form() {
  return {.pattern = "N/NxN/N-X[/N:N-X/X:X[/zN-X:N:N]]",
          .counts = "byte",
          .goes_back = PositionForm::GoesBack::kYes};
}

std::string TextPartition::ToString() const {
  return number == 1 ? Concat(path, "#", reader) : Concat(path, "#", reader, "@", number);
}

std::optional<TextPartition> TextPartition::Parse(const std::string& name) {
  const size_t mark = name.rfind('#');
  if (mark == std::string::npos) return std::nullopt;
  TextPartition out{.path = name.substr(0, mark)};
  std::string_view text = std::string_view(name).substr(mark + 1);
  uint64_t reader = 0;
  uint64_t number = 1;
  const bool is_first = text.find('@') == std::string_view::npos;
  if (!TakeNumber(text, kDecimal, is_first ? "" : "@", &reader)) return std::nullopt;
  if (!is_first && !TakeNumber(text, kDecimal, "", &number)) return std::nullopt;
  if (!text.empty() || reader > UINT32_MAX || number < 1 || number > UINT32_MAX) {
    return std::nullopt;
  }
  out.reader = static_cast<uint32_t>(reader);
  out.number = static_cast<uint32_t>(number);
  return out;
}

}  // namespace trident
