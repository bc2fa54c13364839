// SPDX-License-Identifier: Apache-2.0
//
// One file in the place of another, for a reader who may not move it there.
#ifndef TRIDENT_STATE_DISK_ROCKS_STAND_IN_H_
#define TRIDENT_STATE_DISK_ROCKS_STAND_IN_H_

#include <memory>
#include <string>

namespace rocksdb {
class Env;
}

namespace trident {

// `env`, but whoever reads the file `missing` reads `stand_in`. Changes nothing on the disk. `env`
// must outlive it.
std::unique_ptr<rocksdb::Env> EnvWithStandIn(rocksdb::Env& env, std::string missing,
                                             std::string stand_in);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_STAND_IN_H_
