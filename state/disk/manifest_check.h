// SPDX-License-Identifier: Apache-2.0
//
// What RocksDB does not notice about its own MANIFEST, the list of the files that make up a
// database. It reads the list up to a record that seems to reach beyond the end of the file, and
// takes this for a record that was being written when the machine stopped. One flipped bit in the
// length or the type of any record near the end looks the same, and all files listed behind it are
// then left out, and deleted.
#ifndef TRIDENT_STATE_DISK_MANIFEST_CHECK_H_
#define TRIDENT_STATE_DISK_MANIFEST_CHECK_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace rocksdb {
class Env;
}

namespace trident {

// Where whole records follow the one at which RocksDB would end reading, or it is whole itself but
// for its length or type: the offset of this one. npos: nothing contradicts that the list ends
// there.
size_t FindBrokenHeader(std::string_view manifest);

// DataLoss when the MANIFEST that `db`/CURRENT names has such a record. Ok when either cannot be
// read, which RocksDB tells better.
Status CheckManifest(rocksdb::Env& env, const std::string& db, std::string_view dir);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_MANIFEST_CHECK_H_
