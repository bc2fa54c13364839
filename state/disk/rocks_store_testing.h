// SPDX-License-Identifier: Apache-2.0
//
// For tests only: a RocksStore over another file system, one that fails, tears and forgets.
#ifndef TRIDENT_STATE_DISK_ROCKS_STORE_TESTING_H_
#define TRIDENT_STATE_DISK_ROCKS_STORE_TESTING_H_

#include <memory>

#include "base/status.h"
#include "state/disk/rocks_store.h"

namespace rocksdb {
class Env;
}

namespace trident {

// RocksStore::Open, with every file of RocksDB, FORMAT and HIGHWATER behind `env`, which must
// outlive the store.
StatusOr<std::unique_ptr<RocksStore>> OpenRocksStoreOn(rocksdb::Env& env,
                                                       const RocksStoreOptions& options);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_STORE_TESTING_H_
