// SPDX-License-Identifier: Apache-2.0
//
// StoreCopy: the files of a store as they were at one moment, while the store goes on. Together, at
// their names, they are a state directory at rest.
#ifndef TRIDENT_STATE_DISK_STORE_COPY_H_
#define TRIDENT_STATE_DISK_STORE_COPY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trident {

// A state directory with this file in it is a backup: it lists the others, and was written last.
inline constexpr std::string_view kBackupFile = "BACKUP";

struct StoreCopy {
  struct File {
    std::string name;  // below a state directory, such as "db/000012.sst"
    std::string path;  // where its bytes are
    uint64_t bytes = 0;
  };
  std::vector<File> files;
  // The files are there, and do not change, as long as this lives.
  std::shared_ptr<const void> held;
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_STORE_COPY_H_
