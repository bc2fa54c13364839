// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/hash.h"
#include "base/limits.h"
#include "engine/frames/frame_format.h"
#include "engine/frames/slice_codec.h"

namespace trident {

using namespace frame_format;

namespace {

// Hashes are not carried: the receiver makes them from the bytes, which costs less than the link,
// and no frame can bring a hash that is not its key's.
std::shared_ptr<const KeyColumn> KeysOf(std::span<const std::string_view> strings, BufferRef keep) {
  auto keys = std::make_shared<KeyColumn>();
  HashedKey* to = keys->keys.Extend(strings.size());
  for (std::string_view s : strings) *to++ = HashedKey{s, HashBytes(s)};
  keys->retained.push_back(std::move(keep));
  return keys;
}

// Reads the columns of a frame whose envelope is sound. Any inconsistency makes the reader not ok.
class BodyReader {
 public:
  BodyReader(std::string_view body, BufferRef keep) : in_(body), keep_(std::move(keep)) {}

  bool ReadHeader(size_t* rows, char* keys_kind) {
    const std::string_view version_and_keys = in_.Bytes(2);
    in_.Fixed64();
    *rows = in_.Varint();
    if (!in_.ok() || *rows > static_cast<uint64_t>(kFrameRowsMax)) return false;
    *keys_kind = version_and_keys[1];
    rows_ = *rows;
    return true;
  }
  ColumnRef ReadColumn(ColumnDecoder decoder, Nullability nullability) {
    EncodedColumn column{.rows = rows_, .valid = {}, .frame = keep_};
    const std::string_view has_nulls = in_.Bytes(1);
    if (!in_.ok() || has_nulls[0] < 0 || has_nulls[0] > 1) return nullptr;
    if (has_nulls[0] == 1) {
      const std::string_view valid = in_.Bytes(rows_);
      if (!in_.ok() || nullability != Nullability::kNullable) return nullptr;
      if (std::any_of(valid.begin(), valid.end(), [](char v) { return v != 0 && v != 1; })) {
        return nullptr;
      }
      column.valid = {reinterpret_cast<const uint8_t*>(valid.data()), valid.size()};
    }
    ColumnRef out = decoder(in_, column);
    return in_.ok() ? out : nullptr;
  }
  // False: no such keys.
  bool ReadKeys(char kind, Slice& slice) {
    if (kind == kNoKeys) return true;
    if (kind == kKeysAreColumn) {
      const uint64_t index = in_.Varint();
      if (!in_.ok() || index >= slice.columns().size()) return false;
      const Column& column = slice.column(index);
      if (!IsStrings(column.type()) || column.has_nulls()) return false;
      slice.set_keys(KeysOf(StringsOf(column), keep_));
      return true;
    }
    if (kind != kKeysApart || rows_ > in_.remaining()) return false;
    std::vector<std::string_view> strings(rows_);
    if (!column_decoder_internal::ReadStrings(in_, rows_, strings.data())) return false;
    slice.set_keys(KeysOf(strings, keep_));
    return true;
  }
  bool done() const { return in_.done(); }

 private:
  ByteReader in_;
  BufferRef keep_;
  size_t rows_ = 0;
};

Status Damaged(std::string_view what, size_t bytes) {
  return DataLoss("a frame of ", bytes, " bytes is damaged: ", what,
                  "; the link or its sender is at fault, the attempt will be made again");
}

}  // namespace

StatusOr<uint64_t> RowsOfFrame(std::string_view frame) {
  if (frame.size() < kFrameBytesMin) return Damaged("it is shorter than any frame", frame.size());
  ByteReader in(frame.substr(2 + sizeof(uint64_t), frame.size() - kChecksumBytes));
  const uint64_t rows = in.Varint();
  if (in.ok() && rows <= static_cast<uint64_t>(kFrameRowsMax)) return rows;
  return Damaged("it claims more rows than a frame may have", frame.size());
}

SliceDecoder::SliceDecoder(SchemaRef schema, std::vector<ColumnDecoder> decoders)
    : schema_(std::move(schema)),
      fingerprint_(SchemaFingerprint(*schema_)),
      decoders_(std::move(decoders)) {}

StatusOr<SliceDecoder> SliceDecoder::Make(SchemaRef schema) {
  std::vector<ColumnDecoder> decoders;
  for (const SchemaField& field : schema->fields()) {
    decoders.push_back(DecoderOf(*field.type));
    if (decoders.back() == nullptr) {
      return FailedPrecondition("field \"", field.name, "\" has the type ", field.type->name,
                                ", which this program cannot decode; describe a Field of that type "
                                "before frames of ",
                                schema->ToString(), " are received");
    }
  }
  return SliceDecoder(std::move(schema), std::move(decoders));
}

StatusOr<std::string_view> SliceDecoder::CheckEnvelope(std::string_view frame) const {
  if (frame.size() > static_cast<size_t>(kFrameBytesMax)) {
    return ResourceExhausted("a frame has ", frame.size(), " bytes, more than the limit of ",
                             kFrameBytesMax);
  }
  if (frame.size() < kFrameBytesMin) return Damaged("it is shorter than any frame", frame.size());
  const std::string_view body = frame.substr(0, frame.size() - kChecksumBytes);
  ByteReader checksum(frame.substr(body.size()));
  if (checksum.Fixed64() != HashBytes(body)) {
    return Damaged("its checksum does not hold", frame.size());
  }
  if (body[0] != kVersion) {
    return FailedPrecondition("a frame has version ", int{static_cast<unsigned char>(body[0])},
                              ", expected ", int{kVersion}, "; run the same release everywhere");
  }
  ByteReader fingerprint(body.substr(2));
  if (fingerprint.Fixed64() != fingerprint_) {
    return FailedPrecondition("a frame has another schema than ", schema_->ToString(),
                              "; do all workers run the same topology?");
  }
  return body;
}

StatusOr<Slice> SliceDecoder::Decode(std::string_view frame, const BufferRef& keep) const {
  TRIDENT_ASSIGN_OR_RETURN(const std::string_view body, CheckEnvelope(frame));
  BodyReader reader(body, keep);
  size_t rows = 0;
  char keys_kind = kNoKeys;
  if (!reader.ReadHeader(&rows, &keys_kind)) {
    return Damaged("it claims more rows than a frame may have", frame.size());
  }
  std::vector<ColumnRef> columns;
  for (size_t i = 0; i < decoders_.size(); ++i) {
    const SchemaField& field = schema_->field(i);
    columns.push_back(reader.ReadColumn(decoders_[i], field.nullability));
    if (columns.back() == nullptr) {
      return Damaged("the bytes are no column of " + field.type->name, frame.size());
    }
  }
  Slice slice(schema_, std::move(columns), rows);
  if (!reader.ReadKeys(keys_kind, slice)) return Damaged("the bytes are no keys", frame.size());
  if (!reader.done()) return Damaged("bytes are left over behind its end", frame.size());
  return slice;
}

}  // namespace trident
