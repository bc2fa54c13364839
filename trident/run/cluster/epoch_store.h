// SPDX-License-Identifier: Apache-2.0
//
// EpochStore: where the one record stands that says which epoch a topology has. StoredEpoch keeps
// it in the store of the leader's worker, in the kMeta table under "epoch-record", sealed. That
// store belongs to one process at a time, so compare-and-set is a comparison and a write.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_EPOCH_STORE_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_EPOCH_STORE_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "coordinator/protocol/epoch_words.h"
#include "state/disk/durable_store.h"

namespace trident {

std::string EncodeEpochRecord(const EpochRecord& record);
// DataLoss: the bytes are damaged.
StatusOr<EpochRecord> DecodeEpochRecord(std::string_view bytes);

class EpochStore {
 public:
  virtual ~EpochStore() = default;
  // The record; that of epoch 0 if no epoch has begun.
  virtual StatusOr<EpochRecord> Read() = 0;
  // Puts `next` in the place of `expected`, durably. Aborted: another record stands there. Any
  // other error: the outcome is unknown until it is read.
  virtual Status CompareAndSet(const EpochRecord& expected, const EpochRecord& next) = 0;
};

// One caller at a time.
class StoredEpoch final : public EpochStore {
 public:
  // `store` outlives the object. It must have an owner by the first CompareAndSet.
  explicit StoredEpoch(DurableStore& store) : store_(store) {}

  StatusOr<EpochRecord> Read() override;
  Status CompareAndSet(const EpochRecord& expected, const EpochRecord& next) override;

 private:
  DurableStore& store_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_EPOCH_STORE_H_
