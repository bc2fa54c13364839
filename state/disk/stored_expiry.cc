// SPDX-License-Identifier: Apache-2.0
#include "state/disk/stored_expiry.h"

#include <limits>

#include "base/coding.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

constexpr char kExpiryPrefix[] = "expiry/";
constexpr uint8_t kRecordVersion = 1;

}  // namespace

StatusOr<int64_t> ReadExpiry(const DurableStore& store, const std::string& state) {
  const std::string key = kExpiryPrefix + state;
  TRIDENT_ASSIGN_OR_RETURN(const auto sealed, store.Get(Table::kMeta, key));
  if (!sealed) return int64_t{0};
  const std::string what = Concat("the record '", key, "' in ", store.Where());
  TRIDENT_ASSIGN_OR_RETURN(const std::string_view content, Unseal(what, kRecordVersion, *sealed));
  ByteReader in(content);
  const uint64_t micros = in.Varint();
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  if (in.done() && micros <= kMost) return static_cast<int64_t>(micros);
  return DataLoss(what,
                  " is damaged: its content is not well-formed. Restore the directory from a "
                  "backup");
}

void PutExpiry(const std::string& state, int64_t micros, WriteSet& changes) {
  const std::string key = kExpiryPrefix + state;
  if (micros <= 0) {
    changes.Delete(Table::kMeta, key);
    return;
  }
  std::string content;
  PutVarint(content, static_cast<uint64_t>(micros));
  changes.Put(Table::kMeta, key, Seal(kRecordVersion, content));
}

}  // namespace trident
