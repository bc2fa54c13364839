// SPDX-License-Identifier: Apache-2.0
//
// What RocksDB writes about itself goes to our log instead of a file of its own.
//
// Its own file, LOG, stands beside the data on the same disk, and this RocksDB aborts the process
// when it writes another line after one that failed: of all full disks, those were the fatal ones.
#ifndef TRIDENT_STATE_DISK_ROCKS_LOG_H_
#define TRIDENT_STATE_DISK_ROCKS_LOG_H_

#include <memory>

namespace rocksdb {
class Logger;
}

namespace trident {

// Thread-safe. Warnings and errors become lines of level INFO (TRIDENT_LOG=info shows them): what
// the caller has to know of them is in the Status that it gets, and is said once, there.
std::shared_ptr<rocksdb::Logger> NewRocksLog();

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_LOG_H_
