// SPDX-License-Identifier: Apache-2.0
//
// A copy of an open RocksDB, made beside it by links to its table files, which never change.
#ifndef TRIDENT_STATE_DISK_ROCKS_COPY_H_
#define TRIDENT_STATE_DISK_ROCKS_COPY_H_

#include <cstdint>
#include <string>

#include "base/status.h"
#include "state/disk/rocks_directory.h"
#include "state/disk/store_copy.h"

namespace rocksdb {
class DB;
}

namespace trident {

// Copies what `db`, which `directory` has, holds now into a new folder of directory.copies(). The
// folder is removed when nobody holds the copy any more. `number` is given once. Writes go on
// meanwhile, but for the flush of what memory holds. Errors as of DurableStore::NewCopy.
StatusOr<StoreCopy> CopyOf(rocksdb::DB& db, const RocksDirectory& directory, uint64_t number);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_COPY_H_
