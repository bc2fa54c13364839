// SPDX-License-Identifier: Apache-2.0
#include "engine/frames/slice_payload.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/coding.h"
#include "base/guard.h"
#include "base/rng.h"
#include "engine/frames/frame_format.h"

namespace trident {

namespace {

// The rows `first` to `first + rows` of a decoded frame, in the columns of the whole: no value is
// copied. A frame of all tasks of a process has few rows for each of them.
Slice RunOf(const Slice& whole, uint64_t first, uint64_t rows) {
  std::vector<uint32_t> selection(rows);
  std::iota(selection.begin(), selection.end(), static_cast<uint32_t>(first));
  Slice run = whole.Select(std::move(selection));
  if (whole.keys() == nullptr) return run;
  auto keys = std::make_shared<KeyColumn>();
  HashedKey* to = keys->keys.Extend(rows);
  std::copy_n(whole.keys()->keys.begin() + first, rows, to);
  keys->retained = whole.keys()->retained;
  run.set_keys(std::move(keys));
  return run;
}

}  // namespace

std::shared_ptr<const EncodedFrame> EncodedFrame::Made(std::string bytes, uint64_t rows) {
  auto held = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view view = *held;
  return std::shared_ptr<const EncodedFrame>(new EncodedFrame(view, std::move(held), rows));
}

std::shared_ptr<const EncodedFrame> EncodedFrame::Of(const Slice& slice) {
  std::string bytes;
  EncodeSlice(slice, bytes);
  return Made(std::move(bytes), slice.rows());
}

std::shared_ptr<const EncodedFrame> EncodedFrame::Of(const Slice& slice,
                                                     std::span<const uint32_t> places) {
  std::string bytes;
  EncodeRows(slice, places, bytes);
  return Made(std::move(bytes), places.size());
}

StatusOr<std::shared_ptr<const EncodedFrame>> EncodedFrame::Parse(std::string_view bytes,
                                                                  BufferRef keep) {
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t rows, RowsOfFrame(bytes));
  return std::shared_ptr<const EncodedFrame>(new EncodedFrame(bytes, std::move(keep), rows));
}

uint64_t EncodedFrame::checksum() const {
  return ByteReader(bytes_.substr(bytes_.size() - frame_format::kChecksumBytes)).Fixed64();
}

const StatusOr<Slice>& EncodedFrame::Decode(const SliceDecoder& decoder) const {
  MutexLock lock(mutex_);
  if (!decoded_) {
    decoded_ = Guarded("the codec of a field", [&] { return decoder.Decode(bytes_, keep_); });
  }
  return *decoded_;
}

StatusOr<Slice> FramePayload::Decode(const SliceDecoder& decoder) const {
  const StatusOr<Slice>& whole = frame_->Decode(decoder);
  if (!whole.ok() || rows_ == whole->rows()) return whole;
  return RunOf(*whole, first_, rows_);
}

uint64_t FramePayload::bytes() const {
  if (rows_ == frame_->rows()) return frame_->bytes().size();
  return frame_->bytes().size() * rows_ / frame_->rows();
}

uint64_t FramePayload::checksum() const {
  return Mix64(frame_->checksum() ^ Mix64(first_)) ^ rows_;
}

}  // namespace trident
