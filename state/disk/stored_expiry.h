// SPDX-License-Identifier: Apache-2.0
//
// For how long the keys of a state lasted under the start before, so that a change of that can be
// told. Nothing else is done by it: the topology says how long keys last.
//
//   kMeta  "expiry/" name    microseconds, a varint, sealed; none: the state's keys do not expire,
//                            or a release wrote it that kept no such record
#ifndef TRIDENT_STATE_DISK_STORED_EXPIRY_H_
#define TRIDENT_STATE_DISK_STORED_EXPIRY_H_

#include <cstdint>
#include <string>

#include "base/status.h"
#include "state/disk/durable_store.h"

namespace trident {

// Microseconds; 0: there is no record. DataLoss if it is damaged.
StatusOr<int64_t> ReadExpiry(const DurableStore& store, const std::string& state);

// 0 deletes the record.
void PutExpiry(const std::string& state, int64_t micros, WriteSet& changes);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_STORED_EXPIRY_H_
