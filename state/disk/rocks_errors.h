// SPDX-License-Identifier: Apache-2.0
//
// What RocksDB's answers mean to whoever runs the process.
#ifndef TRIDENT_STATE_DISK_ROCKS_ERRORS_H_
#define TRIDENT_STATE_DISK_ROCKS_ERRORS_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace rocksdb {
class Status;
}

namespace trident {

// Ok stays ok. `action` is what was tried, in words that follow "cannot", such as "write"; `dir` is
// the state directory. The message ends with what to try.
Status FromRocks(const rocksdb::Status& status, std::string_view action, std::string_view dir);

// The same for opening, where a file that is not there and an answer that makes no sense are
// damage.
Status FromRocksOpen(const rocksdb::Status& status, std::string_view dir);

// RocksDB refuses a write to its log because the one of another thread has just failed.
bool IsFailureOfAnother(const rocksdb::Status& status);

// What FromRocks does, for an errno of the operating system.
Status FromErrno(int error, std::string_view action, std::string_view path);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_ERRORS_H_
