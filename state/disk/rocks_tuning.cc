// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_tuning.h"

#include <algorithm>

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include "base/limits.h"

namespace trident {
namespace {

// One shard: shards fill unevenly with filter blocks of megabytes, and two cores hardly meet in it.
constexpr int kCacheShardBits = 0;
// Filters and indexes are kept before data: a lookup needs them all, and of the data one block.
constexpr double kCacheShareOfIndexes = 0.8;
constexpr double kBloomBitsPerKey = 10;
// RocksDB takes this much at once from the write buffers; its default of 1 MiB a table would fill a
// small budget before anything is written.
constexpr size_t kArenaBlockBytes = 64 * kKiB;
constexpr uint64_t kBytesPerSync = 1 * kMiB;

rocksdb::BlockBasedTableOptions TableFormat(const RocksMemory& memory) {
  rocksdb::BlockBasedTableOptions format;
  format.format_version = 5;
  format.block_cache = memory.cache;
  format.max_auto_readahead_size = kSeekReadAheadBytesPerRunMax;
  format.cache_index_and_filter_blocks = true;
  format.cache_index_and_filter_blocks_with_high_priority = true;
  // What a filter takes while it is built is taken from what the cache may hold.
  format.cache_usage_options.options_overrides.insert(
      {rocksdb::CacheEntryRole::kFilterConstruction,
       {.charged = rocksdb::CacheEntryRoleOptions::Decision::kEnabled}});
  format.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  return format;
}

// Few large values that live for seconds. Whatever is deleted while it is still in a write buffer
// is never written to a file, and the values do not compress. The log goes with the buffer: a
// larger one would only make the next open read more.
void TuneRedo(rocksdb::ColumnFamilyOptions& options, const RocksMemory& memory) {
  options.write_buffer_size =
      std::clamp<uint64_t>(memory.write_buffer_bytes / 2, kMiB, kFoldRedoBytesDefault);
  options.max_write_buffer_number = 3;
  options.compression = rocksdb::kNoCompression;
}

// Many small values, written by bulk loads alone. Universal compaction: sorted runs wait until
// several can be merged at once, which writes and computes half of what levels do (5 M uniform
// keys, each rewritten once by 20 folds: 28 s of CPU and 0.5 GB against 42 to 49 s and 1.1 GB), at
// the price of more runs for a lookup to ask; the filters answer for most of them. No compression:
// a random lookup takes apart a whole block for one value, and walks are twice as fast.
void TuneBase(rocksdb::ColumnFamilyOptions& options) {
  options.write_buffer_size = kArenaBlockBytes;
  options.compression = rocksdb::kNoCompression;
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.level0_file_num_compaction_trigger = kBaseRunsMergedAt;
  options.target_file_size_base = 64 * kMiB;
  // RocksDB slows down every table's writes when one table has too many runs. Commits must not wait
  // for the base: a fold is late rather than a commit.
  options.level0_slowdown_writes_trigger = 1 << 20;
  options.level0_stop_writes_trigger = 1 << 20;
  options.soft_pending_compaction_bytes_limit = 0;
  options.hard_pending_compaction_bytes_limit = 0;
}

}  // namespace

RocksMemory::RocksMemory(uint64_t cache_bytes, uint64_t write_bytes)
    : cache(rocksdb::NewLRUCache(cache_bytes + write_bytes, kCacheShardBits,
                                 /*strict_capacity_limit=*/false, kCacheShareOfIndexes)),
      write_buffers(std::make_shared<rocksdb::WriteBufferManager>(write_bytes, cache)),
      write_buffer_bytes(write_bytes),
      index_bytes_max(cache_bytes / 2) {}

std::string_view FamilyName(Table table) {
  switch (table) {
    case Table::kMeta:
      return "default";
    case Table::kRedo:
      return "redo";
    case Table::kDecision:
      return "decision";
    case Table::kBase:
      return "base";
  }
  return "";
}

rocksdb::DBOptions DatabaseOptions(const RocksMemory& memory) {
  rocksdb::DBOptions options;
  // The default mode ends at the first damaged record and calls what is before it the whole.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.paranoid_checks = true;
  // A resumed database can repeat or drop log entries; after an error the directory is opened
  // again.
  options.max_bgerror_resume_count = 0;
  options.write_buffer_manager = memory.write_buffers;
  // How much is read again at the next open. It is then written out and the log let go, although
  // the first commit waits for it: of several logs RocksDB takes a damaged end of an older one for
  // the end of what was written, and goes on with the next.
  options.max_total_wal_size = kStoreLogBytesMax;
  options.avoid_flush_during_recovery = false;
  options.max_manifest_file_size = 16 * kMiB;
  options.manifest_preallocation_size = 64 * kKiB;
  // One flush and one compaction at a time leave the cores to the executors.
  options.max_background_jobs = 2;
  // Written out as they grow, or the log's fsync would wait for a whole file of the base.
  options.bytes_per_sync = kBytesPerSync;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(Table table, const RocksMemory& memory) {
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableFormat(memory)));
  options.arena_block_size = kArenaBlockBytes;
  options.write_buffer_size = 4 * kMiB;
  // Every file is read back before the log it came from is let go.
  options.paranoid_file_checks = true;
  if (table == Table::kRedo) TuneRedo(options, memory);
  if (table == Table::kBase) TuneBase(options);
  return options;
}

rocksdb::Options BulkLoadOptions(const RocksMemory& memory) {
  return {DatabaseOptions(memory), FamilyOptions(Table::kBase, memory)};
}

rocksdb::IngestExternalFileOptions IngestOptions() {
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  // The number is kept in the manifest; writing it into a file would change what was synced.
  options.write_global_seqno = false;
  return options;
}

}  // namespace trident
