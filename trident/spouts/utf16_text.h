// SPDX-License-Identifier: Apache-2.0
//
// Utf16Text: the text of a UTF-16 file, as UTF-8.
#ifndef TRIDENT_TRIDENT_SPOUTS_UTF16_TEXT_H_
#define TRIDENT_TRIDENT_SPOUTS_UTF16_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "trident/spouts/encoded_text.h"

namespace trident {

// Decodes the whole characters at the front of `in`, and tells how many bytes these are.
size_t DecodeUtf16(std::string_view in, TextEncoding encoding, std::string& out);

// A surrogate without the other one becomes one byte that is no UTF-8, so the rule for invalid
// lines applies to it. The last byte or surrogate of a file that awaits its second half is not
// there yet. The file may grow: its extent is how far it went when it was measured last.
class Utf16Text final : public EncodedText {
 public:
  explicit Utf16Text(TextEncoding encoding) : encoding_(encoding) {}

  StatusOr<std::optional<TextExtent>> Measure(RawRead raw, uint64_t budget) override;
  StatusOr<bool> Approach(RawRead raw, uint64_t offset, uint64_t budget) override;
  StatusOr<size_t> Read(RawRead raw, uint64_t offset, std::span<char> to) override;
  void Assume(const TextExtent& extent) override;
  std::optional<TextExtent> extent() const override;
  bool is_cut_short() const override { return false; }
  void ForgetFrom(uint64_t from) override;
  void Rest() override {}

 private:
  // Where decoding may begin.
  struct Place {
    uint64_t in_file = 0;
    TextExtent text;  // before it
  };
  // Decodes what follows `place`, and moves it behind that. Empty: nothing does.
  StatusOr<std::string> Next(RawRead raw, Place& place) TRIDENT_REQUIRES(mutex_);

  const TextEncoding encoding_;
  mutable Mutex mutex_;
  std::vector<Place> places_ TRIDENT_GUARDED_BY(mutex_) = {Place()};  // in order
  std::optional<TextExtent> extent_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_UTF16_TEXT_H_
