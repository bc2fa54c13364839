// SPDX-License-Identifier: Apache-2.0
//
// PackedText: the text of a gzip or zstd file.
#ifndef TRIDENT_TRIDENT_SPOUTS_PACKED_TEXT_H_
#define TRIDENT_TRIDENT_SPOUTS_PACKED_TEXT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "trident/spouts/encoded_text.h"
#include "trident/spouts/unpacker.h"

namespace trident {

// A reader goes forward, and back a little for a line that a block cut, or farther for a batch that
// is made again. So the bytes that were read last are kept; and places from which unpacking may go
// on, close together near the newest and far apart behind it. Of zstd these are beginnings of
// frames.
class PackedText final : public EncodedText {
 public:
  PackedText(TextEncoding encoding, std::string path)
      : encoding_(encoding), path_(std::move(path)) {}

  StatusOr<std::optional<TextExtent>> Measure(RawRead raw, uint64_t budget) override;
  StatusOr<bool> Approach(RawRead raw, uint64_t offset, uint64_t budget) override;
  StatusOr<size_t> Read(RawRead raw, uint64_t offset, std::span<char> to) override;
  void Assume(const TextExtent& extent) override;
  std::optional<TextExtent> extent() const override;
  bool is_cut_short() const override;
  void ForgetFrom(uint64_t from) override;
  void Rest() override;

 private:
  struct Place {
    std::unique_ptr<Unpacker> unpacker;
    uint64_t in_file = 0;  // the next byte to be unpacked
    uint64_t in_text = 0;  // the next byte to be made
  };
  Status Damaged(uint64_t at, std::string_view why) const;
  StatusOr<Place> Beginning() const;
  // Unpacks from `place` on into all of `to`, or up to the end of the text, or of a part.
  StatusOr<size_t> Advance(RawRead raw, Place& place, std::span<char> to) TRIDENT_REQUIRES(mutex_);
  // The bytes of the file from `in_file` on; empty at its end.
  StatusOr<std::string_view> InputAt(RawRead raw, uint64_t in_file) TRIDENT_REQUIRES(mutex_);
  // Makes `at_` a place at or before `offset`, the nearest one that is known.
  Status StandBefore(uint64_t offset) TRIDENT_REQUIRES(mutex_);
  // Unpacks `bytes` towards `offset`, and drops them. Moved nowhere: the text ends here.
  Status Skip(RawRead raw, uint64_t offset, uint64_t bytes) TRIDENT_REQUIRES(mutex_);
  void KeepPlace() TRIDENT_REQUIRES(mutex_);

  const TextEncoding encoding_;
  const std::string path_;
  mutable Mutex mutex_;
  std::string input_ TRIDENT_GUARDED_BY(mutex_);
  uint64_t input_at_ TRIDENT_GUARDED_BY(mutex_) = 0;
  std::string head_ TRIDENT_GUARDED_BY(mutex_);  // the first bytes of the text
  // Of Measure.
  Place measured_ TRIDENT_GUARDED_BY(mutex_);
  TextExtent measured_so_far_ TRIDENT_GUARDED_BY(mutex_);
  std::optional<TextExtent> extent_ TRIDENT_GUARDED_BY(mutex_);
  bool is_cut_short_ TRIDENT_GUARDED_BY(mutex_) = false;
  Status damage_ TRIDENT_GUARDED_BY(mutex_);
  // Of Read.
  Place at_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<Place> places_ TRIDENT_GUARDED_BY(mutex_);  // in order
  std::string last_ TRIDENT_GUARDED_BY(mutex_);           // was read last, ...
  uint64_t last_at_ TRIDENT_GUARDED_BY(mutex_) = 0;       // ... from here on
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_PACKED_TEXT_H_
