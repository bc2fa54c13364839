// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_log.h"

#include <array>
#include <cstdarg>
#include <cstdio>

#include <rocksdb/env.h>

#include "base/limits.h"
#include "base/logging.h"

namespace trident {
namespace {

class RocksLog : public rocksdb::Logger {
 public:
  RocksLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  // All options, at every open; the file OPTIONS has them too.
  void LogHeader(const char*, va_list) override {}
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list values) override {
    if (level >= GetInfoLogLevel()) Logv(format, values);
  }
  void Logv(const char* format, va_list values) override {
    constexpr size_t kLineBytesMax = 1024;  // longer lines are cut
    std::array<char, kLineBytesMax> line;
    if (std::vsnprintf(line.data(), line.size(), format, values) < 0) return;
    TRIDENT_LOG(INFO) << "RocksDB: " << line.data();
  }
};

}  // namespace

std::shared_ptr<rocksdb::Logger> NewRocksLog() { return std::make_shared<RocksLog>(); }

}  // namespace trident
