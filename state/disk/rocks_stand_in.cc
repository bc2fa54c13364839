// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_stand_in.h"

#include <utility>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace trident {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class FileSystemWithStandIn : public rocksdb::FileSystemWrapper {
 public:
  FileSystemWithStandIn(const std::shared_ptr<rocksdb::FileSystem>& target, std::string missing,
                        std::string stand_in)
      : FileSystemWrapper(target), missing_(std::move(missing)), stand_in_(std::move(stand_in)) {}
  const char* Name() const override { return "FileSystemWithStandIn"; }

  IOStatus FileExists(const std::string& path, const IOOptions& options,
                      IODebugContext* debug) override {
    return target()->FileExists(Place(path), options, debug);
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions& options, uint64_t* size,
                       IODebugContext* debug) override {
    return target()->GetFileSize(Place(path), options, size, debug);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                               IODebugContext* debug) override {
    return target()->NewRandomAccessFile(Place(path), options, file, debug);
  }

 private:
  const std::string& Place(const std::string& path) const {
    return path == missing_ ? stand_in_ : path;
  }

  const std::string missing_;
  const std::string stand_in_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> EnvWithStandIn(rocksdb::Env& env, std::string missing,
                                             std::string stand_in) {
  return rocksdb::NewCompositeEnv(std::make_shared<FileSystemWithStandIn>(
      env.GetFileSystem(), std::move(missing), std::move(stand_in)));
}

}  // namespace trident
