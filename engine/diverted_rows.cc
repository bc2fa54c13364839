// SPDX-License-Identifier: Apache-2.0
#include "engine/diverted_rows.h"

#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "engine/frames/slice_codec.h"

namespace trident {
namespace {

constexpr char kVersion = 1;
// What the encoding of a value takes beside its bytes.
constexpr size_t kSlackBytes = 16;

}  // namespace

// Version, tries, place, the fields for people, the row as a frame.
std::string EncodeKeptRow(const KeptRow& kept) {
  std::string out(1, kVersion);
  PutVarint(out, kept.tries);
  PutLengthPrefixed(out, kept.place);
  PutLengthPrefixed(out, kept.row.schema().ToString());
  EncodeSlice(kept.row, out);
  return out.size() + kSlackBytes > static_cast<size_t>(kValueBytesMax) ? "" : out;
}

StatusOr<KeptRow> DecodeKeptRow(std::string bytes, const SchemaRef& schema) {
  const auto held = std::make_shared<const std::string>(std::move(bytes));
  ByteReader in(*held);
  const std::string_view version = in.Bytes(1);
  if (!in.ok() || version[0] != kVersion) {
    return FailedPrecondition("the row is kept in another form than version ", int{kVersion},
                              "; another release put it aside");
  }
  KeptRow kept;
  kept.tries = static_cast<uint32_t>(in.Varint());
  kept.place = in.LengthPrefixed();
  const std::string_view fields = in.LengthPrefixed();
  if (!in.ok()) return DataLoss("the kept row is damaged: its head has no end");
  if (fields != schema->ToString()) {
    return FailedPrecondition("the row has the fields ", fields, ", but its stream has ",
                              schema->ToString(), " now");
  }
  TRIDENT_ASSIGN_OR_RETURN(const SliceDecoder decoder, SliceDecoder::Make(schema));
  TRIDENT_ASSIGN_OR_RETURN(kept.row, decoder.Decode(in.rest(), held));
  if (kept.row.rows() != 1) return DataLoss("the kept row is damaged: it is not one row");
  return kept;
}

SchemaRef DivertedRows::TheSchema() {
  static const SchemaRef* const schema =
      new SchemaRef(std::make_shared<const Schema>(*Schema::Make({{"row", &TypeOf<Text>()},
                                                                  {"cause", &TypeOf<Text>()},
                                                                  {"kept", &TypeOf<Bytes>()},
                                                                  {"key", &TypeOf<Bytes>()}})));
  return *schema;
}

DivertedRows::DivertedRows()
    : rows_(std::make_shared<ColumnOf<Text>>()),
      causes_(std::make_shared<ColumnOf<Text>>()),
      kept_(std::make_shared<ColumnOf<Bytes>>()),
      keys_(std::make_shared<ColumnOf<Bytes>>()) {}

void DivertedRows::Add(const Letter& letter) {
  const bool is_long = letter.row.size() > kLetterTextBytesMax;
  const size_t shown =
      is_long ? ValidUtf8Prefix(letter.row.substr(0, kLetterTextBytesMax)) : letter.row.size();
  std::string row(letter.row.substr(0, shown));
  if (is_long) row += Concat("... (cut, ", letter.row.size(), " bytes)");
  rows_->Append(arena_.Copy(row));
  causes_->Append(arena_.Copy(letter.cause));
  kept_->Append(Bytes{arena_.Copy(letter.kept)});
  keys_->Append(Bytes{arena_.Copy(letter.key)});
}

Slice DivertedRows::Take() {
  const BufferRef bytes = arena_.Release();
  rows_->Retain(bytes);
  causes_->Retain(bytes);
  kept_->Retain(bytes);
  keys_->Retain(bytes);
  const size_t rows = rows_->size();
  return Slice(TheSchema(), {rows_, causes_, kept_, keys_}, rows);
}

}  // namespace trident
