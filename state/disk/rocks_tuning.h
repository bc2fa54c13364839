// SPDX-License-Identifier: Apache-2.0
//
// Everything that the store sets on RocksDB, with the reason beside each setting in
// rocks_tuning.cc.
#ifndef TRIDENT_STATE_DISK_ROCKS_TUNING_H_
#define TRIDENT_STATE_DISK_ROCKS_TUNING_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "state/disk/durable_store.h"

namespace rocksdb {
class Cache;
class WriteBufferManager;
struct ColumnFamilyOptions;
struct DBOptions;
struct IngestExternalFileOptions;
struct Options;
}  // namespace rocksdb

namespace trident {

// The memory of one store, shared by its tables.
struct RocksMemory {
  RocksMemory(uint64_t cache_bytes, uint64_t write_buffer_bytes);

  // Holds blocks, filters and indexes; the write buffers are counted against it.
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
  const uint64_t write_buffer_bytes;
  // While filters and indexes are smaller than this, nothing pushes them out of the cache.
  const uint64_t index_bytes_max;
};

// The name of the table's column family. kMeta is RocksDB's default one.
std::string_view FamilyName(Table table);

rocksdb::DBOptions DatabaseOptions(const RocksMemory& memory);
rocksdb::ColumnFamilyOptions FamilyOptions(Table table, const RocksMemory& memory);
// Of the files that bulk loads build.
rocksdb::Options BulkLoadOptions(const RocksMemory& memory);
rocksdb::IngestExternalFileOptions IngestOptions();

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_ROCKS_TUNING_H_
