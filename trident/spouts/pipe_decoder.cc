// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/pipe_decoder.h"

#include <span>
#include <utility>

#include "trident/spouts/open_file.h"
#include "trident/spouts/utf16_text.h"

namespace trident {

StatusOr<std::string> PipeDecoder::Next(size_t bytes_max) {
  TRIDENT_RETURN_IF_ERROR(broken_);
  if (!damage_.empty()) return broken_ = Broken(damage_);
  if (encoding_ == TextEncoding::kUndecided) TRIDENT_RETURN_IF_ERROR(broken_ = Begin());
  std::string text;
  if (encoding_ == TextEncoding::kPlain) {
    text = std::exchange(input_, {});
  } else if (IsUtf16(encoding_)) {
    input_.erase(0, DecodeUtf16(input_, encoding_, text));
  } else if (unpacker_ != nullptr) {
    StatusOr<std::string> unpacked = Unpack(bytes_max);
    if (!unpacked.ok()) return broken_ = unpacked.status();
    text = *std::move(unpacked);
  }
  TRIDENT_RETURN_IF_ERROR(broken_ = CheckText(text));
  made_ += text.size();
  return text;
}

Status PipeDecoder::Begin() {
  encoding_ = EncodingOf(input_);
  if (encoding_ == TextEncoding::kUndecided && has_ended_) encoding_ = TextEncoding::kPlain;
  if (!IsPacked(encoding_)) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(unpacker_, NewUnpacker(encoding_));
  return absl::OkStatus();
}

StatusOr<std::string> PipeDecoder::Unpack(size_t bytes_max) {
  std::string text;
  if (!input_.empty() || holds_text_) text.resize(bytes_max);
  std::string_view left = input_;
  size_t made = 0;
  bool moves = true;
  while (moves && made < text.size()) {
    const size_t before = left.size();
    const bool is_behind_end = unpacker_->IsBetween() && made_ + made > 0;
    const auto more = unpacker_->Unpack(left, std::span(text).subspan(made));
    if (!more.ok()) {
      damage_ = is_behind_end ? "it goes on behind its end" : Message(more.status());
      if (made == 0) return Broken(damage_);
      break;  // What came before counts, and the next call tells.
    }
    made += *more;
    moves = *more > 0 || left.size() < before;
  }
  holds_text_ = moves && made > 0;
  if (!moves && !left.empty()) damage_ = "it goes on behind its end";
  if (made == 0 && !damage_.empty()) return Broken(damage_);
  input_.erase(0, input_.size() - left.size());
  text.resize(made);
  if (made == 0 && has_ended_ && !unpacker_->IsBetween()) return Broken("it is cut short");
  return text;
}

Status PipeDecoder::Broken(std::string_view why) const {
  return FailedPrecondition("what comes through the pipe \"", path_,
                            "\" cannot be unpacked behind byte ", made_, " of the text (", why,
                            "); what came before is counted. Send it again from there on, whole");
}

Status PipeDecoder::CheckText(std::string_view text) {
  if (head_.size() >= kTextHeadBytes) return absl::OkStatus();
  head_ += text.substr(0, kTextHeadBytes - head_.size());
  const TextEncoding inner = unpacker_ != nullptr ? EncodingOf(head_) : TextEncoding::kPlain;
  if (IsPacked(inner)) return NoText("is compressed twice; unpack it once before, as with zcat");
  if (IsUtf16(inner)) {
    return NoText("is UTF-16 and compressed; unpack it before, as with zcat or zstdcat");
  }
  if (head_.find('\0') != std::string::npos) return NoText("is no text: it holds bytes of 0");
  return absl::OkStatus();
}

}  // namespace trident
