// SPDX-License-Identifier: Apache-2.0
//
// EncodedText: the text of a file whose bytes are not that text: compressed, or in UTF-16. All
// offsets of a reader, of positions and of marks are offsets in the text.
#ifndef TRIDENT_TRIDENT_SPOUTS_ENCODED_TEXT_H_
#define TRIDENT_TRIDENT_SPOUTS_ENCODED_TEXT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

#include "base/status.h"

namespace trident {

enum class TextEncoding : uint8_t {
  kUndecided,  // there are too few bytes yet; as plain as long as they are all
  kPlain,
  kGzip,
  kZstd,
  kUtf16LittleEndian,
  kUtf16BigEndian,
};
// By the first bytes of a file; kEncodingBytes are enough.
inline constexpr size_t kEncodingBytes = 4;
TextEncoding EncodingOf(std::string_view head);
// A compressed file is whole or it is not: nobody adds lines to it while it is read.
inline bool IsPacked(TextEncoding encoding) {
  return encoding == TextEncoding::kGzip || encoding == TextEncoding::kZstd;
}
inline bool IsUtf16(TextEncoding encoding) {
  return encoding == TextEncoding::kUtf16LittleEndian || encoding == TextEncoding::kUtf16BigEndian;
}

// Reads bytes of the file; fewer come only at its end.
using RawRead = absl::FunctionRef<StatusOr<size_t>(uint64_t offset, std::span<char> to)>;

// Where a text ends, and where its last newline does.
struct TextExtent {
  uint64_t bytes = 0;
  uint64_t lines_end = 0;
};

// Thread-safe. Errors are those of the reads, and DataLoss where the bytes are no such text; it
// names the file and the byte of the text.
class EncodedText {
 public:
  virtual ~EncodedText() = default;
  // Decodes the file to its end, of which `budget` bytes at most in this call, so that its end is
  // known, and that all of it is well. nullopt: it is not there yet.
  virtual StatusOr<std::optional<TextExtent>> Measure(RawRead raw, uint64_t budget) = 0;
  // Decodes at most `budget` bytes on the way to `offset`. True: a read there takes no longer.
  virtual StatusOr<bool> Approach(RawRead raw, uint64_t offset, uint64_t budget) = 0;
  // How many bytes of the text came: fewer only at its end.
  virtual StatusOr<size_t> Read(RawRead raw, uint64_t offset, std::span<char> to) = 0;
  // As if it had been measured.
  virtual void Assume(const TextExtent& extent) = 0;
  virtual std::optional<TextExtent> extent() const = 0;
  // The file ends where it should not. It may be one that is written just now.
  virtual bool is_cut_short() const = 0;
  // The file changed behind the byte `from` of the text.
  virtual void ForgetFrom(uint64_t from) = 0;
  // Lets go of what makes the next read quick.
  virtual void Rest() = 0;
};

// `path` is for messages; `encoding` is one of the last four.
std::shared_ptr<EncodedText> NewEncodedText(TextEncoding encoding, const std::string& path);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_ENCODED_TEXT_H_
