// SPDX-License-Identifier: Apache-2.0
//
// The frame: the rows of a slice as bytes, for a link between processes. docs/frame_format.md has
// the layout. A frame holds no schema, only its fingerprint: both ends run the same topology and
// know it.
//
// Decoding trusts nothing: the checksum, every count and every length are checked before they are
// used, and memory is taken in proportion to the bytes that are there. Text is not copied: its
// views point into the frame, which the slice keeps alive.
#ifndef TRIDENT_ENGINE_FRAMES_SLICE_CODEC_H_
#define TRIDENT_ENGINE_FRAMES_SLICE_CODEC_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/data/column_decoder.h"
#include "engine/data/slice.h"

namespace trident {

// Equal for equal schemas: names, types and nullability, in order.
uint64_t SchemaFingerprint(const Schema& schema);

// Appends the selected rows of `slice`, with their keys, as one frame.
// REQUIRES: at most kFrameRowsMax rows, and no text of 4 GiB.
void EncodeSlice(const Slice& slice, std::string& out);
// Appends the selected rows at these places (0 .. rows()-1) as one frame. The same bytes as
// EncodeSlice of Slice::Gather, without the copy of the values that Gather makes.
// REQUIRES: as EncodeSlice.
void EncodeRows(const Slice& slice, std::span<const uint32_t> places, std::string& out);

// How many rows a frame says to have. DataLoss: too short for a frame, or more than kFrameRowsMax.
StatusOr<uint64_t> RowsOfFrame(std::string_view frame);

// Reads frames of one schema. Immutable, so any thread may use it.
class SliceDecoder {
 public:
  // FailedPrecondition when a field has a user type that this program has described no Field of.
  static StatusOr<SliceDecoder> Make(SchemaRef schema);

  // The slice of a whole frame. `keep` owns the memory of `frame`; the slice holds on to it.
  // FailedPrecondition: a frame of another schema or of a newer version. DataLoss: damaged bytes.
  StatusOr<Slice> Decode(std::string_view frame, const BufferRef& keep) const;

 private:
  SliceDecoder(SchemaRef schema, std::vector<ColumnDecoder> decoders);
  StatusOr<std::string_view> CheckEnvelope(std::string_view frame) const;

  SchemaRef schema_;
  uint64_t fingerprint_;
  std::vector<ColumnDecoder> decoders_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_FRAMES_SLICE_CODEC_H_
