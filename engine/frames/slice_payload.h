// SPDX-License-Identifier: Apache-2.0
//
// The two forms of the rows in a frame. SlicePayload is a slice that moves as a pointer, inside a
// process. FramePayload is rows of a slice as bytes (engine/frames/slice_codec.h): encoded by the
// task that sends them, decoded by the first task that takes some of them. So the work of both is
// on threads that own rows, not on those that own connections.
#ifndef TRIDENT_ENGINE_FRAMES_SLICE_PAYLOAD_H_
#define TRIDENT_ENGINE_FRAMES_SLICE_PAYLOAD_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "base/status.h"
#include "engine/data/slice.h"
#include "engine/frames/slice_codec.h"
#include "engine/transport/message.h"

namespace trident {

class SlicePayload final : public Payload {
 public:
  explicit SlicePayload(Slice slice) : slice_(std::move(slice)) {}

  const Slice& slice() const { return slice_; }

  uint64_t rows() const override { return slice_.rows(); }
  // Looks at each text: for those who ask, not for each frame that passes.
  uint64_t bytes() const override { return slice_.MemoryBytes(); }
  uint64_t checksum() const override { return slice_.rows(); }

 private:
  const Slice slice_;
};

// A slice as bytes. One may hold rows for several tasks of a process. Thread-safe.
class EncodedFrame {
 public:
  // REQUIRES: as EncodeSlice. Throws what a codec of the program's types throws.
  static std::shared_ptr<const EncodedFrame> Of(const Slice& slice);
  // Of the selected rows at these places. REQUIRES: as EncodeRows.
  static std::shared_ptr<const EncodedFrame> Of(const Slice& slice,
                                                std::span<const uint32_t> places);
  // A frame that has come; `keep` owns its memory. DataLoss: bytes that are no frame. It looks at
  // the number of rows alone; decoding checks all else.
  static StatusOr<std::shared_ptr<const EncodedFrame>> Parse(std::string_view bytes,
                                                             BufferRef keep);

  std::string_view bytes() const { return bytes_; }
  uint64_t rows() const { return rows_; }
  // As it stands in the frame. Decoding compares it with the bytes.
  uint64_t checksum() const;
  // The first call decodes, the others get what it got. Aborted: the codec of a type of the program
  // threw; else errors as SliceDecoder::Decode. REQUIRES: all decoders are of one schema.
  const StatusOr<Slice>& Decode(const SliceDecoder& decoder) const;

 private:
  static std::shared_ptr<const EncodedFrame> Made(std::string bytes, uint64_t rows);
  EncodedFrame(std::string_view bytes, BufferRef keep, uint64_t rows)
      : bytes_(bytes), keep_(std::move(keep)), rows_(rows) {}

  const std::string_view bytes_;
  const BufferRef keep_;
  const uint64_t rows_;
  mutable Mutex mutex_;
  mutable std::optional<StatusOr<Slice>> decoded_ TRIDENT_GUARDED_BY(mutex_);
};

// Some rows of an encoded frame, one after the other: those of one task.
class FramePayload final : public Payload {
 public:
  // REQUIRES: the frame has the rows.
  FramePayload(std::shared_ptr<const EncodedFrame> frame, uint64_t first, uint64_t rows)
      : frame_(std::move(frame)), first_(first), rows_(rows) {}

  const std::shared_ptr<const EncodedFrame>& frame() const { return frame_; }
  uint64_t first() const { return first_; }
  // Errors as EncodedFrame::Decode.
  StatusOr<Slice> Decode(const SliceDecoder& decoder) const;

  uint64_t rows() const override { return rows_; }
  // Its share of the frame.
  uint64_t bytes() const override;
  uint64_t checksum() const override;

 private:
  const std::shared_ptr<const EncodedFrame> frame_;
  const uint64_t first_;
  const uint64_t rows_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_FRAMES_SLICE_PAYLOAD_H_
