// SPDX-License-Identifier: Apache-2.0
//
// How RocksDB puts what was appended to a key of the base behind what the key has: a merge operator
// that never fails, because to write one thing behind the other always makes sense.
#ifndef TRIDENT_STATE_DISK_ROCKS_APPEND_H_
#define TRIDENT_STATE_DISK_ROCKS_APPEND_H_

#include <memory>
#include <utility>

#include "base/mutex.h"
#include "state/disk/durable_store.h"

namespace rocksdb {
class MergeOperator;
}

namespace trident {

// Holds what DurableStore::SetCondense gave; null before. Thread-safe.
class CondenseHolder {
 public:
  void Set(std::shared_ptr<const Condense> condense) {
    MutexLock lock(mutex_);
    condense_ = std::move(condense);
  }
  std::shared_ptr<const Condense> Get() const {
    MutexLock lock(mutex_);
    return condense_;
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Condense> condense_ TRIDENT_GUARDED_BY(mutex_);
};

std::shared_ptr<rocksdb::MergeOperator> NewAppendOperator(
    std::shared_ptr<const CondenseHolder> condense);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_APPEND_H_
