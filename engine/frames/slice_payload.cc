// SPDX-License-Identifier: Apache-2.0
#include "engine/frames/slice_payload.h"

#include <numeric>
#include <string>
#include <vector>

#include "base/coding.h"
#include "base/guard.h"
#include "base/rng.h"
#include "engine/frames/frame_format.h"

namespace trident {

std::shared_ptr<const EncodedFrame> EncodedFrame::Of(const Slice& slice) {
  auto bytes = std::make_shared<std::string>();
  EncodeSlice(slice, *bytes);
  const std::string_view view = *bytes;
  return std::shared_ptr<const EncodedFrame>(
      new EncodedFrame(view, std::move(bytes), slice.rows()));
}

StatusOr<std::shared_ptr<const EncodedFrame>> EncodedFrame::Parse(std::string_view bytes,
                                                                  BufferRef keep) {
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t rows, RowsOfFrame(bytes));
  return std::shared_ptr<const EncodedFrame>(new EncodedFrame(bytes, std::move(keep), rows));
}

uint64_t EncodedFrame::checksum() const {
  return ByteReader(bytes_.substr(bytes_.size() - frame_format::kChecksumBytes)).Fixed64();
}

StatusOr<Slice> EncodedFrame::Decode(const SliceDecoder& decoder) const {
  MutexLock lock(mutex_);
  if (!decoded_) {
    decoded_ = Guarded("the codec of a field", [&] { return decoder.Decode(bytes_, keep_); });
  }
  return *decoded_;
}

StatusOr<Slice> FramePayload::Decode(const SliceDecoder& decoder) const {
  TRIDENT_ASSIGN_OR_RETURN(Slice slice, frame_->Decode(decoder));
  if (rows_ == slice.rows()) return slice;
  std::vector<uint32_t> places(rows_);
  std::iota(places.begin(), places.end(), static_cast<uint32_t>(first_));
  return slice.Gather(places);
}

uint64_t FramePayload::bytes() const {
  if (rows_ == frame_->rows()) return frame_->bytes().size();
  return frame_->bytes().size() * rows_ / frame_->rows();
}

uint64_t FramePayload::checksum() const {
  return Mix64(frame_->checksum() ^ Mix64(first_)) ^ rows_;
}

}  // namespace trident
