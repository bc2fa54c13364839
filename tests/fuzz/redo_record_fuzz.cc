// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes stand in the redo table: they are refused, or they are exactly what the builder
// would write. Each input is tried as it is and with its checksum made right, so that the parts
// behind the checksum are reached too.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "state/redo/redo_record.h"

namespace trident {
namespace {

void ParseAndRebuild(std::string_view bytes) {
  const StatusOr<RedoRecord> record = ParseRedoRecord(bytes);
  if (!record.ok()) return;
  RedoRecordBuilder builder(record->header);
  for (const RedoSection& section : record->sections) {
    builder.AddSection(section.id, section.count, section.bytes);
  }
  TRIDENT_CHECK(std::move(builder).Finish() == bytes);
}

}  // namespace
}  // namespace trident

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  trident::ParseAndRebuild(bytes);
  trident::PutFixed64(bytes, trident::HashBytes(bytes));
  trident::ParseAndRebuild(bytes);
  return 0;
}
