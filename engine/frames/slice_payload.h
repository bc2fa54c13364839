// SPDX-License-Identifier: Apache-2.0
//
// SlicePayload: a slice of a slice on its way through an exchange. Inside a process it moves as a
// pointer and shares its columns; between processes EncodeTo and DecodeSlice
// (engine/frames/slice_codec.h) carry it.
#ifndef TRIDENT_ENGINE_FRAMES_SLICE_PAYLOAD_H_
#define TRIDENT_ENGINE_FRAMES_SLICE_PAYLOAD_H_

#include <string>
#include <utility>

#include "engine/data/slice.h"
#include "engine/transport/message.h"

namespace trident {

// Immutable, so any thread may read it.
class SlicePayload final : public Payload {
 public:
  explicit SlicePayload(Slice slice) : slice_(std::move(slice)), bytes_(slice_.ValueBytes()) {}

  const Slice& slice() const { return slice_; }

  uint64_t rows() const override { return slice_.rows(); }
  // Of the columns; what text points at is counted by the buffer's owner.
  uint64_t bytes() const override { return bytes_; }
  // Appends the frame form of engine/frames/slice_codec.h.
  void EncodeTo(std::string& out) const override;

 private:
  const Slice slice_;
  const uint64_t bytes_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_FRAMES_SLICE_PAYLOAD_H_
