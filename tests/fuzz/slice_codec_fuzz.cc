// SPDX-License-Identifier: Apache-2.0
//
// Any bytes given to a frame decoder are refused or are a slice, and a slice that was accepted is
// the same after it is encoded and decoded again. The first byte chooses whether the checksum is
// made to hold, so that the fuzzer gets past it.
#include <cstdint>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "engine/data/field.h"
#include "engine/frames/slice_codec.h"

namespace trident {
namespace {

const SliceDecoder& Decoder(SchemaRef* schema) {
  static const SchemaRef* const fields = new SchemaRef(std::make_shared<Schema>(
      *Schema::Make(Fields(Field<Text>{"word"}, Field<std::optional<int64_t>>{"count"},
                           Field<std::optional<List<Text>>>{"tags"}, Field<bool>{"seen"})
                        .Describe())));
  static const SliceDecoder* const decoder = new SliceDecoder(*SliceDecoder::Make(*fields));
  *schema = *fields;
  return *decoder;
}

std::string RowsOf(const Slice& slice) {
  std::string out;
  for (size_t i = 0; i < slice.rows(); ++i) out += RowText(slice.Row(i));
  if (slice.keys() == nullptr) return out;
  for (const HashedKey& key : slice.keys()->keys) {
    TRIDENT_CHECK_EQ(key.hash, HashBytes(key.key));
    out.append(key.key);
  }
  return out;
}

// The rest of the input as a frame of this schema: version, fingerprint and checksum are put right.
std::string Sealed(std::string_view rest, const Schema& schema) {
  std::string frame = {1, rest.empty() ? '\0' : rest[0]};
  PutFixed64(frame, SchemaFingerprint(schema));
  if (!rest.empty()) frame.append(rest.substr(1));
  PutFixed64(frame, HashBytes(frame));
  return frame;
}

void Run(std::string_view input) {
  SchemaRef schema;
  const SliceDecoder& decoder = Decoder(&schema);
  const bool seal = !input.empty() && input[0] != 0;
  if (!input.empty()) input.remove_prefix(1);
  auto frame = std::make_shared<std::string>(seal ? Sealed(input, *schema) : std::string(input));
  const StatusOr<Slice> slice = decoder.Decode(*frame, frame);
  if (!slice.ok()) return;
  auto again = std::make_shared<std::string>();
  EncodeSlice(*slice, *again);
  const StatusOr<Slice> second = decoder.Decode(*again, again);
  TRIDENT_CHECK_OK(second.status());
  TRIDENT_CHECK(RowsOf(*slice) == RowsOf(*second));
}

}  // namespace
}  // namespace trident

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trident::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
