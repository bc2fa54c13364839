// SPDX-License-Identifier: Apache-2.0
//
// BatchPayload: a slice of a batch on its way through an exchange. Inside a process it moves as a
// pointer and shares its columns; between processes EncodeTo and DecodeBatch
// (engine/frames/batch_codec.h) carry it.
#ifndef TRIDENT_ENGINE_FRAMES_BATCH_PAYLOAD_H_
#define TRIDENT_ENGINE_FRAMES_BATCH_PAYLOAD_H_

#include <string>
#include <utility>

#include "engine/data/batch.h"
#include "engine/transport/message.h"

namespace trident {

// Immutable, so any thread may read it.
class BatchPayload final : public Payload {
 public:
  explicit BatchPayload(Batch batch) : batch_(std::move(batch)), bytes_(batch_.ValueBytes()) {}

  const Batch& batch() const { return batch_; }

  uint64_t rows() const override { return batch_.rows(); }
  // Of the columns; what text points at is counted by the buffer's owner.
  uint64_t bytes() const override { return bytes_; }
  // Appends the frame form of engine/frames/batch_codec.h.
  void EncodeTo(std::string& out) const override;

 private:
  const Batch batch_;
  const uint64_t bytes_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_FRAMES_BATCH_PAYLOAD_H_
